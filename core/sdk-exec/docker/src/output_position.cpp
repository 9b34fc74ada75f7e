#include "output_position.hpp"

#include <charconv>
#include <chrono>

namespace opslab::docker {
namespace {

constexpr std::string_view kVersion = "1";

// Takes a whole number from the front.
[[nodiscard]] std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || value < 0) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

[[nodiscard]] bool take_char(std::string_view& text, char wanted) {
    if (!text.starts_with(wanted)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

[[nodiscard]] std::optional<std::int64_t> take_zone(std::string_view text) {
    if (text == "Z" || text == "z") {
        return 0;
    }
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return std::nullopt;
    }
    const std::int64_t sign = text[0] == '+' ? 1 : -1;
    std::string_view hours = text.substr(1, 2);
    std::string_view minutes = text.substr(4, 2);
    const auto h = take_number(hours);
    const auto m = take_number(minutes);
    if (!h || !m || !hours.empty() || !minutes.empty()) {
        return std::nullopt;
    }
    return sign * (*h * 3600 + *m * 60);
}

}  // namespace

std::string OutputPosition::text() const {
    std::string out{kVersion};
    for (const std::int64_t value :
         {from_ns, marks[0].at_ns, marks[0].count, marks[1].at_ns, marks[1].count}) {
        out += ' ';
        out += std::to_string(value);
    }
    return out;
}

std::optional<OutputPosition> OutputPosition::parse(std::string_view text) {
    if (!text.starts_with(kVersion)) {
        return std::nullopt;
    }
    text.remove_prefix(kVersion.size());
    std::array<std::int64_t, 5> values{};
    for (auto& value : values) {
        const auto number = take_char(text, ' ') ? take_number(text) : std::nullopt;
        if (!number) {
            return std::nullopt;
        }
        value = *number;
    }
    if (!text.empty()) {
        return std::nullopt;
    }
    return OutputPosition{
        .from_ns = values[0],
        .marks = {StreamMark{values[1], values[2]}, StreamMark{values[3], values[4]}}};
}

std::optional<std::int64_t> parse_stamp(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00";
    if (text.size() <= kShape.size()) {
        return std::nullopt;
    }
    std::array<std::int64_t, 6> parts{};
    std::size_t part = 0;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (kShape[i] == '0' ? !is_digit : text[i] != kShape[i]) {
            return std::nullopt;
        }
        if (is_digit) {
            parts.at(part) = parts.at(part) * 10 + (text[i] - '0');
        } else {
            ++part;
        }
    }
    text.remove_prefix(kShape.size());
    std::int64_t nanos = 0;
    if (take_char(text, '.')) {
        std::int64_t unit = 100'000'000;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            nanos += (text.front() - '0') * unit;
            unit /= 10;
            text.remove_prefix(1);
        }
    }
    const auto zone = take_zone(text);
    const std::chrono::year_month_day date{
        std::chrono::year{static_cast<int>(parts[0])},
        std::chrono::month{static_cast<unsigned>(parts[1])},
        std::chrono::day{static_cast<unsigned>(parts[2])}};
    if (!zone || !date.ok() || parts[0] < 1970 || parts[0] > 2200) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t seconds = days * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5] - *zone;
    return seconds * 1'000'000'000 + nanos;
}

}  // namespace opslab::docker
