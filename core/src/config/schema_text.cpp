#include "base/text.hpp"
#include "config/node_json.hpp"
#include "config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

/// How schemas and values are spoken of.
namespace opslab::config {

namespace {

constexpr std::size_t kLongestShown = 60;

std::string number_text(double value) {
    return std::floor(value) == value && std::fabs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                                 : fmt::format("{}", value);
}

std::string range_text(const Schema& schema) {
    if (schema.minimum && schema.maximum) {
        return number_text(*schema.minimum) + " to " + number_text(*schema.maximum);
    }
    if (schema.minimum) {
        return "at least " + number_text(*schema.minimum);
    }
    return schema.maximum ? "at most " + number_text(*schema.maximum) : std::string{};
}

std::string length_text(const Schema& schema, const char* unit) {
    if (schema.min_length && schema.max_length) {
        return fmt::format("{} to {} {}", *schema.min_length, *schema.max_length, unit);
    }
    if (schema.min_length) {
        return fmt::format("at least {} {}", *schema.min_length, unit);
    }
    return schema.max_length ? fmt::format("at most {} {}", *schema.max_length, unit)
                             : std::string{};
}

std::string size_text(const Schema& schema) {
    switch (schema.type) {
        case Schema::Type::integer:
        case Schema::Type::number:
            return range_text(schema);
        case Schema::Type::string:
            return schema.min_length == 1 && !schema.max_length ? "not empty"
                                                                : length_text(schema, "characters");
        case Schema::Type::array:
            return length_text(schema, "items");
        default:
            return {};
    }
}

std::string choices_text(const Schema& schema) {
    std::string text;
    for (std::size_t i = 0; i < schema.choices.size(); ++i) {
        const bool last = i + 1 == schema.choices.size();
        text += i == 0 ? "" : (last ? " or " : ", ");
        text += node_to_json(schema.choices[i]);
    }
    return text;
}

const char* plural(Schema::Type type) {
    switch (type) {
        case Schema::Type::string:
            return "strings";
        case Schema::Type::integer:
            return "integers";
        case Schema::Type::number:
            return "numbers";
        case Schema::Type::boolean:
            return "booleans";
        case Schema::Type::array:
            return "arrays";
        case Schema::Type::object:
            return "objects";
    }
    return "values";
}

std::string type_text(const Schema& schema) {
    switch (schema.type) {
        case Schema::Type::string:
            return "string";
        case Schema::Type::integer:
            return "integer";
        case Schema::Type::number:
            return "number";
        case Schema::Type::boolean:
            return "boolean";
        case Schema::Type::array:
            return schema.items ? std::string{"array of "} + plural(schema.items->type) : "array";
        case Schema::Type::object:
            return "object";
    }
    return {};
}

std::string wanted_kind(const Schema& schema) {
    if (schema.type == Schema::Type::boolean) {
        return "true or false";
    }
    const std::string type = type_text(schema);
    const bool vowel = type.front() == 'a' || type.front() == 'i' || type.front() == 'o';
    return (vowel ? "an " : "a ") + type;
}

/// Blots out the password of `scheme://user:password@host`.
std::string without_password(std::string text) {
    for (auto scheme = text.find("://"); scheme != std::string::npos;
         scheme = text.find("://", scheme + 3)) {
        const auto colon = text.find(':', scheme + 3);
        // up to the last one: a password may hold any character, and too much is better than less
        const auto at = text.rfind('@');
        if (at == std::string::npos || colon == std::string::npos || colon > at) {
            break;
        }
        text.replace(colon + 1, at - colon - 1, "***");
    }
    return text;
}

void add_rows(
    const Schema& schema, const std::string& key, bool required, std::vector<SettingRow>& rows
) {
    const bool many = schema.type == Schema::Type::array && schema.items &&
                      schema.items->type == Schema::Type::object;
    if (!key.empty() && (schema.type != Schema::Type::object || schema.properties.empty())) {
        SettingRow row;
        row.key = key;
        row.type = type_text(schema) + (schema.nullable ? " or null" : "");
        row.fallback = schema.fallback ? node_to_json(*schema.fallback) : "";
        row.range = schema.choices.empty() ? size_text(schema) : choices_text(schema);
        row.text = (required ? "Required. " : "") + schema.description;
        rows.push_back(row);
    }
    const Schema& inner = many ? *schema.items : schema;
    const std::string prefix = key + (many ? "[]" : "") + (key.empty() ? "" : ".");
    for (const Property& property : inner.properties) {
        add_rows(property.schema, prefix + property.name, property.required, rows);
    }
}

}  // namespace

std::string expectation(const Schema& schema) {
    const std::string or_null = schema.nullable ? " or null" : "";
    if (!schema.choices.empty()) {
        return choices_text(schema) + or_null;
    }
    const std::string size = size_text(schema);
    if (size.empty()) {
        return wanted_kind(schema) + or_null;
    }
    if (size == "not empty") {
        return "a non-empty string" + or_null;
    }
    const bool between = schema.minimum && schema.maximum && schema.type != Schema::Type::string &&
                         schema.type != Schema::Type::array;
    const bool length = schema.type == Schema::Type::string || schema.type == Schema::Type::array;
    const char* joint = length ? " of " : (between ? " from " : " of ");
    return wanted_kind(schema) + joint + size + or_null;
}

std::string found(const Node& node) {
    if (node.kind == Node::Kind::null) {
        return "nothing";
    }
    if (node.kind == Node::Kind::array) {
        return "an array";
    }
    if (node.kind == Node::Kind::object) {
        return "an object";
    }
    if (node.from_environment) {
        return "another value from the environment";
    }
    if (node.kind != Node::Kind::string) {
        return node.text;
    }
    // over the whole text, before it is cut: half a password is one too
    const std::string shown = to_valid_utf8(without_password(node.text));
    const std::string_view cut = clip_utf8(shown, kLongestShown);
    return node_to_json(make_string(std::string{cut} + (cut.size() < shown.size() ? "…" : "")));
}

std::string found_at(const Path& path, const Node& node) {
    static constexpr std::array kSecretWords{
        "secret", "password", "passwd", "token", "credential", "api_key", "environment"};
    const std::string place = path.dotted();
    const bool secret = std::any_of(kSecretWords.begin(), kSecretWords.end(), [&](auto word) {
        return place.find(word) != std::string::npos;
    });
    return secret && node.kind == Node::Kind::string ? "a string" : found(node);
}

std::vector<SettingRow> rows(const Schema& schema) {
    std::vector<SettingRow> all;
    add_rows(schema, "", false, all);
    return all;
}

}  // namespace opslab::config
