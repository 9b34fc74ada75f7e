#include "config/schema.hpp"

#include "config/node_json.hpp"
#include "fuzz/fuzz.hpp"

/// A plugin's schema and, behind a `%%` line, settings for it. Promised: a schema is understood or
/// refused in words; a value that passed has all its defaults, so it passes again and stays the
/// same; every fault has words.
namespace opslab::fuzz {
namespace {

void plugin_schema(std::string_view input) {
    const auto parts = parts_of(input);
    const auto schema = config::parse_schema(parts[0]);
    if (!schema) {
        require(!schema.error().message.empty(), "a refused schema is told why", parts[0]);
        return;
    }
    static_cast<void>(config::rows(*schema));
    const auto value = config::node_from_json(parts.size() > 1 ? parts[1] : std::string_view("{}"));
    if (!value) {
        return;
    }
    const auto checked = config::check(*schema, *value);
    for (const auto& fault : checked.faults) {
        require(!fault.problem.empty(), "a fault says what is wrong", fault.path.dotted());
    }
    if (checked.faults.empty()) {
        const auto again = config::check(*schema, checked.value);
        require(again.faults.empty(), "a good value is good again", input);
        require(config::same_value(again.value, checked.value), "and stays the same", input);
    }
}

const Registration kPluginSchema{"schema", plugin_schema};

}  // namespace
}  // namespace opslab::fuzz
