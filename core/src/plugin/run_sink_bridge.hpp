#pragma once

#include <opslab/logger.hpp>
#include <opslab/plugin.h>
#include <opslab/runner.hpp>

#include <mutex>
#include <string>
#include <string_view>

namespace opslab::plugin {

/// A `RunSink` as a plugin sees it, held to the bounds: long lines are cut, what is broken is
/// mended or dropped, nothing that the sink throws passes through the plugin's frames, and once
/// the sink has said "leave off" it is not called again.
class RunSinkBridge {
public:
    RunSinkBridge(RunSink& sink, Logger& logger, std::string plugin);
    RunSinkBridge(const RunSinkBridge&) = delete;
    RunSinkBridge& operator=(const RunSinkBridge&) = delete;

    [[nodiscard]] const opslab_sink* table() const { return &table_; }
    [[nodiscard]] bool left_off() const;
    /// Whether the sink itself threw.
    [[nodiscard]] bool broke() const;

private:
    template <class Call>
    std::int32_t deliver(Call&& call);
    void warn(std::string_view what);

    SinkAnswer take_event(std::string_view json);
    SinkAnswer take_position(std::string_view text);

    RunSink& sink_;
    Logger& logger_;
    std::string plugin_;
    // a plugin may break the rule of one thread at a time; that must not break us
    mutable std::mutex mutex_{};
    bool left_off_ = false;
    bool broke_ = false;
    opslab_sink table_{};
};

}  // namespace opslab::plugin
