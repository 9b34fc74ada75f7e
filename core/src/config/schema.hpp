#pragma once

#include "config/node.hpp"

#include <opslab/error.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The subset of JSON Schema in which settings are declared, ours and the plugins': `type` (one of
/// string, integer, number, boolean, array, object, or a pair of one and "null"), `properties`,
/// `required`, `additionalProperties` (false, the default here, or a schema), `items`, `enum`,
/// `default`, `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`. Annotations
/// are `title`, `description`, `examples`, `$schema`, `$comment` and names that begin with `x-`.
/// Any other keyword is an error: a rule that nobody checks must not look like one.
namespace opslab::config {

struct Property;

struct Schema {
    enum class Type : std::uint8_t { string, integer, number, boolean, array, object };

    Type type = Type::object;
    bool nullable = false;
    std::string description{};
    std::optional<Node> fallback{};  ///< `default`
    std::vector<Node> choices{};     ///< `enum`
    std::optional<double> minimum{};
    std::optional<double> maximum{};
    std::optional<std::int64_t> min_length{};
    std::optional<std::int64_t> max_length{};
    std::vector<Property> properties;
    std::shared_ptr<const Schema> items{};  ///< shared: schemas are copied, and never change
    std::shared_ptr<const Schema> other_members{};  ///< `additionalProperties` as a schema
};

struct Property {
    std::string name{};
    bool required = false;
    Schema schema{};
};

/// Errors: `invalid_argument`, naming the place in the schema and what is wrong there. Defaults are
/// checked against their own schema.
[[nodiscard]] Result<Schema> parse_schema(std::string_view json_text);

/// A mistake in a value.
struct Fault {
    Path path{};
    Mark mark{};
    std::string problem{};  ///< never holds a secret
};

/// A value with all defaults filled in (also inside objects that are absent), and what was wrong.
struct Checked {
    Node value{};
    std::vector<Fault> faults{};
};

/// Checks `value` and everything in it. `path` is where it is; `parent` the place to report what is
/// missing at.
[[nodiscard]] Checked check(const Schema& schema, const Node& value, const Path& path = {});

/// `an integer from 1 to 200`, `"human" or "json"`, `an array of strings`.
[[nodiscard]] std::string expectation(const Schema& schema);

/// `"ten"`, `12`, `an object`, `nothing`; passwords in URLs blotted out, environment values hidden.
[[nodiscard]] std::string found(const Node& node);

/// The same, but only the kind of a string whose path sounds as if it held a secret.
[[nodiscard]] std::string found_at(const Path& path, const Node& node);

/// One setting, for people: `opslab plugin info`, docs/configuration.md.
struct SettingRow {
    std::string key{};       ///< `server.listen`, `runners[].name`
    std::string type{};      ///< `integer`, `string or null`, `array of strings`
    std::string fallback{};  ///< as JSON; empty: none (required)
    std::string range{};     ///< `1 to 200`, `human, json`; empty: any
    std::string text{};      ///< what it does, with its unit
};

/// All settings under `schema`, in its order.
[[nodiscard]] std::vector<SettingRow> rows(const Schema& schema);

}  // namespace opslab::config
