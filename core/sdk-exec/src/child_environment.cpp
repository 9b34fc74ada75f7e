#include <opslab/exec/child_environment.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace opslab::exec {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

[[nodiscard]] bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

ChildEnvironment::ChildEnvironment(
    const std::vector<std::string>& allowed, const std::map<std::string, std::string>& variables
) {
    values_["PATH"] = kDefaultPath;
    std::vector<std::string> names{"PATH", "LANG", "TZ"};
    names.insert(names.end(), allowed.begin(), allowed.end());
    for (const std::string& name : names) {
        // called while plugins are made, before any thread could change the environment
        if (const char* value = std::getenv(name.c_str())) {  // NOLINT(concurrency-mt-unsafe)
            values_[name] = value;
        }
    }
    for (const auto& [name, value] : variables) {
        values_[name] = value;
    }
}

void ChildEnvironment::set(const std::string& name, std::string value) {
    values_[name] = std::move(value);
}

std::string ChildEnvironment::value(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
}

std::string_view ChildEnvironment::path() const {
    const auto found = values_.find("PATH");
    return found == values_.end() ? kDefaultPath : std::string_view(found->second);
}

std::vector<std::string> ChildEnvironment::entries() const {
    std::vector<std::string> lines;
    lines.reserve(values_.size());
    for (const auto& [name, value] : values_) {
        lines.push_back(name + "=" + value);
    }
    std::stable_partition(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("OPSLAB_");
    });
    return lines;
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return is_letter(c) || (c >= '0' && c <= '9');
           });
}

RunnerStatus check_variables(
    const std::vector<std::string>& environment, const std::map<std::string, std::string>& variables
) {
    for (const std::string& name : environment) {
        if (!is_variable_name(name)) {
            return runner_fail(
                RunnerErrc::invalid, "environment: \"" + name + "\" is not a variable's name"
            );
        }
    }
    for (const auto& [name, value] : variables) {
        if (!is_variable_name(name) || value.find('\0') != std::string::npos) {
            return runner_fail(
                RunnerErrc::invalid, "variables: \"" + name + "\" cannot be set as a variable"
            );
        }
    }
    return {};
}

}  // namespace opslab::exec
