#pragma once

#include <opslab/runner.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace opslab::runner_process {

/// The settings of config_schema.json, typed.
struct Settings {
    std::vector<std::string> command{};
    std::vector<std::string> environment{};
    std::map<std::string, std::string> variables{};
    std::string work_root{};      ///< absolute
    std::string problems_file{};  ///< absolute; empty: none
    std::uint64_t memory_bytes = 0;
    std::uint64_t open_files = 4096;
};

/// From JSON that has passed the schema. Fails: `invalid`, naming the setting (never a value of
/// `variables`), for what the schema cannot say.
[[nodiscard]] RunnerResult<Settings> read_settings(
    const std::string& config_json, const std::string& state_dir
);

}  // namespace opslab::runner_process
