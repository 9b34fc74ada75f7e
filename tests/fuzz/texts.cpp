#include "base/json.hpp"
#include "base/rfc3339.hpp"
#include "base/text.hpp"
#include "domain/worker_codec.hpp"
#include "fuzz/fuzz.hpp"
#include "output/escape.hpp"
#include "service/cursor.hpp"

#include <opslab/worker.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

/// Small texts from outside: times, ids, globs, cursors, and bytes that are to be shown. Promised:
/// what was read, written and read again is the same; whatever is shown on a terminal or in JSON is
/// UTF-8 without control characters.
namespace opslab::fuzz {
namespace {

void check_utf8(std::string_view input) {
    const auto mended = to_valid_utf8(input);
    require(is_utf8(mended), "mended text is UTF-8", input);
    require(mended.find('\0') == std::string::npos, "without NUL", input);
    require(to_valid_utf8(mended) == mended, "mending once is enough", input);
    const auto plain = input.find('\0') == std::string_view::npos;
    require(!is_utf8(input) || !plain || mended == input, "good text stays", input);
    for (const std::size_t limit : {std::size_t{0}, std::size_t{3}, mended.size() / 2}) {
        const auto clipped = clip_utf8(mended, limit);
        require(clipped.size() <= limit && is_utf8(clipped), "a clip cuts no code point", mended);
        require(mended.starts_with(clipped), "and is a beginning", mended);
    }
    require(count_code_points(mended) <= mended.size(), "code points are no more than bytes");
}

void check_words(std::string_view input) {
    if (const auto at = parse_time(input)) {
        require(parse_time(format_time(*at)) == at, "a time, written and read, is the same", input);
    }
    if (const auto name = parse_worker_id(input)) {
        const auto made = make_worker_id(name->number, name->backend_type);
        const auto again = parse_worker_id(made.value);
        require(
            again && again->number == name->number && again->backend_type == name->backend_type,
            "a worker's id, taken apart and made, means the same",
            input
        );
    }
    require(glob_match(input, input), "a glob matches itself", input);
    require(glob_match("*", input), "a star matches all", input);
    if (const auto values = open_cursor("scope", input, 2)) {
        require(seal_cursor("scope", *values) == input, "a cursor is what was sealed", input);
    }
}

void check_shown(std::string_view input) {
    const auto is_control = [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    };
    const auto shown = cli::printable(input);
    require(is_utf8(shown), "what is shown is UTF-8", shown);
    require(std::none_of(shown.begin(), shown.end(), is_control), "and moves nothing", shown);
    require(is_utf8(cli::shortened(shown, 7)), "shortened it is UTF-8 still", shown);
    if (const auto json = parse_json(input)) {
        const auto harmless = cli::harmless_json(dump_json(*json));
        const auto again = parse_json(harmless);
        require(again && *again == *json, "harmless JSON has the same value", harmless);
    }
}

void texts(std::string_view input) {
    check_utf8(input);
    check_shown(input);
    check_words(input);
}

const Registration kTexts{"texts", texts};

}  // namespace
}  // namespace opslab::fuzz
