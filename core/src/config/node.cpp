#include "config/node.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <utility>

namespace opslab::config {

const Node* Node::find(std::string_view key) const {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Member& member) {
        return member.key == key;
    });
    return found == members.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) {
    return const_cast<Node*>(std::as_const(*this).find(key));
}

Node make_string(std::string text) {
    Node node;
    node.kind = Node::Kind::string;
    node.text = std::move(text);
    return node;
}

Node make_object() {
    Node node;
    node.kind = Node::Kind::object;
    return node;
}

namespace {

bool is_numeric(const Node& node) {
    return node.kind == Node::Kind::integer || node.kind == Node::Kind::number;
}

}  // namespace

bool same_value(const Node& left, const Node& right) {
    if (is_numeric(left) && is_numeric(right)) {
        return left.number == right.number;
    }
    if (left.kind != right.kind) {
        return false;
    }
    switch (left.kind) {
        case Node::Kind::null:
        case Node::Kind::integer:
        case Node::Kind::number:
            return true;
        case Node::Kind::boolean:
            return left.boolean == right.boolean;
        case Node::Kind::string:
            return left.text == right.text;
        case Node::Kind::array:
            return std::equal(
                left.items.begin(),
                left.items.end(),
                right.items.begin(),
                right.items.end(),
                same_value
            );
        case Node::Kind::object:
            return left.members.size() == right.members.size() &&
                   std::all_of(left.members.begin(), left.members.end(), [&](const Member& member) {
                       const Node* other = right.find(member.key);
                       return other != nullptr && same_value(member.value, *other);
                   });
    }
    return false;
}

Path Path::key(std::string_view name) const {
    Path longer = *this;
    longer.steps_.emplace_back(std::string{name});
    return longer;
}

Path Path::index(std::size_t position) const {
    Path longer = *this;
    longer.steps_.emplace_back(position);
    return longer;
}

std::string Path::dotted() const {
    std::string text;
    for (const auto& step : steps_) {
        if (const auto* position = std::get_if<std::size_t>(&step)) {
            text += "[" + std::to_string(*position) + "]";
            continue;
        }
        text += (text.empty() ? "" : ".") + std::get<std::string>(step);
    }
    return text;
}

std::string Path::pointer() const {
    std::string text;
    for (const auto& step : steps_) {
        const auto* position = std::get_if<std::size_t>(&step);
        text += "/";
        text += position != nullptr ? std::to_string(*position)
                                    : pointer_token(std::get<std::string>(step));
    }
    return text;
}

}  // namespace opslab::config
