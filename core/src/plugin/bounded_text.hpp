#pragma once

#include <opslab/plugin.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace opslab::plugin {

/// Takes text from a plugin through an `opslab_writer`, no more than `limit` bytes of it.
class BoundedText {
public:
    explicit BoundedText(std::size_t limit);
    BoundedText(const BoundedText&) = delete;
    BoundedText& operator=(const BoundedText&) = delete;

    [[nodiscard]] const opslab_writer* writer() const { return &writer_; }
    /// As it came, cut at the limit.
    [[nodiscard]] const std::string& bytes() const { return text_; }
    [[nodiscard]] bool overflowed() const { return overflowed_; }
    /// For people: valid UTF-8, no control characters but tab and line end, never empty.
    [[nodiscard]] std::string readable() const;

private:
    static void take(void* ctx, const char* data, std::size_t size);

    std::size_t limit_;
    std::string text_{};
    bool overflowed_ = false;
    opslab_writer writer_{};
};

/// Text of a plugin for people: valid UTF-8 without control characters, at most `limit` bytes.
[[nodiscard]] std::string readable_text(std::string_view text, std::size_t limit);

}  // namespace opslab::plugin
