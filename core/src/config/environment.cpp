#include "config/environment.hpp"

#include "base/text.hpp"

#include <cstdlib>

namespace opslab::config {

namespace {

constexpr std::size_t kMaxValueBytes = 64 * 1024;

bool is_variable_name(std::string_view name) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    return !name.empty() && kLetters.find(name.front()) != std::string_view::npos &&
           name.find_first_not_of(std::string{kLetters} + "0123456789") == std::string_view::npos;
}

/// The value of what stands between the braces.
Result<std::string> resolve(std::string_view inside, const Environment& environment) {
    const auto split = inside.find(":-");
    const std::string name{inside.substr(0, split)};
    if (!is_variable_name(name)) {
        return fail(
            Errc::invalid_argument,
            "expected ${NAME} or ${NAME:-default}, found another form of ${…}; write $${ for a "
            "plain ${"
        );
    }
    const auto value = environment(name);
    const bool use_default = split != std::string_view::npos && (!value || value->empty());
    if (use_default) {
        return std::string{inside.substr(split + 2)};
    }
    if (!value) {
        return fail(
            Errc::invalid_argument,
            "expected the environment variable " + name + ", found it unset; write ${" + name +
                ":-default} to do without"
        );
    }
    if (!is_utf8(*value) || value->size() > kMaxValueBytes) {
        return fail(
            Errc::invalid_argument,
            "expected UTF-8 text of at most 64 KiB in the environment variable " + name
        );
    }
    return *value;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        // settings are read at the start, before there is a second thread
        const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
        return value == nullptr ? std::nullopt : std::optional<std::string>{value};
    };
}

Result<Expanded> expand(std::string_view text, const Environment& environment) {
    Expanded expanded;
    while (!text.empty()) {
        const auto at = text.find("${");
        if (at == std::string_view::npos) {
            expanded.text += text;
            break;
        }
        const bool escaped = at > 0 && text[at - 1] == '$';
        expanded.text += text.substr(0, escaped ? at - 1 : at);
        text.remove_prefix(at + 2);
        if (escaped) {
            expanded.text += "${";
            continue;
        }
        const auto end = text.find('}');
        if (end == std::string_view::npos) {
            return fail(Errc::invalid_argument, "expected a } after ${, found none");
        }
        const auto value = resolve(text.substr(0, end), environment);
        if (!value) {
            return fail(value.error());
        }
        expanded.text += *value;
        expanded.from_environment = true;
        text.remove_prefix(end + 1);
    }
    return expanded;
}

}  // namespace opslab::config
