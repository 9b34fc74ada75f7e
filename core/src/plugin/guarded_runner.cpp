#include "plugin/guarded_runner.hpp"

#include "base/text.hpp"
#include "plugin/bounded_text.hpp"
#include "plugin/call_timer.hpp"
#include "plugin/owned_runs.hpp"
#include "plugin/plugin_config.hpp"
#include "plugin/run_sink_bridge.hpp"
#include "plugin/runner_host.hpp"
#include "plugin/runner_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

namespace opslab::plugin {

namespace {

/// Calls that only look; the others wait for the world.
constexpr Duration kSlowLook = std::chrono::seconds{10};
constexpr Duration kMayWait = Duration::zero();
/// What is taken of a handle that is too long, so that its run can still be destroyed.
constexpr std::size_t kMaxTakenHandle = 64 * 1024;

struct NamedText {
    const char* name;
    const std::string& text;
};

/// Text crosses as `const char*`: what lies behind a NUL would be lost, and the rest would name
/// another task, worker or run.
RunnerStatus without_nul(std::string_view subject, std::initializer_list<NamedText> texts) {
    for (const auto& [name, text] : texts) {
        if (text.find('\0') != std::string::npos) {
            return runner_fail(
                RunnerErrc::invalid, std::string{subject} + "the " + name + " holds a NUL"
            );
        }
    }
    return {};
}

bool is_text(std::string_view text) {
    return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

/// Whether the plugin or what is behind it failed, as against answering.
bool is_failure(RunnerErrc code) {
    return code == RunnerErrc::infrastructure || code == RunnerErrc::internal;
}

class GuardedRunner final : public Runner {
public:
    GuardedRunner(
        Library library,
        const RunnerHostFacts& facts,
        CallObserver* observer,
        std::unique_ptr<RunnerHostTable> host,
        const opslab_runner& table
    )
        : library_(std::move(library)),
          context_{"runner-" + library_.description().name, facts.clock, facts.logger, observer},
          subject_("runner \"" + library_.description().name + "\": "),
          host_(std::move(host)),
          table_(table) {}

    ~GuardedRunner() override {
        try {
            table_.close(table_.self);
        } catch (...) {
            log(context_.logger,
                LogLevel::error,
                "a plugin threw while being closed",
                {{"plugin", context_.plugin}});
        }
    }

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override {
        if (table_.check == nullptr) {
            return {};
        }
        if (auto whole = without_nul(
                subject_,
                {{"problem_id", task.problem_id},
                 {"agent_config", task.agent_config_json},
                 {"metadata", task.metadata_json}}
            );
            !whole) {
            return whole;
        }
        return call("check", kSlowLook, [&](const opslab_writer* error) {
            const opslab_task given{
                sizeof(opslab_task),
                task.max_steps,
                task.problem_id.c_str(),
                task.agent_config_json.c_str(),
                task.metadata_json.c_str()};
            return table_.check(table_.self, &given, error);
        });
    }

    [[nodiscard]] RunnerStatus prepare(const SlotSpec& slot, Interrupt interrupt) override {
        if (table_.prepare == nullptr) {
            return {};
        }
        if (auto whole = whole_worker(slot.worker); !whole) {
            return whole;
        }
        return call("prepare", kMayWait, [&](const opslab_writer* error) {
            return table_.prepare(
                table_.self, slot.worker.value.c_str(), slot.slot, interrupt.fd, error
            );
        });
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
        if (auto whole = whole_request(request); !whole) {
            return tl::unexpected(whole.error());
        }
        BoundedText handle{kMaxTakenHandle};
        const auto started = call("start", kMayWait, [&](const opslab_writer* error) {
            const opslab_run_request given{
                sizeof(opslab_run_request),
                request.attempt,
                request.run_id.c_str(),
                request.slot.worker.value.c_str(),
                request.task.value.c_str(),
                request.problem_id.c_str(),
                request.task_json.c_str(),
                to_micros(request.deadline),
                request.slot.slot,
                interrupt.fd};
            return table_.start(table_.self, &given, handle.writer(), error);
        });
        if (!started) {
            return tl::unexpected(started.error());
        }
        return accept_handle(handle);
    }

    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) override {
        RunSinkBridge bridge{sink, context_.logger, context_.plugin};
        const std::string from{position.value_or("")};
        if (auto whole = without_nul(subject_, {{"handle", handle.text}, {"position", from}});
            !whole) {
            return tl::unexpected(whole.error());
        }
        opslab_run_end end{sizeof(opslab_run_end), 0, 0};
        const auto waited = call("wait", kMayWait, [&](const opslab_writer* error) {
            const opslab_wait_request given{
                sizeof(opslab_wait_request),
                interrupt.fd,
                handle.text.c_str(),
                position ? from.c_str() : nullptr,
                bridge.table()};
            return table_.wait(table_.self, &given, &end, error);
        });
        if (bridge.broke()) {
            return refuse(RunnerErrc::internal, "the host failed to take the run's output");
        }
        if (!waited) {
            return tl::unexpected(waited.error());
        }
        return accept_end(end);
    }

    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override {
        if (auto whole = whole_handle(handle); !whole) {
            return whole;
        }
        const auto bounded =
            std::clamp<std::int64_t>(grace.count(), 0, std::numeric_limits<std::int32_t>::max());
        return call("stop", kMayWait, [&](const opslab_writer* error) {
            const opslab_stop_request given{
                sizeof(opslab_stop_request),
                static_cast<std::int32_t>(bounded),
                handle.text.c_str()};
            return table_.stop(table_.self, &given, error);
        });
    }

    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override {
        if (auto whole = whole_handle(handle); !whole) {
            return whole;
        }
        return call("destroy", kSlowLook, [&](const opslab_writer* error) {
            return table_.destroy(table_.self, handle.text.c_str(), error);
        });
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        if (auto whole = whole_worker(worker); !whole) {
            return tl::unexpected(whole.error());
        }
        OwnedRuns owned;
        const auto listed = call("list_owned", kSlowLook, [&](const opslab_writer* error) {
            return table_.list_owned(table_.self, worker.value.c_str(), owned.table(), error);
        });
        if (!listed) {
            return tl::unexpected(listed.error());
        }
        if (owned.dropped() > 0) {
            log(context_.logger,
                LogLevel::warning,
                "some owned runs were left out: too many, or without a usable handle",
                {{"plugin", context_.plugin}, {"count", std::to_string(owned.dropped())}});
        }
        return owned.take();
    }

    [[nodiscard]] RunnerResult<std::string> health() override {
        if (table_.health == nullptr) {
            return std::string{"ok"};
        }
        BoundedText report{kMaxErrorBytes};
        const auto asked = call("health", kSlowLook, [&](const opslab_writer* error) {
            return table_.health(table_.self, report.writer(), error);
        });
        if (!asked) {
            return tl::unexpected(asked.error());
        }
        return report.bytes().empty() ? "ok" : report.readable();
    }

private:
    [[nodiscard]] RunnerStatus whole_handle(const RunHandle& handle) const {
        return without_nul(subject_, {{"handle", handle.text}});
    }

    [[nodiscard]] RunnerStatus whole_worker(const WorkerId& worker) const {
        return without_nul(subject_, {{"worker_id", worker.value}});
    }

    [[nodiscard]] RunnerStatus whole_request(const RunRequest& request) const {
        return without_nul(
            subject_,
            {{"run_id", request.run_id},
             {"worker_id", request.slot.worker.value},
             {"task_id", request.task.value},
             {"problem_id", request.problem_id},
             {"task", request.task_json}}
        );
    }

    [[nodiscard]] tl::unexpected<RunnerError> refuse(RunnerErrc code, const std::string& text)
        const {
        return runner_fail(code, subject_ + text);
    }

    /// One call into the table: timed, caught, its answer held to the enumeration.
    template <class Body>
    RunnerStatus call(std::string_view verb, Duration slow, Body&& body) const {
        CallTimer timer{context_, verb, slow};
        BoundedText error{kMaxErrorBytes};
        RunnerStatus status;
        try {
            status = judge(std::forward<Body>(body)(error.writer()), error);
        } catch (const std::exception& thrown) {
            status = refuse(
                RunnerErrc::internal, "it threw: " + readable_text(thrown.what(), kMaxErrorBytes)
            );
        } catch (...) {
            status = refuse(RunnerErrc::internal, "it threw an unknown exception");
        }
        if (status || !is_failure(status.error().code)) {
            timer.succeeded();
        }
        return status;
    }

    RunnerStatus judge(std::int32_t answer, const BoundedText& error) const {
        if (answer == OPSLAB_OK) {
            return {};
        }
        if (answer < OPSLAB_E_INVALID || answer > OPSLAB_E_INTERNAL) {
            return refuse(
                RunnerErrc::internal,
                "it answered " + std::to_string(answer) +
                    ", which is no result of the plugin ABI: " + error.readable()
            );
        }
        return refuse(static_cast<RunnerErrc>(answer), error.readable());
    }

    /// A run without a handle that can be kept is a run that nobody can find: it must not go on.
    RunnerResult<RunHandle> accept_handle(const BoundedText& handle) {
        const std::string& text = handle.bytes();
        if (!text.empty() && text.size() <= kMaxHandleBytes && is_text(text)) {
            return RunHandle{text};
        }
        if (!text.empty() && !handle.overflowed()) {
            // what this comes to does not matter: the sweep of `list_owned` is the safety net
            static_cast<void>(destroy(RunHandle{text}));
        }
        return refuse(
            RunnerErrc::internal,
            text.empty() ? "start gave no handle"
                         : "start gave a handle that is over 4096 bytes or no UTF-8 text"
        );
    }

    RunnerResult<RunEnd> accept_end(const opslab_run_end& end) const {
        if (end.how < OPSLAB_END_EXITED || end.how > OPSLAB_END_OOM) {
            return refuse(
                RunnerErrc::internal,
                "it says that the run ended in way " + std::to_string(end.how) +
                    ", wanted 1 (exited), 2 (signalled) or 3 (out of memory)"
            );
        }
        return RunEnd{static_cast<EndKind>(end.how), end.code};
    }

    Library library_;
    CallContext context_;
    std::string subject_;
    std::unique_ptr<RunnerHostTable> host_;  // lent to the instance until it is closed
    opslab_runner table_;
};

}  // namespace

Result<std::unique_ptr<Runner>> open_runner(
    const Library& library,
    const RunnerHostFacts& host,
    const std::string& config_json,
    CallObserver* observer
) {
    const Description& plugin = library.description();
    if (library.create_runner() == nullptr) {
        return fail(Errc::invalid_argument, plugin.file.string() + ": no runner plugin");
    }
    const auto finished = finished_config(plugin, config_json);
    if (!finished) {
        return fail(finished.error());
    }
    auto table_host = RunnerHostTable::make(host, plugin.name);
    if (!table_host) {
        return fail(within("runner \"" + plugin.name + "\"", table_host.error()));
    }
    const CallContext context{"runner-" + plugin.name, host.clock, host.logger, observer};
    CallTimer timer{context, "create", kSlowLook};
    const auto table = make_runner_table(library, (*table_host)->table(), *finished);
    if (!table) {
        return fail(table.error());
    }
    timer.succeeded();
    return std::make_unique<GuardedRunner>(library, host, observer, std::move(*table_host), *table);
}

Result<std::unique_ptr<Runner>> open_runner(
    const std::filesystem::path& file,
    const RunnerHostFacts& host,
    const std::string& config_json,
    CallObserver* observer
) {
    return expected_of(file)
        .and_then([&](const Expected& expected) { return Library::open(file, expected); })
        .and_then([&](const Library& library) {
            return open_runner(library, host, config_json, observer);
        });
}

}  // namespace opslab::plugin
