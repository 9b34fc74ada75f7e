#pragma once

#include <opslab/time.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

/// Distinct types for ids, so that swapping two arguments does not compile.
namespace opslab {

/// A text id with a meaning. Ordered as its text; UUIDv7 text therefore orders by time.
template <class Tag>
struct TextId {
    std::string value{};

    TextId() = default;
    explicit TextId(std::string text) : value(std::move(text)) {}

    auto operator<=>(const TextId&) const = default;
};

/// A task's UUID (version 7, lower case, 36 characters).
using TaskId = TextId<struct TaskIdTag>;
/// A worker's id: `worker-NNN-BACKEND`.
using WorkerId = TextId<struct WorkerIdTag>;
/// A log entry's UUID (version 7).
using LogId = TextId<struct LogIdTag>;
/// A callback delivery's UUID (version 7), the same on every retry.
using DeliveryId = TextId<struct DeliveryIdTag>;

/// Whether `text` has the form of a UUID: 8-4-4-4-12 hexadecimal digits, any case, any version.
[[nodiscard]] constexpr bool is_uuid(std::string_view text) {
    if (text.size() != 36) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return false;
            }
            continue;
        }
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex) {
            return false;
        }
    }
    return true;
}

/// A fresh UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 12 bits of the
/// fraction of that millisecond (method 3 of section 6.2, so that ids of one process sort by time
/// within it), 62 random bits.
[[nodiscard]] inline std::string make_uuid(Timestamp now, Entropy& entropy) {
    const auto micros = static_cast<std::uint64_t>(to_micros(now));
    const std::uint64_t millis = micros / 1000;
    const std::uint64_t fraction = (micros % 1000) * 4096 / 1000;
    const std::uint64_t high = (millis << 16) | 0x7000U | fraction;
    const std::uint64_t low = (entropy.next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
    constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
    std::string text;
    text.reserve(36);
    for (int nibble = 0; nibble < 32; ++nibble) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) {
            text.push_back('-');
        }
        const std::uint64_t half = nibble < 16 ? high : low;
        text.push_back(kDigits.at((half >> (60 - 4 * (nibble % 16))) & 0xfU));
    }
    return text;
}

}  // namespace opslab

template <class Tag>
struct std::hash<opslab::TextId<Tag>> {
    std::size_t operator()(const opslab::TextId<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.value);
    }
};
