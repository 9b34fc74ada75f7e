#pragma once

#include <opslab/runner.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace opslab::runner_exec {

/// The settings of config_schema.json, typed. A command that is not set is empty.
struct Settings {
    std::vector<std::string> prepare{};
    std::vector<std::string> run{};
    std::vector<std::string> stop{};
    std::vector<std::string> cleanup{};
    std::chrono::seconds call_timeout{120};
    std::vector<std::string> environment{};
    std::map<std::string, std::string> variables{};
    std::uint64_t memory_bytes = 0;
    std::uint64_t open_files = 4096;
};

/// From JSON that has passed the schema. Fails: `invalid`, naming the setting (never a value of
/// `variables`), for what the schema cannot say.
[[nodiscard]] RunnerResult<Settings> read_settings(const std::string& config_json);

}  // namespace opslab::runner_exec
