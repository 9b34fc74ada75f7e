#include "config/yaml_reader.hpp"

#include "base/text.hpp"
#include "config/environment.hpp"
#include "config/scalar.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>
#include <vector>

/// The only file that knows yaml-cpp. It takes the parser's events rather than its tree: the tree
/// keeps the first of duplicate keys in silence, follows aliases and has no place for keys
/// (library_facts/yaml_cpp_test.cpp).
namespace opslab::config {

namespace {

/// Ends the parse from within an event; what is wrong is already a finding.
class TooDeep : public std::exception {};

Mark mark_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

/// Stand for the braces of ${NAME} while YAML is read: between { and } it would take them for its
/// own. One byte each, so that columns stay what they are.
constexpr char kOpenBrace = '\x0e';
constexpr char kCloseBrace = '\x0f';

std::string with_hidden_braces(std::string_view text) {
    std::string hidden{text};
    if (text.find_first_of(std::string{kOpenBrace, kCloseBrace}) != std::string_view::npos) {
        return hidden;
    }
    for (auto at = hidden.find("${"); at != std::string::npos; at = hidden.find("${", at + 1)) {
        const auto end = hidden.find_first_of("}\n\"'", at);
        if (end != std::string::npos && hidden[end] == '}') {
            hidden[at + 1] = kOpenBrace;
            hidden[end] = kCloseBrace;
        }
    }
    return hidden;
}

std::string with_braces(std::string text) {
    std::replace(text.begin(), text.end(), kOpenBrace, '{');
    std::replace(text.begin(), text.end(), kCloseBrace, '}');
    return text;
}

class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(const std::string& file, const Environment& environment, Findings& findings)
        : file_(file), environment_(environment), findings_(findings) {}

    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        if (expects_key()) {
            bad_key(mark);
            return;
        }
        Node node;
        node.mark = mark_of(mark);
        add(std::move(node));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        refuse(mark, "aliases (*name) are not supported; write the value out");
        if (expects_key()) {
            bad_key(mark);
        } else {
            add(Node{});
        }
    }

    void OnScalar(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        const std::string& hidden
    ) override {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        const auto value = with_braces(hidden);
        if (expects_key()) {
            take_key(mark, value);
            return;
        }
        const Quoting quoting = tag == "?" ? Quoting::plain : Quoting::quoted;
        const auto expanded = expand(value, environment_);
        if (!expanded) {
            refuse(mark, expanded.error().message);
            poison();
            return;
        }
        Node node = scalar_node(expanded->text, quoting);
        node.from_environment = expanded->from_environment;
        node.mark = mark_of(mark);
        add(std::move(node));
    }

    void OnSequenceStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value /*style*/
    ) override {
        open(mark, tag, anchor, Node::Kind::array);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(
        const YAML::Mark& mark,
        const std::string& tag,
        YAML::anchor_t anchor,
        YAML::EmitterStyle::value /*style*/
    ) override {
        open(mark, tag, anchor, Node::Kind::object);
    }

    void OnMapEnd() override { close(); }

private:
    /// A collection that is being read.
    struct Open {
        Node node{};
        std::string key{};
        Mark key_mark{};
        bool has_key = false;
        bool key_dropped = false;  // a duplicate: its value is read and forgotten
    };

    bool expects_key() const {
        return !open_.empty() && open_.back().node.kind == Node::Kind::object &&
               !open_.back().has_key;
    }

    std::string place() const {
        Path path;
        for (const Open& open : open_) {
            if (open.node.kind == Node::Kind::array) {
                path = path.index(open.node.items.size());
            } else if (open.has_key) {
                path = path.key(open.key);
            }
        }
        return path.dotted();
    }

    void refuse(const YAML::Mark& mark, const std::string& problem) {
        findings_.push_back({file_, mark_of(mark), place(), problem});
    }

    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, "anchors (&name) are not supported; write the value out");
        }
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag != "?" && tag != "!" && !tag.empty()) {
            refuse(mark, "tags (!name) are not supported");
        }
    }

    void bad_key(const YAML::Mark& mark) {
        refuse(mark, "expected a text as key, found another value");
        take_key_text("", mark);
        open_.back().key_dropped = true;
    }

    void take_key_text(const std::string& text, const YAML::Mark& mark) {
        Open& top = open_.back();
        top.key = text;
        top.key_mark = mark_of(mark);
        top.has_key = true;
        top.key_dropped = false;
    }

    void take_key(const YAML::Mark& mark, const std::string& text) {
        take_key_text(std::string{clip_utf8(text, 200)}, mark);
        Open& top = open_.back();
        const auto& members = top.node.members;
        const auto first = std::find_if(members.begin(), members.end(), [&](const Member& member) {
            return member.key == top.key;
        });
        if (first != members.end()) {
            refuse(mark, "duplicate key; first on line " + std::to_string(first->key_mark.line));
            top.key_dropped = true;
        } else if (text == "<<") {
            refuse(mark, "merge keys (<<) are not supported; write the values out");
            top.key_dropped = true;
        }
    }

    /// A value that cannot be known: it must not give a second finding.
    void poison() {
        if (!open_.empty()) {
            open_.back().has_key = false;
        }
    }

    void add(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& top = open_.back();
        if (top.node.kind == Node::Kind::array) {
            top.node.items.push_back(std::move(node));
            return;
        }
        if (!top.key_dropped) {
            top.node.members.push_back({top.key, top.key_mark, std::move(node)});
        }
        top.has_key = false;
    }

    void open(
        const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind
    ) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (open_.size() >= kMaxYamlDepth) {
            refuse(mark, "expected at most 32 levels, found more");
            throw TooDeep{};
        }
        if (expects_key()) {
            bad_key(mark);
            throw TooDeep{};
        }
        Open opened;
        opened.node.kind = kind;
        opened.node.mark = mark_of(mark);
        open_.push_back(std::move(opened));
    }

    void close() {
        Node node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node));
    }

    const std::string& file_;
    const Environment& environment_;
    Findings& findings_;
    Node root_ = make_object();
    std::vector<Open> open_{};
};

/// Any event of a second document is one too many.
class SecondDocument final : public YAML::EventHandler {
public:
    SecondDocument(const std::string& file, Findings& findings)
        : file_(file), findings_(findings) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        findings_.push_back(
            {file_, mark_of(mark), "", "expected one YAML document, found a second one"}
        );
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&)
        override {}
    void OnSequenceStart(
        const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value
    ) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(
        const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value
    ) override {}
    void OnMapEnd() override {}

private:
    const std::string& file_;
    Findings& findings_;
};

/// Whether the bytes are text that YAML can be; else one finding, at the first bad byte's line.
bool is_text(std::string_view text, const std::string& file, Findings& findings) {
    int number = 1;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        if (!is_utf8(line) || line.find('\0') != std::string_view::npos) {
            findings.push_back({file, {number, 1}, "", "expected UTF-8 text, found other bytes"});
            return false;
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        ++number;
    }
    return true;
}

}  // namespace

Node read_yaml(
    std::string_view text,
    const std::string& file,
    const Environment& environment,
    Findings& findings
) {
    if (text.size() > kMaxFileBytes) {
        findings.push_back({file, {}, "", "expected a file of at most 1 MiB, found more"});
        return make_object();
    }
    if (!is_text(text, file, findings)) {
        return make_object();
    }
    TreeBuilder builder{file, environment, findings};
    try {
        std::istringstream stream{with_hidden_braces(text)};
        YAML::Parser parser{stream};
        if (parser.HandleNextDocument(builder)) {
            SecondDocument second{file, findings};
            parser.HandleNextDocument(second);
        }
    } catch (const TooDeep&) {
        return make_object();
    } catch (const YAML::Exception& thrown) {
        findings.push_back({file, mark_of(thrown.mark), "", "no valid YAML: " + thrown.msg});
        return make_object();
    }
    Node root = builder.take();
    return root.kind == Node::Kind::null ? make_object() : root;
}

}  // namespace opslab::config
