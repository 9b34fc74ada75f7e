#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// A value of a configuration: what YAML or JSON said, with its place in the file.
namespace opslab::config {

/// A place in a file, from 1. 0: not from a file.
struct Mark {
    int line = 0;
    int column = 0;

    auto operator<=>(const Mark&) const = default;
};

struct Member;

/// A tree of plain values. `text` holds a string, and for every scalar what was written; of a
/// scalar that took something from the environment nothing but that fact may be shown.
struct Node {
    enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };

    Kind kind = Kind::null;
    bool boolean = false;
    bool from_environment = false;
    std::int64_t integer = 0;
    double number = 0;  ///< also set for an integer
    std::string text{};
    std::vector<Node> items{};
    std::vector<Member> members;  ///< in order, keys are unique
    Mark mark{};

    [[nodiscard]] const Node* find(std::string_view key) const;
    [[nodiscard]] Node* find(std::string_view key);
};

struct Member {
    std::string key{};
    Mark key_mark{};
    Node value{};
};

[[nodiscard]] Node make_string(std::string text);
[[nodiscard]] Node make_object();

/// Whether two values are equal as JSON (marks and origins aside; 2 equals 2.0).
[[nodiscard]] bool same_value(const Node& left, const Node& right);

/// Where a value is within the whole: keys and indexes.
class Path {
public:
    Path() = default;

    [[nodiscard]] Path key(std::string_view name) const;
    [[nodiscard]] Path index(std::size_t position) const;

    /// `runners[0].config.memory`; the whole is "".
    [[nodiscard]] std::string dotted() const;
    /// `/runners/0/config/memory`; the whole is "".
    [[nodiscard]] std::string pointer() const;

private:
    std::vector<std::variant<std::string, std::size_t>> steps_{};
};

}  // namespace opslab::config
