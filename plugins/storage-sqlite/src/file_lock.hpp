#pragma once

#include <opslab/error.hpp>

#include <filesystem>

namespace opslab::sqlite {

/// Keeps a second coordinator off a database file: an exclusive lock on `<path>.lock`, which the
/// kernel drops with the process, however it ends. Not on the database file itself: closing any
/// descriptor of that would drop SQLite's own locks.
class FileLock {
public:
    /// Errors: `conflict` where another holds it; `unavailable` where the file cannot be made.
    [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& database);

    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

}  // namespace opslab::sqlite
