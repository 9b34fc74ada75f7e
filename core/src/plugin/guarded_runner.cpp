#include "plugin/guarded_runner.hpp"

#include "base/text.hpp"
#include "plugin/bounded_text.hpp"
#include "plugin/owned_runs.hpp"
#include "plugin/plugin_config.hpp"
#include "plugin/run_sink_bridge.hpp"
#include "plugin/runner_calls.hpp"
#include "plugin/runner_host.hpp"
#include "plugin/runner_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace opslab::plugin {

namespace {

/// Calls that only look or remove; the others wait for the world.
constexpr CallTimes kLook{.slow = std::chrono::seconds{10}, .due = Due::soon};
/// What is taken of a handle that is too long, so that its run can still be destroyed.
constexpr std::size_t kMaxTakenHandle = 64 * 1024;
constexpr std::size_t kMaxProblemsBytes = std::size_t{1} << 20U;

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

CallContext context_of(
    const Library& library, const RunnerHostFacts& facts, CallObserver* observer
) {
    const auto& plugin = library.description().name;
    return {
        "runner-" + plugin,
        facts.clock,
        facts.logger,
        observer,
        facts.name.empty() ? plugin : facts.name};
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
          calls_(
              context_of(library_, facts, observer),
              runner_label(facts.name, library_.description().name)
          ),
          host_(std::move(host)),
          table_(table) {}

    ~GuardedRunner() override {
        try {
            CallTimer timer{calls_.context(), "close", kLook};
            table_.close(table_.self);
            timer.succeeded();
        } catch (...) {
            calls_.context().logger.log(
                LogLevel::error, "a plugin threw while being closed", fields_of(calls_.context())
            );
        }
    }

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override {
        if (table_.check == nullptr) {
            return {};
        }
        if (auto whole = without_nul(
                calls_.subject(),
                {{"problem_id", task.problem_id},
                 {"agent_config", task.agent_config_json},
                 {"metadata", task.metadata_json}}
            );
            !whole) {
            return whole;
        }
        return calls_.call("check", kLook, [&](const opslab_writer* error, CallTimer&) {
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
        return calls_
            .call("prepare", world(interrupt), [&](const opslab_writer* error, CallTimer&) {
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
        const auto started =
            calls_.call("start", world(interrupt), [&](const opslab_writer* error, CallTimer&) {
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
        RunSinkBridge bridge{sink, calls_.context()};
        const std::string from{position.value_or("")};
        if (auto whole =
                without_nul(calls_.subject(), {{"handle", handle.text}, {"position", from}});
            !whole) {
            return tl::unexpected(whole.error());
        }
        opslab_run_end end{sizeof(opslab_run_end), 0, 0};
        const CallTimes times{.due = Due::when_asked, .interrupt = interrupt.fd};
        const auto waited =
            calls_.call("wait", times, [&](const opslab_writer* error, CallTimer& timer) {
                const WaitNote note{*this, handle, timer};
                bridge.belongs_to(timer);
                const opslab_wait_request given{
                    sizeof(opslab_wait_request),
                    interrupt.fd,
                    handle.text.c_str(),
                    position ? from.c_str() : nullptr,
                    bridge.table()};
                return table_.wait(table_.self, &given, &end, error);
            });
        if (bridge.broke()) {
            return calls_.refuse(RunnerErrc::internal, "the host failed to take the run's output");
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
        const std::chrono::milliseconds within{bounded};
        for_waits_of(handle, [within](CallTimer& timer) { timer.asked_to_end(within); });
        const CallTimes times{.due = Due::soon, .grace = within};
        return calls_.call("stop", times, [&](const opslab_writer* error, CallTimer&) {
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
        return calls_.call("destroy", kLook, [&](const opslab_writer* error, CallTimer&) {
            return table_.destroy(table_.self, handle.text.c_str(), error);
        });
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        if (auto whole = whole_worker(worker); !whole) {
            return tl::unexpected(whole.error());
        }
        OwnedRuns owned;
        const auto listed =
            calls_.call("list_owned", kLook, [&](const opslab_writer* error, CallTimer&) {
                return table_.list_owned(table_.self, worker.value.c_str(), owned.table(), error);
            });
        if (!listed) {
            return tl::unexpected(listed.error());
        }
        if (owned.dropped() > 0) {
            calls_.context().logger.log(
                LogLevel::warning,
                "some owned runs were left out: too many, or without a usable handle",
                fields_of(calls_.context(), {{"count", std::to_string(owned.dropped())}})
            );
        }
        return owned.take();
    }

    [[nodiscard]] RunnerResult<std::string> health() override {
        if (table_.health == nullptr) {
            return std::string{"ok"};
        }
        BoundedText report{kMaxErrorBytes};
        const auto asked =
            calls_.call("health", kLook, [&](const opslab_writer* error, CallTimer&) {
                return table_.health(table_.self, report.writer(), error);
            });
        if (!asked) {
            return tl::unexpected(asked.error());
        }
        return report.bytes().empty() ? "ok" : report.readable();
    }

    [[nodiscard]] RunnerResult<std::optional<std::string>> problems(const WorkerId& worker
    ) override {
        if (table_.problems == nullptr) {
            return std::nullopt;
        }
        if (auto whole = whole_worker(worker); !whole) {
            return tl::unexpected(whole.error());
        }
        BoundedText json{kMaxProblemsBytes};
        const auto asked =
            calls_.call("problems", kLook, [&](const opslab_writer* error, CallTimer&) {
                return table_.problems(table_.self, worker.value.c_str(), json.writer(), error);
            });
        if (!asked) {
            return tl::unexpected(asked.error());
        }
        if (json.overflowed()) {
            return calls_.defect("problems", "it wrote over 1 MiB");
        }
        return json.bytes().empty() ? std::nullopt : std::optional{json.bytes()};
    }

private:
    [[nodiscard]] RunnerStatus whole_handle(const RunHandle& handle) const {
        return without_nul(calls_.subject(), {{"handle", handle.text}});
    }

    [[nodiscard]] RunnerStatus whole_worker(const WorkerId& worker) const {
        return without_nul(calls_.subject(), {{"worker_id", worker.value}});
    }

    [[nodiscard]] RunnerStatus whole_request(const RunRequest& request) const {
        return without_nul(
            calls_.subject(),
            {{"run_id", request.run_id},
             {"worker_id", request.slot.worker.value},
             {"task_id", request.task.value},
             {"problem_id", request.problem_id},
             {"task", request.task_json}}
        );
    }

    /// Takes as long as an image or a cluster does, until it is interrupted.
    [[nodiscard]] static CallTimes world(Interrupt interrupt) {
        return {.due = Due::later, .interrupt = interrupt.fd};
    }

    /// A wait that is under way, for the stop of its run: then it must come to its end.
    class WaitNote {
    public:
        WaitNote(GuardedRunner& of, const RunHandle& handle, CallTimer& timer) : of_(of) {
            const std::lock_guard lock(of_.waits_mutex_);
            at_ = of_.waits_.emplace(handle.text, &timer);
        }
        WaitNote(const WaitNote&) = delete;
        WaitNote& operator=(const WaitNote&) = delete;
        ~WaitNote() {
            const std::lock_guard lock(of_.waits_mutex_);
            of_.waits_.erase(at_);
        }

    private:
        GuardedRunner& of_;
        std::multimap<std::string, CallTimer*>::iterator at_{};
    };

    template <class Do>
    void for_waits_of(const RunHandle& handle, Do&& act) {
        const std::lock_guard lock(waits_mutex_);
        const auto [first, end] = waits_.equal_range(handle.text);
        for (auto at = first; at != end; ++at) {
            act(*at->second);
        }
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
        return calls_.defect(
            "start",
            text.empty() ? "it gave no handle"
                         : "it gave a handle that is over 4096 bytes or no UTF-8 text"
        );
    }

    RunnerResult<RunEnd> accept_end(const opslab_run_end& end) const {
        if (end.how < OPSLAB_END_EXITED || end.how > OPSLAB_END_OOM) {
            return calls_.defect(
                "wait",
                "it says that the run ended in way " + std::to_string(end.how) +
                    ", wanted 1 (exited), 2 (signalled) or 3 (out of memory)"
            );
        }
        return RunEnd{static_cast<EndKind>(end.how), end.code};
    }

    Library library_;
    RunnerCalls calls_;
    std::mutex waits_mutex_{};
    std::multimap<std::string, CallTimer*> waits_{};  // by handle
    std::unique_ptr<RunnerHostTable> host_;           // lent to the instance until it is closed
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
    const auto label = runner_label(host.name, plugin.name);
    const auto context = context_of(library, host, observer);
    auto table_host = RunnerHostTable::make(host, context);
    if (!table_host) {
        return fail(within(label, table_host.error()));
    }
    CallTimer timer{context, "create", kLook};
    const auto table = make_runner_table(library, (*table_host)->table(), *finished, label);
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
