#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// `opslab doctor`: what a person who is called for help asks first, answered by looking.
namespace opslab::daemon {

enum class CheckResult : std::uint8_t { ok, warning, failed };

[[nodiscard]] constexpr const char* to_string(CheckResult result) {
    switch (result) {
        case CheckResult::ok:
            return "ok";
        case CheckResult::warning:
            return "warning";
        case CheckResult::failed:
            return "failed";
    }
    return "failed";
}

struct Check {
    std::string name{};  ///< `storage`, `runner docker`: one word, or two
    CheckResult result = CheckResult::ok;
    std::string found{};   ///< for people; no secret
    std::string advice{};  ///< what to do; empty where all is well
};

/// Looks at configuration, plugins, storage, runners and this machine. Changes nothing: no database
/// is made or migrated. Blocks for some seconds at most where something does not answer.
[[nodiscard]] std::vector<Check> examine_installation(const std::optional<std::string>& config_file
);

}  // namespace opslab::daemon
