#pragma once

#include <opslab/error.hpp>

#include <chrono>
#include <string>

namespace opslab::postgres {

/// The plugin's settings, checked.
struct Settings {
    std::string conninfo{};  ///< libpq's keywords, with the password: never shown
    std::string location{};  ///< for people: host, port and database
    int pool_size = 8;
    bool migrates = true;  ///< false: a schema that is not up to date is refused
    std::chrono::seconds statement_timeout{15};
};

/// Reads the plugin's configuration. Time-outs and keep-alives that the URL does not set are set
/// here, so that no call hangs on a peer that is gone. Errors: `invalid_argument`, never with a
/// part of the URL in them, since any part may hold the password.
[[nodiscard]] Result<Settings> read_settings(const std::string& config_json);

}  // namespace opslab::postgres
