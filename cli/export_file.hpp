#pragma once

#include <opslab/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace opslab::cli {

/// A file of JSON lines that is its own bookmark: the last whole line holds the cursor to go on
/// from. Nothing but whole lines stays: what a killed predecessor or a cut connection left of one
/// is dropped. One thread.
class ExportFile {
public:
    /// Opens or makes the file and drops a cut line at its end. Errors: `conflict` where another
    /// export writes to it; `invalid_argument` where its last line holds no cursor (it is some
    /// other file, and stays as it is); `permission_denied`.
    [[nodiscard]] static Result<ExportFile> open(const std::string& path);

    ExportFile(ExportFile&& other) noexcept;
    ExportFile& operator=(ExportFile&&) = delete;
    ExportFile(const ExportFile&) = delete;
    ExportFile& operator=(const ExportFile&) = delete;
    ~ExportFile();

    /// Adds a piece of the feed, which may end anywhere. Errors: `exhausted` (disk full, a line
    /// over 256 MiB), `internal`.
    [[nodiscard]] Status add(std::string_view piece);

    /// Forgets the part of a line that came last: the connection broke.
    void drop_partial() { partial_.clear(); }

    /// What was added survives a power cut after this.
    [[nodiscard]] Status sync();

    /// Of the last whole line; empty where there is none.
    [[nodiscard]] const std::string& cursor() const { return cursor_; }
    [[nodiscard]] std::uint64_t lines_added() const { return lines_; }
    [[nodiscard]] std::uint64_t bytes_added() const { return bytes_; }

private:
    ExportFile(int fd, std::string cursor) : fd_(fd), cursor_(std::move(cursor)) {}

    int fd_;
    std::string cursor_;
    std::string partial_{};
    std::uint64_t lines_ = 0;
    std::uint64_t bytes_ = 0;
    bool dirty_ = false;
};

}  // namespace opslab::cli
