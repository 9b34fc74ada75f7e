#include "plugin/guarded_runner.hpp"

#include "base/text.hpp"
#include "plugin/bounded_text.hpp"
#include "plugin/call_timer.hpp"
#include "plugin/owned_runs.hpp"
#include "plugin/plugin_config.hpp"
#include "plugin/run_sink_bridge.hpp"
#include "plugin/runner_host.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
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
        return call("prepare", kMayWait, [&](const opslab_writer* error) {
            return table_.prepare(
                table_.self, slot.worker.value.c_str(), slot.slot, interrupt.fd, error
            );
        });
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
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
        return call("destroy", kSlowLook, [&](const opslab_writer* error) {
            return table_.destroy(table_.self, handle.text.c_str(), error);
        });
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
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

/// The table as it was filled: whole, and no required function null.
Status check_table(const opslab_runner& table, const std::string& subject) {
    const std::size_t wanted = offsetof(opslab_runner, close) + sizeof(opslab_runner::close);
    if (table.struct_size < wanted || table.struct_size > sizeof(opslab_runner)) {
        return fail(
            Errc::unsupported,
            subject + ": its table has " + std::to_string(table.struct_size) + " bytes, wanted " +
                std::to_string(wanted)
        );
    }
    const std::pair<const char*, bool> required[] = {
        {"start", table.start != nullptr},
        {"wait", table.wait != nullptr},
        {"stop", table.stop != nullptr},
        {"destroy", table.destroy != nullptr},
        {"list_owned", table.list_owned != nullptr},
        {"close", table.close != nullptr},
    };
    for (const auto& [name, there] : required) {
        if (!there) {
            return fail(
                Errc::unsupported,
                subject + ": its table lacks the function " + name + ", which is required"
            );
        }
    }
    return {};
}

Errc errc_of(std::int32_t answer) {
    switch (answer) {
        case OPSLAB_E_INVALID:
            return Errc::invalid_argument;
        case OPSLAB_E_INFRASTRUCTURE:
            return Errc::unavailable;
        case OPSLAB_E_UNSUPPORTED:
            return Errc::unsupported;
        default:
            return Errc::internal;
    }
}

/// Lets the plugin fill a table. On failure nothing of the instance is left.
Result<opslab_runner> fill_table(
    const Library& library, const opslab_host* host, const std::string& config_json
) {
    const std::string subject = "runner \"" + library.description().name + "\"";
    opslab_runner table{};
    table.struct_size = sizeof(opslab_runner);
    BoundedText error{kMaxErrorBytes};
    try {
        const auto answer =
            library.create_runner()(host, config_json.c_str(), &table, error.writer());
        if (answer != OPSLAB_OK) {
            return fail(errc_of(answer), subject + ": " + error.readable());
        }
        if (const auto whole = check_table(table, subject); !whole) {
            if (table.close != nullptr) {
                table.close(table.self);
            }
            return fail(whole.error());
        }
        return table;
    } catch (const std::exception& thrown) {
        return fail(
            Errc::internal,
            subject +
                ": it threw while being created: " + readable_text(thrown.what(), kMaxErrorBytes)
        );
    } catch (...) {
        return fail(
            Errc::internal, subject + ": it threw an unknown exception while being created"
        );
    }
}

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
    const auto table = fill_table(library, (*table_host)->table(), *finished);
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
