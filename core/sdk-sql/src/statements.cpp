#include <opslab/sql/statements.hpp>

namespace opslab::sql {

namespace {

constexpr std::string_view kNameMark = "-- name: ";

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

const char* what_soci_misreads(std::string_view text) {
    if (text.empty()) {
        return "is empty";
    }
    if (text.find("$$") != std::string_view::npos) {
        return "has a dollar quote";
    }
    if (text.find(';') != std::string_view::npos) {
        return "has a semicolon: one statement a name";
    }
    if (text.find("--") != std::string_view::npos) {
        return "has a comment after code";
    }
    return nullptr;
}

}  // namespace

Result<StatementTable> StatementTable::parse(std::span<const std::string_view> files) {
    StatementTable table;
    for (auto rest : files) {
        std::string* current = nullptr;
        while (!rest.empty()) {
            const auto line = take_line(rest);
            if (line.starts_with(kNameMark)) {
                const std::string name{trimmed(line.substr(kNameMark.size()))};
                const auto [at, fresh] = table.texts_.try_emplace(name);
                if (!fresh) {
                    return fail(Errc::internal, "statement \"" + name + "\" is there twice");
                }
                current = &at->second;
            } else if (!line.starts_with("--") && !trimmed(line).empty()) {
                if (current == nullptr) {
                    return fail(Errc::internal, "text before the first name of a statement");
                }
                current->append(line).append("\n");
            }
        }
    }
    for (auto& [name, text] : table.texts_) {
        text = std::string{trimmed(text)};
        if (const char* wrong = what_soci_misreads(text); wrong != nullptr) {
            return fail(Errc::internal, "statement \"" + name + "\" " + wrong);
        }
    }
    return table;
}

const std::string* StatementTable::find(std::string_view name) const {
    const auto found = texts_.find(name);
    return found == texts_.end() ? nullptr : &found->second;
}

std::vector<std::string> StatementTable::names() const {
    std::vector<std::string> all;
    all.reserve(texts_.size());
    for (const auto& [name, text] : texts_) {
        all.push_back(name);
    }
    return all;
}

void StatementTable::report_to(const StorageHost& host) {
    observer_ = host.statements;
    clock_ = &host.clock;
}

}  // namespace opslab::sql
