#include "config_schema_json.hpp"
#include "process_runner.hpp"

#include <opslab/runner_plugin.hpp>

#include <dlfcn.h>

#include <filesystem>

namespace opslab::runner_process {
namespace {

// `lib/opslab/plugins/runner-process.so` and `lib/opslab/opslab-supervise` are installed together,
// so this library's own place tells the other's.
[[nodiscard]] std::string supervisor_path() {
    Dl_info info{};
    static const char here = 0;
    if (::dladdr(&here, &info) == 0 || info.dli_fname == nullptr) {
        return "opslab-supervise";
    }
    std::error_code failed;
    const auto library = std::filesystem::absolute(info.dli_fname, failed);
    return (library.parent_path().parent_path() / "opslab-supervise").string();
}

[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create(
    const RunnerHost& host, const std::string& config_json
) {
    return create_process_runner(host, config_json, supervisor_path());
}

}  // namespace
}  // namespace opslab::runner_process

OPSLAB_RUNNER_PLUGIN(
    "process",
    OPSLAB_PLUGIN_VERSION,
    opslab::runner_process::k_config_schema_json.data(),
    opslab::runner_process::create
);
