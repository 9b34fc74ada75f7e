#pragma once

#include <opslab/error.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace opslab::check {

/// What `opslab plugin check` asks of its program, as JSON on standard input.
struct Request {
    std::string file{};         ///< the plugin
    std::string config_file{};  ///< YAML; empty: none
    std::string broken_file{};  ///< YAML under which no driver can start; empty: made up
    std::string driver{};       ///< path of the simulated driver
    std::string leftovers{};    ///< a program that prints what is left of a run; empty: none
    std::string cases{"*"};     ///< which ones, by a shell pattern
    std::string junit_file{};   ///< empty: none
    bool json = false;
    bool runs_outlive_host = false;
    std::chrono::seconds patience{120};  ///< for one case
};

/// Errors: `invalid_argument`.
[[nodiscard]] Result<Request> request_from(std::string_view json);

}  // namespace opslab::check
