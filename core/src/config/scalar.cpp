#include "config/scalar.hpp"

#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace opslab::config {

namespace {

std::string_view digits(std::string_view& rest) {
    const auto end = rest.find_first_not_of("0123456789");
    const std::string_view run = rest.substr(0, end);
    rest.remove_prefix(run.size());
    return run;
}

enum class Form { none, integer, number };

/// By the grammar of JSON numbers.
Form form_of(std::string_view rest) {
    if (!rest.empty() && rest.front() == '-') {
        rest.remove_prefix(1);
    }
    const std::string_view whole = digits(rest);
    if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) {
        return Form::none;
    }
    if (rest.empty()) {
        return Form::integer;
    }
    if (rest.front() == '.') {
        rest.remove_prefix(1);
        if (digits(rest).empty()) {
            return Form::none;
        }
    }
    if (!rest.empty() && (rest.front() == 'e' || rest.front() == 'E')) {
        rest.remove_prefix(1);
        if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) {
            rest.remove_prefix(1);
        }
        if (digits(rest).empty()) {
            return Form::none;
        }
    }
    return rest.empty() ? Form::number : Form::none;
}

template <class Number>
bool parses(const std::string& text, Number& value) {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end;
}

}  // namespace

Node scalar_node(std::string text, Quoting quoting) {
    Node node = make_string(std::move(text));
    if (quoting == Quoting::quoted) {
        return node;
    }
    if (node.text.empty() || node.text == "~" || node.text == "null") {
        node.kind = Node::Kind::null;
    } else if (node.text == "true" || node.text == "false") {
        node.kind = Node::Kind::boolean;
        node.boolean = node.text == "true";
    } else if (const Form form = form_of(node.text); form != Form::none) {
        // an integer that no 64 bits hold stays a number, and fails every range
        if (form == Form::integer && parses(node.text, node.integer)) {
            node.kind = Node::Kind::integer;
            node.number = static_cast<double>(node.integer);
        } else if (parses(node.text, node.number) && std::isfinite(node.number)) {
            node.kind = Node::Kind::number;
        }
    }
    return node;
}

}  // namespace opslab::config
