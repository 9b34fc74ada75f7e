#include "base/text.hpp"
#include "config/nearest.hpp"
#include "config/scalar.hpp"
#include "config/schema.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace opslab::config {

namespace {

/// Checks a tree against a schema and builds the finished one beside it.
class Checker {
public:
    explicit Checker(std::vector<Fault>& faults) : faults_(faults) {}

    /// `parent` is where to report what is missing.
    Node value(const Schema& schema, const Node& node, const Path& path) {
        if (node.kind == Node::Kind::null) {
            return nothing(schema, node, path);
        }
        Node finished = node;
        if (!fits_type(schema, finished)) {
            refuse(path, node.mark, expected_found(schema, node, path));
            return finished;
        }
        if (!is_choice(schema, finished)) {
            refuse(path, node.mark, expected_found(schema, node, path) + choice_hint(schema, node));
            return finished;
        }
        if (!in_range(schema, finished)) {
            refuse(path, node.mark, expected_found(schema, node, path));
            return finished;
        }
        if (schema.type == Schema::Type::array && schema.items) {
            for (std::size_t i = 0; i < finished.items.size(); ++i) {
                finished.items[i] = value(*schema.items, node.items[i], path.index(i));
            }
        }
        if (schema.type == Schema::Type::object) {
            return object(schema, node, path);
        }
        return finished;
    }

private:
    void refuse(const Path& path, Mark mark, std::string problem) {
        faults_.push_back({path, mark, std::move(problem)});
    }

    static std::string expected_found(const Schema& schema, const Node& node, const Path& path) {
        return "expected " + expectation(schema) + ", found " + found_at(path, node);
    }

    /// An explicit null: nothing for a nullable setting, an empty block for an object or array.
    Node nothing(const Schema& schema, const Node& node, const Path& path) {
        if (schema.nullable) {
            return node;
        }
        if (schema.type == Schema::Type::object || schema.type == Schema::Type::array) {
            Node empty = schema.fallback.value_or(Node{});
            empty.kind =
                schema.type == Schema::Type::object ? Node::Kind::object : Node::Kind::array;
            empty.mark = node.mark;
            return value(schema, empty, path);
        }
        refuse(path, node.mark, expected_found(schema, node, path));
        return node;
    }

    /// Also makes the value that the environment gave, in quotes or not, one of the type.
    static bool fits_type(const Schema& schema, Node& node) {
        if (node.from_environment && node.kind == Node::Kind::string &&
            schema.type != Schema::Type::string) {
            Node plain = scalar_node(node.text, Quoting::plain);
            plain.mark = node.mark;
            plain.from_environment = true;
            node = std::move(plain);
        }
        switch (schema.type) {
            case Schema::Type::string:
                if (node.from_environment && node.kind != Node::Kind::string) {
                    node.kind = Node::Kind::string;
                }
                return node.kind == Node::Kind::string;
            case Schema::Type::integer:
                return node.kind == Node::Kind::integer;
            case Schema::Type::number:
                return node.kind == Node::Kind::integer || node.kind == Node::Kind::number;
            case Schema::Type::boolean:
                return node.kind == Node::Kind::boolean;
            case Schema::Type::array:
                return node.kind == Node::Kind::array;
            case Schema::Type::object:
                return node.kind == Node::Kind::object;
        }
        return false;
    }

    static bool is_choice(const Schema& schema, const Node& node) {
        return schema.choices.empty() ||
               std::any_of(schema.choices.begin(), schema.choices.end(), [&](const Node& choice) {
                   return same_value(choice, node);
               });
    }

    static std::string choice_hint(const Schema& schema, const Node& node) {
        std::vector<std::string> names;
        for (const Node& choice : schema.choices) {
            names.push_back(choice.text);
        }
        return node.from_environment ? std::string{} : hint(node.text, names);
    }

    static bool in_range(const Schema& schema, const Node& node) {
        const auto length_fits = [&](std::size_t size) {
            const auto length = static_cast<std::int64_t>(size);
            return length >= schema.min_length.value_or(length) &&
                   length <= schema.max_length.value_or(length);
        };
        switch (schema.type) {
            case Schema::Type::string:
                return length_fits(count_code_points(node.text));
            case Schema::Type::array:
                return length_fits(node.items.size());
            case Schema::Type::integer:
            case Schema::Type::number:
                return node.number >= schema.minimum.value_or(node.number) &&
                       node.number <= schema.maximum.value_or(node.number);
            default:
                return true;
        }
    }

    Node object(const Schema& schema, const Node& node, const Path& path) {
        Node finished = node;
        finished.members.clear();
        for (const Property& property : schema.properties) {
            Member member{property.name, node.mark, {}};
            if (property_value(property, node, path, member)) {
                finished.members.push_back(std::move(member));
            }
        }
        for (const Member& member : node.members) {
            other_member(schema, member, path, finished);
        }
        return finished;
    }

    bool property_value(
        const Property& property, const Node& node, const Path& path, Member& member
    ) {
        const Path place = path.key(property.name);
        if (const Node* given = node.find(property.name)) {
            member.value = value(property.schema, *given, place);
            return true;
        }
        if (property.required) {
            refuse(place, node.mark, "missing, expected " + expectation(property.schema));
            return false;
        }
        const bool block =
            property.schema.type == Schema::Type::object && !property.schema.nullable;
        if (!property.schema.fallback && !block) {
            return false;
        }
        Node fallback = property.schema.fallback.value_or(make_object());
        fallback.mark = node.mark;
        member.value = value(property.schema, fallback, place);
        return true;
    }

    void other_member(
        const Schema& schema, const Member& member, const Path& path, Node& finished
    ) {
        const bool known = std::any_of(
            schema.properties.begin(),
            schema.properties.end(),
            [&](const Property& property) { return property.name == member.key; }
        );
        if (known) {
            return;
        }
        const Path place = path.key(clip_utf8(member.key, 200));
        if (schema.other_members) {
            finished.members.push_back(
                {member.key, member.key_mark, value(*schema.other_members, member.value, place)}
            );
            return;
        }
        std::vector<std::string> names;
        for (const Property& property : schema.properties) {
            names.push_back(property.name);
        }
        refuse(place, member.key_mark, "unknown key" + known_names(member.key, names));
    }

    static std::string known_names(const std::string& key, const std::vector<std::string>& names) {
        std::string meant = hint(key, names);
        if (!meant.empty() || names.empty()) {
            return meant;
        }
        std::string text = "; known here: ";
        for (const std::string& name : names) {
            text += (&name == &names.front() ? "" : ", ") + name;
        }
        return text;
    }

    std::vector<Fault>& faults_;
};

}  // namespace

Checked check(const Schema& schema, const Node& value, const Path& path) {
    Checked checked;
    checked.value = Checker{checked.faults}.value(schema, value, path);
    return checked;
}

}  // namespace opslab::config
