#pragma once

#include "plugin/call_timer.hpp"
#include "plugin/guarded_runner.hpp"

#include <opslab/error.hpp>
#include <opslab/plugin.h>

#include <filesystem>
#include <memory>
#include <string>

namespace opslab::plugin {

/// What one runner instance is lent, at one address as long as it lives.
class RunnerHostTable {
public:
    /// Makes the state directory. Errors: `permission_denied`, `unavailable`.
    [[nodiscard]] static Result<std::unique_ptr<RunnerHostTable>> make(
        const RunnerHostFacts& facts, const CallContext& context
    );

    RunnerHostTable(const RunnerHostTable&) = delete;
    RunnerHostTable& operator=(const RunnerHostTable&) = delete;

    [[nodiscard]] const opslab_host* table() const { return &table_; }

private:
    RunnerHostTable(CallContext context, std::string state_dir, std::string version);

    static void take_log(void* ctx, std::int32_t level, const char* message, std::size_t size);

    CallContext context_;
    std::string state_dir_;
    std::string version_;
    opslab_host table_{};
};

/// Makes `folder` (and what is above it) where it is not, mode 0700 and ours, or refuses.
[[nodiscard]] Status make_private_folder(const std::filesystem::path& folder);

}  // namespace opslab::plugin
