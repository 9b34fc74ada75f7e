#include "config/node_json.hpp"

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>

namespace opslab::config {

namespace {

Node from_json(const Json& value);

void take_number(const Json& value, Node& node) {
    node.number = value.get<double>();
    node.text = value.dump();
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() &&
                        value.get<std::uint64_t>() >
                            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    node.kind = fits ? Node::Kind::integer : Node::Kind::number;
    if (fits) {
        node.integer = value.get<std::int64_t>();
    }
}

void take_members(const Json& value, Node& node) {
    node.kind = Node::Kind::object;
    for (const auto& [key, member] : value.items()) {
        node.members.push_back(Member{key, {}, from_json(member)});
    }
}

/// Depth is bounded by the parser.
Node from_json(const Json& value) {
    Node node;
    if (value.is_object()) {
        take_members(value, node);
    } else if (value.is_array()) {
        node.kind = Node::Kind::array;
        for (const Json& item : value) {
            node.items.push_back(from_json(item));
        }
    } else if (value.is_string()) {
        node = make_string(value.get<std::string>());
    } else if (value.is_boolean()) {
        node.kind = Node::Kind::boolean;
        node.boolean = value.get<bool>();
        node.text = node.boolean ? "true" : "false";
    } else if (value.is_number()) {
        take_number(value, node);
    }
    return node;
}

Json to_json(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return nullptr;
        case Node::Kind::boolean:
            return node.boolean;
        case Node::Kind::integer:
            return node.integer;
        case Node::Kind::number:
            return node.number;
        case Node::Kind::string:
            return node.text;
        case Node::Kind::array: {
            Json array = Json::array();
            for (const Node& item : node.items) {
                array.push_back(to_json(item));
            }
            return array;
        }
        case Node::Kind::object: {
            Json object = Json::object();
            for (const Member& member : node.members) {
                object[member.key] = to_json(member.value);
            }
            return object;
        }
    }
    return nullptr;
}

}  // namespace

Result<Node> node_from_json(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) {
        return fail(value.error());
    }
    return from_json(*value);
}

std::string node_to_json(const Node& node) {
    return dump_json(to_json(node));
}

}  // namespace opslab::config
