#include "http/router.hpp"

#include <algorithm>
#include <stdexcept>

namespace opslab {

/// A place in the tree of patterns: what may come next, and the rows that end here.
struct Router::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals{};
    std::unique_ptr<Node> parameter{};
    std::string parameter_name{};
    std::map<HttpMethod, const Route*> rows{};
    std::string pattern{};
};

namespace {

std::vector<std::string> pattern_segments(const std::string& pattern) {
    if (!pattern.starts_with('/')) {
        throw std::logic_error("route pattern \"" + pattern + "\" does not begin with a slash");
    }
    std::vector<std::string> segments;
    std::string_view rest = std::string_view(pattern).substr(1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('/'), rest.size());
        if (end == 0) {
            throw std::logic_error("route pattern \"" + pattern + "\" has an empty segment");
        }
        segments.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return segments;
}

bool is_parameter(const std::string& segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Route route) {
    Node* node = root_.get();
    for (const auto& segment : pattern_segments(route.pattern)) {
        if (!is_parameter(segment)) {
            auto& next = node->literals[segment];
            if (!next) {
                next = std::make_unique<Node>();
            }
            node = next.get();
            continue;
        }
        const auto name = segment.substr(1, segment.size() - 2);
        if (!node->parameter) {
            node->parameter = std::make_unique<Node>();
            node->parameter_name = name;
        } else if (node->parameter_name != name) {
            throw std::logic_error("route \"" + route.pattern + "\" renames a parameter");
        }
        node = node->parameter.get();
    }
    if (route.method == HttpMethod::head || route.method == HttpMethod::options ||
        route.method == HttpMethod::other || !route.handler) {
        throw std::logic_error("route \"" + route.pattern + "\" has no method or handler to serve");
    }
    auto row = std::make_unique<Route>(std::move(route));
    if (!node->rows.emplace(row->method, row.get()).second) {
        throw std::logic_error("route \"" + row->pattern + "\" is there twice");
    }
    node->pattern = row->pattern;
    routes_.push_back(std::move(row));
}

namespace {

/// Depth-first with literals first: a dead end comes back to the parameter. The depth is that of
/// the patterns, never that of the path.
template <class NodeType>
const NodeType* find_node(
    const NodeType& node,
    const std::vector<std::string>& segments,
    std::size_t index,
    std::vector<std::pair<std::string, std::string>>& params
) {
    if (index == segments.size()) {
        return node.rows.empty() ? nullptr : &node;
    }
    const auto& segment = segments[index];
    if (segment.empty()) {
        return nullptr;
    }
    if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
        if (const auto* found = find_node(*literal->second, segments, index + 1, params)) {
            return found;
        }
    }
    if (!node.parameter) {
        return nullptr;
    }
    params.emplace_back(node.parameter_name, segment);
    if (const auto* found = find_node(*node.parameter, segments, index + 1, params)) {
        return found;
    }
    params.pop_back();
    return nullptr;
}

}  // namespace

RouteMatch Router::match(HttpMethod method, const std::vector<std::string>& segments) const {
    RouteMatch result;
    std::vector<std::pair<std::string, std::string>> params;
    const Node* node = find_node(*root_, segments, 0, params);
    if (node == nullptr) {
        return result;
    }
    result.pattern = node->pattern;
    for (auto& [name, value] : params) {
        result.params.add(std::move(name), std::move(value));
    }
    for (const auto& [allowed, row] : node->rows) {
        result.allowed.push_back(allowed);
        if (allowed == HttpMethod::get) {
            result.allowed.push_back(HttpMethod::head);
        }
    }
    result.allowed.push_back(HttpMethod::options);
    const auto wanted = method == HttpMethod::head ? HttpMethod::get : method;
    if (const auto row = node->rows.find(wanted); row != node->rows.end()) {
        result.route = row->second;
    }
    return result;
}

std::vector<const Route*> Router::routes() const {
    std::vector<const Route*> rows;
    rows.reserve(routes_.size());
    for (const auto& row : routes_) {
        rows.push_back(row.get());
    }
    return rows;
}

}  // namespace opslab
