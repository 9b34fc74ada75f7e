#include "config/node_json.hpp"
#include "config/schema.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace opslab::config {

namespace {

constexpr std::array<std::pair<const char*, Schema::Type>, 6> kTypes{{
    {"string", Schema::Type::string},
    {"integer", Schema::Type::integer},
    {"number", Schema::Type::number},
    {"boolean", Schema::Type::boolean},
    {"array", Schema::Type::array},
    {"object", Schema::Type::object},
}};

constexpr double kLongest = 2'147'483'647;  // more than any setting may hold

/// Reads one schema out of a node; the first mistake wins.
class SchemaReader {
public:
    Schema read(const Node& node, const Path& path) {
        Schema schema;
        if (node.kind != Node::Kind::object) {
            refuse(path, "expected an object");
            return schema;
        }
        refuse_unknown(node, path);
        read_type(node, path, schema);
        read_limits(node, path, schema);
        read_parts(node, path, schema);
        if (!mistake_) {
            read_values(node, path, schema);
        }
        return schema;
    }

    std::optional<std::string> mistake() const { return mistake_; }

private:
    void refuse(const Path& path, const std::string& problem) {
        if (!mistake_) {
            const std::string place = path.dotted();
            mistake_ = (place.empty() ? "" : "\"" + place + "\": ") + problem;
        }
    }

    void refuse_unknown(const Node& node, const Path& path) {
        static const std::set<std::string, std::less<>> kKnown{
            "$comment",
            "$schema",
            "additionalProperties",
            "default",
            "description",
            "enum",
            "examples",
            "items",
            "maxItems",
            "maxLength",
            "maximum",
            "minItems",
            "minLength",
            "minimum",
            "properties",
            "required",
            "title",
            "type",
        };
        for (const Member& member : node.members) {
            if (kKnown.count(member.key) == 0 && member.key.rfind("x-", 0) != 0) {
                refuse(path, "the keyword \"" + member.key + "\" is not supported");
            }
        }
    }

    void read_type(const Node& node, const Path& path, Schema& schema) {
        const Node* type = node.find("type");
        if (type == nullptr) {
            return refuse(path, "\"type\" is missing");
        }
        const bool pair = type->kind == Node::Kind::array && type->items.size() == 2 &&
                          type->items[1].kind == Node::Kind::string &&
                          type->items[1].text == "null";
        schema.nullable = pair;
        const Node& name = pair ? type->items[0] : *type;
        const auto known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& entry) {
            return name.kind == Node::Kind::string && name.text == entry.first;
        });
        if (known == kTypes.end()) {
            return refuse(path.key("type"), found(name) + " is not a type");
        }
        schema.type = known->second;
    }

    void read_limits(const Node& node, const Path& path, Schema& schema) {
        if (const Node* text = text_of(node, path, "description")) {
            schema.description = text->text;
        }
        if (const Node* low = number_of(node, path, "minimum")) {
            schema.minimum = low->number;
        }
        if (const Node* high = number_of(node, path, "maximum")) {
            schema.maximum = high->number;
        }
        const bool array = schema.type == Schema::Type::array;
        if (const auto low = length_of(node, path, array ? "minItems" : "minLength")) {
            schema.min_length = *low;
        }
        if (const auto high = length_of(node, path, array ? "maxItems" : "maxLength")) {
            schema.max_length = *high;
        }
    }

    void read_parts(const Node& node, const Path& path, Schema& schema) {
        if (const Node* items = node.find("items")) {
            schema.items = std::make_shared<const Schema>(read(*items, path.key("items")));
        }
        if (const Node* properties = node.find("properties")) {
            if (properties->kind != Node::Kind::object) {
                refuse(path.key("properties"), "expected an object, found " + found(*properties));
            }
            for (const Member& member : properties->members) {
                const Path place = path.key("properties").key(member.key);
                schema.properties.push_back({member.key, false, read(member.value, place)});
            }
        }
        const Node* others = node.find("additionalProperties");
        if (others != nullptr && others->kind == Node::Kind::object) {
            schema.other_members =
                std::make_shared<const Schema>(read(*others, path.key("additionalProperties")));
        } else if (others != nullptr && (others->kind != Node::Kind::boolean || others->boolean)) {
            refuse(path.key("additionalProperties"), "expected false or a schema");
        }
        read_required(node, path, schema);
    }

    void read_required(const Node& node, const Path& path, Schema& schema) {
        const Node* required = node.find("required");
        if (required == nullptr) {
            return;
        }
        for (const Node& name : required->items) {
            const auto property = std::find_if(
                schema.properties.begin(),
                schema.properties.end(),
                [&](const Property& candidate) { return candidate.name == name.text; }
            );
            if (property == schema.properties.end()) {
                refuse(path.key("required"), found(name) + " is not a property");
            } else {
                property->required = true;
            }
        }
    }

    void read_values(const Node& node, const Path& path, Schema& schema) {
        if (const Node* choices = node.find("enum")) {
            if (choices->kind != Node::Kind::array || choices->items.empty()) {
                return refuse(path.key("enum"), "expected an array of values");
            }
            schema.choices = choices->items;
        }
        const Node* fallback = node.find("default");
        if (fallback == nullptr) {
            return;
        }
        const Checked checked = check(schema, *fallback, path.key("default"));
        if (!checked.faults.empty()) {
            return refuse(checked.faults.front().path, checked.faults.front().problem);
        }
        schema.fallback = *fallback;
    }

    const Node* number_of(const Node& node, const Path& path, const char* key) {
        const Node* value = node.find(key);
        if (value != nullptr && value->kind != Node::Kind::integer &&
            value->kind != Node::Kind::number) {
            refuse(path.key(key), "expected a number, found " + found(*value));
            return nullptr;
        }
        return value;
    }

    std::optional<std::int64_t> length_of(const Node& node, const Path& path, const char* key) {
        const Node* value = number_of(node, path, key);
        if (value == nullptr) {
            return {};
        }
        if (value->number < 0 || value->number > kLongest ||
            value->number != std::floor(value->number)) {
            refuse(path.key(key), "must be a whole number from 0 to 2147483647");
            return {};
        }
        return static_cast<std::int64_t>(value->number);
    }

    const Node* text_of(const Node& node, const Path& path, const char* key) {
        const Node* value = node.find(key);
        if (value != nullptr && value->kind != Node::Kind::string) {
            refuse(path.key(key), "expected a string, found " + found(*value));
            return nullptr;
        }
        return value;
    }

    std::optional<std::string> mistake_{};
};

}  // namespace

Result<Schema> parse_schema(std::string_view json_text) {
    const auto node = node_from_json(json_text);
    if (!node) {
        return fail(Errc::invalid_argument, node.error().message);
    }
    SchemaReader reader;
    Schema schema = reader.read(*node, {});
    if (const auto mistake = reader.mistake()) {
        return fail(Errc::invalid_argument, *mistake);
    }
    if (schema.type != Schema::Type::object || schema.nullable) {
        return fail(Errc::invalid_argument, "the whole must be of type \"object\"");
    }
    return schema;
}

}  // namespace opslab::config
