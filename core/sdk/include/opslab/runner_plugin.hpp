#pragma once

#include <opslab/logger.hpp>
#include <opslab/plugin.h>
#include <opslab/runner.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What a runner plugin's author writes beside the class: one macro line.
///
///     OPSLAB_RUNNER_PLUGIN("process", OPSLAB_PLUGIN_VERSION, kConfigSchema, create_process_runner)
///
/// where `create_process_runner` is a
/// `RunnerResult<std::unique_ptr<opslab::Runner>>(const opslab::RunnerHost&, const std::string&)`
/// that takes the checked settings as JSON text. It and the class may throw: nothing but the C
/// table of plugin.h crosses to the host, so a plugin may be built by another compiler or against
/// an older minor version.
namespace opslab {

/// What the host lends a runner. Copy it freely; valid until the runner is destroyed; any thread.
class RunnerHost {
public:
    RunnerHost() = default;
    explicit RunnerHost(const opslab_host& host)
        : ctx_(host.ctx),
          log_(host.log),
          state_dir_(host.state_dir == nullptr ? "" : host.state_dir),
          host_version_(host.host_version == nullptr ? "" : host.host_version) {}

    /// One entry of the host's log. No secret. Never fails.
    void log(LogLevel level, std::string_view message) const {
        if (log_ != nullptr) {
            log_(ctx_, static_cast<std::int32_t>(level), message.data(), message.size());
        }
    }

    /// A directory of this plugin alone: exists, mode 0700, survives restarts.
    [[nodiscard]] const std::string& state_dir() const { return state_dir_; }

    /// The version of opslab that loaded the plugin.
    [[nodiscard]] const std::string& host_version() const { return host_version_; }

private:
    void* ctx_ = nullptr;
    void (*log_)(void*, std::int32_t, const char*, std::size_t) = nullptr;
    std::string state_dir_{};
    std::string host_version_{};
};

/// The create function of a runner.
using CreateRunnerFn =
    RunnerResult<std::unique_ptr<Runner>> (*)(const RunnerHost& host, const std::string& config);

/// How the C table reaches the class. Not for use by authors.
namespace runner_shim {

/// Whether a struct that came from the host reaches as far as `end` bytes.
template <class Struct>
[[nodiscard]] bool reaches(const Struct* value, std::size_t end) {
    return value != nullptr && value->struct_size >= end;
}

#define OPSLAB_END_OF(type, member) (offsetof(type, member) + sizeof(type::member))

[[nodiscard]] inline std::string text_of(const char* text) {
    return text == nullptr ? std::string{} : std::string{text};
}

inline void write_text(const opslab_writer* writer, std::string_view text) {
    if (writer != nullptr && writer->write != nullptr) {
        writer->write(writer->ctx, text.data(), text.size());
    }
}

[[nodiscard]] inline std::int32_t fail_with(
    const opslab_writer* error, std::int32_t code, std::string_view message
) {
    write_text(error, message);
    return code;
}

[[nodiscard]] inline std::int32_t answer(const RunnerStatus& status, const opslab_writer* error) {
    if (status) {
        return OPSLAB_OK;
    }
    return fail_with(error, static_cast<std::int32_t>(status.error().code), status.error().message);
}

/// Runs `call`; whatever it throws ends here.
template <class Call>
[[nodiscard]] std::int32_t guarded(const opslab_writer* error, Call&& call) noexcept {
    try {
        return std::forward<Call>(call)();
    } catch (const std::exception& thrown) {
        write_text(error, "it threw: ");
        return fail_with(error, OPSLAB_E_INTERNAL, thrown.what());
    } catch (...) {
        return fail_with(error, OPSLAB_E_INTERNAL, "it threw an unknown exception");
    }
}

/// The host's sink as the class sees it.
class HostSink final : public RunSink {
public:
    explicit HostSink(const opslab_sink& sink) : sink_(sink) {}

    [[nodiscard]] SinkAnswer event(std::string_view json) override {
        return to_answer(sink_.event(sink_.ctx, json.data(), json.size()));
    }

    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override {
        return to_answer(sink_.output(
            sink_.ctx,
            static_cast<std::int32_t>(stream),
            line.data(),
            line.size(),
            truncated ? 1 : 0
        ));
    }

    [[nodiscard]] SinkAnswer position(std::string_view text) override {
        return to_answer(sink_.position(sink_.ctx, text.data(), text.size()));
    }

private:
    [[nodiscard]] static SinkAnswer to_answer(std::int32_t value) {
        return value == 0 ? SinkAnswer::go_on : SinkAnswer::leave_off;
    }

    const opslab_sink& sink_;
};

[[nodiscard]] inline Runner& runner_of(void* self) {
    return *static_cast<Runner*>(self);
}

inline std::int32_t check(
    void* self, const opslab_task* task, const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!reaches(task, OPSLAB_END_OF(opslab_task, metadata_json))) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_task is too short");
        }
        TaskSpec spec;
        spec.problem_id = text_of(task->problem_id);
        spec.agent_config_json = text_of(task->agent_config_json);
        spec.metadata_json = text_of(task->metadata_json);
        spec.max_steps = task->max_steps;
        return answer(runner_of(self).check(spec), error);
    });
}

inline std::int32_t prepare(
    void* self,
    const char* worker_id,
    std::int32_t slot,
    std::int32_t interrupt_fd,
    const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        const SlotSpec spec{WorkerId{text_of(worker_id)}, slot};
        return answer(runner_of(self).prepare(spec, Interrupt{interrupt_fd}), error);
    });
}

inline std::int32_t start(
    void* self,
    const opslab_run_request* request,
    const opslab_writer* handle,
    const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!reaches(request, OPSLAB_END_OF(opslab_run_request, interrupt_fd))) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_run_request is too short");
        }
        RunRequest run;
        run.run_id = text_of(request->run_id);
        run.slot = SlotSpec{WorkerId{text_of(request->worker_id)}, request->slot};
        run.task = TaskId{text_of(request->task_id)};
        run.attempt = request->attempt;
        run.problem_id = text_of(request->problem_id);
        run.task_json = text_of(request->task_json);
        run.deadline = from_micros(request->deadline_us);
        const auto started = runner_of(self).start(run, Interrupt{request->interrupt_fd});
        if (!started) {
            return answer(RunnerStatus{tl::unexpect, started.error()}, error);
        }
        write_text(handle, started->text);
        return std::int32_t{OPSLAB_OK};
    });
}

[[nodiscard]] inline bool is_whole(const opslab_wait_request* request) {
    // the member is a pointer: its size is meant  NOLINTNEXTLINE(bugprone-sizeof-expression)
    if (!reaches(request, OPSLAB_END_OF(opslab_wait_request, sink))) {
        return false;
    }
    const opslab_sink* sink = request->sink;
    return reaches(sink, OPSLAB_END_OF(opslab_sink, position)) && sink->event != nullptr &&
           sink->output != nullptr && sink->position != nullptr;
}

inline std::int32_t wait(
    void* self, const opslab_wait_request* request, opslab_run_end* end, const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!is_whole(request) || !reaches(end, OPSLAB_END_OF(opslab_run_end, code))) {
            return fail_with(
                error, OPSLAB_E_INVALID, "opslab_wait_request, its sink or its end is too short"
            );
        }
        HostSink sink(*request->sink);
        std::optional<std::string> position;
        if (request->position != nullptr) {
            position = request->position;
        }
        const auto ended = runner_of(self).wait(
            RunHandle{text_of(request->handle)}, position, sink, Interrupt{request->interrupt_fd}
        );
        if (!ended) {
            return answer(RunnerStatus{tl::unexpect, ended.error()}, error);
        }
        end->how = static_cast<std::int32_t>(ended->how);
        end->code = ended->code;
        return std::int32_t{OPSLAB_OK};
    });
}

inline std::int32_t stop(
    void* self, const opslab_stop_request* request, const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!reaches(request, OPSLAB_END_OF(opslab_stop_request, handle))) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_stop_request is too short");
        }
        const std::chrono::milliseconds grace{std::max<std::int32_t>(request->grace_ms, 0)};
        return answer(runner_of(self).stop(RunHandle{text_of(request->handle)}, grace), error);
    });
}

inline std::int32_t destroy(void* self, const char* handle, const opslab_writer* error) noexcept {
    return guarded(error, [&] {
        return answer(runner_of(self).destroy(RunHandle{text_of(handle)}), error);
    });
}

inline std::int32_t list_owned(
    void* self,
    const char* worker_id,
    const opslab_owned_visitor* visitor,
    const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!reaches(visitor, OPSLAB_END_OF(opslab_owned_visitor, visit)) ||
            visitor->visit == nullptr) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_owned_visitor is too short");
        }
        const auto owned = runner_of(self).list_owned(WorkerId{text_of(worker_id)});
        if (!owned) {
            return answer(RunnerStatus{tl::unexpect, owned.error()}, error);
        }
        for (const OwnedRun& run : *owned) {
            visitor->visit(visitor->ctx, run.run_id.c_str(), run.handle.text.c_str());
        }
        return std::int32_t{OPSLAB_OK};
    });
}

inline std::int32_t health(
    void* self, const opslab_writer* report, const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        const auto state = runner_of(self).health();
        if (!state) {
            return answer(RunnerStatus{tl::unexpect, state.error()}, error);
        }
        write_text(report, *state);
        return std::int32_t{OPSLAB_OK};
    });
}

inline std::int32_t problems(
    void* self, const char* worker_id, const opslab_writer* json, const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        const auto known = runner_of(self).problems(WorkerId{text_of(worker_id)});
        if (!known) {
            return answer(RunnerStatus{tl::unexpect, known.error()}, error);
        }
        if (*known) {
            write_text(json, **known);
        }
        return std::int32_t{OPSLAB_OK};
    });
}

/// A destructor that throws ends the process, as anywhere in C++; ours and any sane one does not.
inline void close(void* self) noexcept {
    delete static_cast<Runner*>(self);
}

template <CreateRunnerFn kCreate>
std::int32_t create(
    const opslab_host* host,
    const char* config_json,
    opslab_runner* runner,
    const opslab_writer* error
) noexcept {
    return guarded(error, [&] {
        if (!reaches(host, OPSLAB_END_OF(opslab_host, log))) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_host is too short");
        }
        if (!reaches(runner, OPSLAB_END_OF(opslab_runner, close))) {
            return fail_with(error, OPSLAB_E_INVALID, "opslab_runner is too short");
        }
        auto made = kCreate(RunnerHost{*host}, text_of(config_json));
        if (!made) {
            return answer(RunnerStatus{tl::unexpect, made.error()}, error);
        }
        if (*made == nullptr) {
            return fail_with(error, OPSLAB_E_INTERNAL, "the plugin made no runner");
        }
        opslab_runner table{};
        table.struct_size = static_cast<std::uint32_t>(
            std::min<std::size_t>(runner->struct_size, sizeof(opslab_runner))
        );
        table.check = &check;
        table.prepare = &prepare;
        table.start = &start;
        table.wait = &wait;
        table.stop = &stop;
        table.destroy = &destroy;
        table.list_owned = &list_owned;
        table.health = &health;
        table.close = &close;
        table.problems = &problems;
        table.self = made->release();
        std::memcpy(runner, &table, table.struct_size);
        return std::int32_t{OPSLAB_OK};
    });
}

#undef OPSLAB_END_OF

}  // namespace runner_shim
}  // namespace opslab

/// Exports the descriptor of a runner plugin. `constinit`: no code of the library runs before the
/// host has read and accepted it.
#define OPSLAB_RUNNER_PLUGIN(plugin_name, plugin_version, schema_text, create_function) \
    extern "C" OPSLAB_EXPORT constinit const opslab_plugin_descriptor opslab_plugin = { \
        sizeof(opslab_plugin_descriptor),                                               \
        OPSLAB_ABI_KIND_C,                                                              \
        OPSLAB_ABI_MAJOR,                                                               \
        OPSLAB_ABI_MINOR,                                                               \
        OPSLAB_PLUGIN_RUNNER,                                                           \
        0,                                                                              \
        plugin_name,                                                                    \
        plugin_version,                                                                 \
        nullptr,                                                                        \
        schema_text,                                                                    \
        &::opslab::runner_shim::create<&create_function>,                               \
        nullptr,                                                                        \
    }
