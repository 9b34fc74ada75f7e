#pragma once

#include "plugin/call_timer.hpp"

#include <opslab/logger.hpp>
#include <opslab/plugin.h>
#include <opslab/runner.hpp>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <vector>

namespace opslab::plugin {

/// A `RunSink` as a plugin sees it, held to the bounds: long lines are cut, what is broken is
/// mended or dropped, nothing that the sink throws passes through the plugin's frames, and once
/// the sink has said "leave off" it is not called again. A plugin that goes on and on although its
/// call is overdue is slowed down, so that it takes no processor from others.
class RunSinkBridge {
public:
    /// The lines that it tells carry the scope of the thread that makes it.
    RunSinkBridge(RunSink& sink, const CallContext& context);
    RunSinkBridge(const RunSinkBridge&) = delete;
    RunSinkBridge& operator=(const RunSinkBridge&) = delete;

    [[nodiscard]] const opslab_sink* table() const { return &table_; }
    /// The call that delivers to it: told when the sink says "leave off". Before the table is given
    /// away; `timer` outlives the deliveries.
    void belongs_to(CallTimer& timer) { timer_ = &timer; }
    [[nodiscard]] bool left_off() const;
    /// Whether the sink itself threw.
    [[nodiscard]] bool broke() const;

private:
    template <class Call>
    std::int32_t deliver(Call&& call);
    void slow_down(std::unique_lock<std::mutex>& lock);
    void warn(std::string_view what);

    SinkAnswer take_event(std::string_view json);
    SinkAnswer take_position(std::string_view text);

    RunSink& sink_;
    Logger& logger_;
    std::vector<LogField> fields_;
    Clock& clock_;
    CallTimer* timer_ = nullptr;
    // a plugin may break the rule of one thread at a time; that must not break us
    mutable std::mutex mutex_{};
    std::condition_variable never_{};
    bool left_off_ = false;
    bool broke_ = false;
    opslab_sink table_{};
};

}  // namespace opslab::plugin
