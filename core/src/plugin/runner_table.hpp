#pragma once

#include "plugin/library.hpp"

#include <opslab/error.hpp>
#include <opslab/plugin.h>

#include <string>

namespace opslab::plugin {

/// Lets the plugin fill a table and checks that it is whole. `config_json` is finished; `subject`
/// is how messages name the runner. On failure nothing of the instance is left. Errors: the
/// plugin's own in our words; `unsupported` (not whole), `internal` (it threw).
[[nodiscard]] Result<opslab_runner> make_runner_table(
    const Library& library,
    const opslab_host* host,
    const std::string& config_json,
    const std::string& subject
);

}  // namespace opslab::plugin
