#pragma once

#include "plugin/bounded_text.hpp"
#include "plugin/call_timer.hpp"

#include <opslab/runner.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace opslab::plugin {

/// How messages name a runner: `runner "docker"`, and `runner "gpu" (plugin docker)` where the
/// configuration gives it another name than its plugin's. An empty `name` is the plugin's.
[[nodiscard]] std::string runner_label(std::string_view name, std::string_view plugin);

/// The calls into one runner's table: timed, caught, their answers held to the enumeration, and
/// every failure named. A failure of the plugin itself (`internal`) names the call, too.
class RunnerCalls {
public:
    RunnerCalls(CallContext context, std::string label)
        : context_(std::move(context)), subject_(std::move(label) + ": ") {}

    /// `body` makes the call and answers its result; it is given what takes the reason and the
    /// timer.
    template <class Body>
    RunnerStatus call(std::string_view verb, const CallTimes& times, Body&& body) const {
        CallTimer timer{context_, verb, times};
        BoundedText error{kMaxReasonBytes};
        RunnerStatus status;
        try {
            status = judge(verb, std::forward<Body>(body)(error.writer(), timer), error);
        } catch (const std::exception& thrown) {
            status = defect(verb, "it threw: " + readable_text(thrown.what(), kMaxReasonBytes));
        } catch (...) {
            status = defect(verb, "it threw an unknown exception");
        }
        if (status || !is_failure(status.error().code)) {
            timer.succeeded();
        }
        return status;
    }

    [[nodiscard]] tl::unexpected<RunnerError> refuse(RunnerErrc code, const std::string& text)
        const {
        return runner_fail(code, subject_ + text);
    }

    /// The plugin broke a rule in this call.
    [[nodiscard]] tl::unexpected<RunnerError> defect(std::string_view verb, const std::string& text)
        const {
        return refuse(RunnerErrc::internal, std::string{verb} + ": " + text);
    }

    [[nodiscard]] const CallContext& context() const { return context_; }
    /// Before what is wrong: `runner "docker": `.
    [[nodiscard]] const std::string& subject() const { return subject_; }

private:
    static constexpr std::size_t kMaxReasonBytes = 8192;

    /// Whether the plugin or what is behind it failed, as against answering.
    [[nodiscard]] static bool is_failure(RunnerErrc code) {
        return code == RunnerErrc::infrastructure || code == RunnerErrc::internal;
    }
    [[nodiscard]] RunnerStatus judge(
        std::string_view verb, std::int32_t answer, const BoundedText& error
    ) const;

    CallContext context_;
    std::string subject_;
};

}  // namespace opslab::plugin
