#pragma once

#include "config/settings.hpp"
#include "daemon/doctor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <vector>

/// How the doctor looks at what belongs to an installation on disk.
namespace opslab::daemon {

/// Files with secrets: there, well formed, and kept from others. Their text is in no answer.
void check_secrets(
    std::vector<Check>& checks, const config::Settings& settings, const nlohmann::json& storage
);

/// Whether others can change the configuration, or read it where it holds a password.
[[nodiscard]] Check check_config_file(const std::string& file, const nlohmann::json& storage);

/// Whether the runners' records can be kept.
[[nodiscard]] Check check_state_folder(const std::string& folder);

/// Who runs this, and what version it is.
[[nodiscard]] Check check_program(const std::string& version);

}  // namespace opslab::daemon
