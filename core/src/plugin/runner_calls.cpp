#include "plugin/runner_calls.hpp"

#include <opslab/plugin.h>

namespace opslab::plugin {

std::string runner_label(std::string_view name, std::string_view plugin) {
    if (name.empty() || name == plugin) {
        return "runner \"" + std::string{plugin} + "\"";
    }
    return "runner \"" + std::string{name} + "\" (plugin " + std::string{plugin} + ")";
}

RunnerStatus RunnerCalls::judge(
    std::string_view verb, std::int32_t answer, const BoundedText& error
) const {
    if (answer == OPSLAB_OK) {
        return {};
    }
    if (answer < OPSLAB_E_INVALID || answer > OPSLAB_E_INTERNAL) {
        return defect(
            verb,
            "it answered " + std::to_string(answer) +
                ", which is no result of the plugin ABI: " + error.readable()
        );
    }
    const auto code = static_cast<RunnerErrc>(answer);
    return code == RunnerErrc::internal ? defect(verb, error.readable())
                                        : refuse(code, error.readable());
}

}  // namespace opslab::plugin
