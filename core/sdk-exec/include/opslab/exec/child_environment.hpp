#pragma once

#include <opslab/runner.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::exec {

/// The environment that a child gets: nothing of ours but what is named. Built once, on one thread,
/// because reading the environment while another thread changes it is undefined. No copy of a
/// value is ever logged.
class ChildEnvironment {
public:
    /// Takes PATH, LANG and TZ and what `allowed` names from this process, then sets `variables`.
    ChildEnvironment(
        const std::vector<std::string>& allowed, const std::map<std::string, std::string>& variables
    );

    /// Sets or replaces one variable.
    void set(const std::string& name, std::string value);

    [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }

    /// Empty where there is none of that name.
    [[nodiscard]] std::string value(const std::string& name) const;

    [[nodiscard]] std::string_view path() const;

    /// As `NAME=value` lines, OPSLAB_… first (see kill_marked).
    [[nodiscard]] std::vector<std::string> entries() const;

private:
    std::map<std::string, std::string> values_{};
};

/// Whether `name` can be the name of a variable: letters, digits, '_', no digit first.
[[nodiscard]] bool is_variable_name(std::string_view name);

/// Whether a runner's settings `environment` and `variables` can be used as they are. Fails:
/// `invalid`, naming the setting and the variable, never a value.
[[nodiscard]] RunnerStatus check_variables(
    const std::vector<std::string>& environment, const std::map<std::string, std::string>& variables
);

}  // namespace opslab::exec
