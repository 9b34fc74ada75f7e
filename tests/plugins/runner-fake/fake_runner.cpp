#include "fake_runner.hpp"

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace opslab {

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::pair<const char*, RunnerErrc> kFailures[] = {
    {"invalid", RunnerErrc::invalid},
    {"task", RunnerErrc::task},
    {"infrastructure", RunnerErrc::infrastructure},
    {"not_found", RunnerErrc::not_found},
    {"interrupted", RunnerErrc::interrupted},
    {"unsupported", RunnerErrc::unsupported},
    {"internal", RunnerErrc::internal},
};

/// The script in an agent configuration; an empty object where it has none.
Json script_in(const Json& agent_config) {
    return agent_config.is_object() ? agent_config.value("fake", Json::object()) : Json::object();
}

/// Fails the way that the script says for `verb`, or not at all.
RunnerStatus scripted(const Json& script, const char* verb) {
    const std::string wanted = script.value(verb, "");
    if (wanted == "throw") {
        throw std::runtime_error(std::string{"scripted exception in "} + verb);
    }
    for (const auto& [word, code] : kFailures) {
        if (wanted == word) {
            return runner_fail(code, std::string{"scripted failure of "} + verb + ": " + word);
        }
    }
    if (!wanted.empty()) {
        return runner_fail(RunnerErrc::invalid, "no such failure: " + wanted);
    }
    return {};
}

Json read_json(const fs::path& file) {
    std::ifstream stream{file};
    return stream ? Json::parse(stream) : Json(nullptr);
}

/// Whole or not at all: a reader never meets half a file.
void write_json(const fs::path& file, const Json& value) {
    const fs::path fresh = file.string() + ".new";
    {
        std::ofstream stream{fresh};
        stream << value.dump();
        if (!stream.flush()) {
            throw std::runtime_error("the state directory cannot be written");
        }
    }
    fs::rename(fresh, file);
}

SinkAnswer play(const Json& item, RunSink& sink) {
    if (item.contains("event")) {
        return sink.event(item["event"].dump());
    }
    if (item.contains("raw_event")) {
        return sink.event(item["raw_event"].get<std::string>());
    }
    const bool out = item.contains("out");
    const auto stream = out ? OutputStream::out : OutputStream::err;
    return sink.output(stream, item.at(out ? "out" : "err").get<std::string>(), false);
}

RunEnd end_of(const Json& script) {
    const Json end = script.value("end", Json::object());
    const std::string how = end.value("how", "exited");
    const EndKind kind = how == "signalled" ? EndKind::signalled
                         : how == "oom"     ? EndKind::out_of_memory
                                            : EndKind::exited;
    return RunEnd{kind, end.value("code", 0)};
}

bool wait_readable(int interrupt, int stopped) {
    pollfd watched[] = {{interrupt, POLLIN, 0}, {stopped, POLLIN, 0}};
    while (::poll(watched, 2, -1) < 0) {
        if (errno != EINTR) {
            throw std::runtime_error("poll failed");
        }
    }
    return watched[1].revents != 0;
}

RunnerResult<RunEnd> interrupted() {
    return runner_fail(RunnerErrc::interrupted, "asked to leave off");
}

}  // namespace

class FakeRunner::StopSignal {
public:
    StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) {
            throw std::runtime_error("no event descriptor");
        }
    }
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;
    ~StopSignal() { ::close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }
    void raise() const { static_cast<void>(::eventfd_write(fd_, 1)); }

private:
    int fd_;
};

FakeRunner::FakeRunner(const RunnerHost& host, const std::string& config)
    : host_(host), folder_(host.state_dir()) {
    const Json settings = Json::parse(config);
    health_ = settings.at("health").get<std::string>();
    unhealthy_ = settings.at("unhealthy").get<bool>();
    start_limit_ = settings.at("start_limit").get<std::size_t>();
}

FakeRunner::~FakeRunner() = default;

fs::path FakeRunner::file_of(const RunHandle& handle) const {
    // a handle is a run id; anything else names no file of ours
    const bool good = !handle.text.empty() && handle.text.size() <= 64 &&
                      handle.text.find_first_not_of("0123456789abcdef.-") == std::string::npos;
    return folder_ / ((good ? handle.text : "none") + ".json");
}

std::shared_ptr<FakeRunner::StopSignal> FakeRunner::signal_of(const RunHandle& handle) {
    const std::scoped_lock hold{mutex_};
    auto& signal = signals_[handle.text];
    if (signal == nullptr) {
        signal = std::make_shared<StopSignal>();
    }
    return signal;
}

std::size_t FakeRunner::count_runs() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        count += entry.path().extension() == ".json" ? 1 : 0;
    }
    return count;
}

RunnerStatus FakeRunner::check(const TaskSpec& task) {
    const Json script = script_in(Json::parse(task.agent_config_json));
    const std::string reason = script.value("check", "");
    return reason.empty() ? RunnerStatus{} : runner_fail(RunnerErrc::task, reason);
}

RunnerResult<RunHandle> FakeRunner::start(const RunRequest& request, Interrupt interrupt) {
    const Json task = Json::parse(request.task_json);
    const Json script = script_in(task.value("agent_config", Json::object()));
    if (script.value("start", "") == "interrupted") {
        wait_readable(interrupt.fd, -1);
    }
    if (const auto failed = scripted(script, "start"); !failed) {
        return tl::unexpected(failed.error());
    }
    if (count_runs() >= start_limit_) {
        return runner_fail(RunnerErrc::infrastructure, "no room for one more run");
    }
    const RunHandle handle{request.run_id};
    write_json(
        file_of(handle),
        {{"worker", request.slot.worker.value}, {"script", script}, {"stopped", false}}
    );
    host_.log(LogLevel::debug, "run " + request.run_id + " started");
    return handle;
}

RunnerResult<RunEnd> FakeRunner::wait(
    const RunHandle& handle,
    std::optional<std::string_view> position,
    RunSink& sink,
    Interrupt interrupt
) {
    const auto signal = signal_of(handle);
    const Json run = read_json(file_of(handle));
    if (run.is_null()) {
        return runner_fail(RunnerErrc::not_found, "no run of that handle");
    }
    const Json& script = run.at("script");
    if (const auto failed = scripted(script, "wait"); !failed) {
        return tl::unexpected(failed.error());
    }
    std::size_t from = 0;
    if (position) {
        std::from_chars(position->data(), position->data() + position->size(), from);
    }
    bool stopped = run.at("stopped").get<bool>();
    const Json items = script.value("play", Json::array());
    for (std::size_t i = from; i < items.size() && !stopped; ++i) {
        if (items[i].contains("block")) {
            stopped = wait_readable(interrupt.fd, signal->fd());
            if (!stopped) {
                return interrupted();
            }
        } else if (play(items[i], sink) == SinkAnswer::leave_off || sink.position(std::to_string(i + 1)) == SinkAnswer::leave_off) {
            return interrupted();
        }
    }
    return stopped ? RunEnd{EndKind::signalled, 15} : end_of(script);
}

RunnerStatus FakeRunner::stop(const RunHandle& handle, std::chrono::milliseconds /*grace*/) {
    Json run = read_json(file_of(handle));
    if (run.is_null()) {
        return {};
    }
    run["stopped"] = true;
    write_json(file_of(handle), run);
    signal_of(handle)->raise();
    return {};
}

RunnerStatus FakeRunner::destroy(const RunHandle& handle) {
    fs::remove(file_of(handle));
    signal_of(handle)->raise();
    const std::scoped_lock hold{mutex_};
    signals_.erase(handle.text);
    return {};
}

RunnerResult<std::vector<OwnedRun>> FakeRunner::list_owned(const WorkerId& worker) {
    std::vector<OwnedRun> owned;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        const Json run = entry.path().extension() == ".json" ? read_json(entry.path()) : Json();
        if (!run.is_null() && run.at("worker") == worker.value) {
            const std::string id = entry.path().stem().string();
            owned.push_back({id, RunHandle{id}});
        }
    }
    return owned;
}

RunnerResult<std::string> FakeRunner::health() {
    if (unhealthy_) {
        return runner_fail(RunnerErrc::infrastructure, health_);
    }
    return health_;
}

RunnerResult<std::optional<std::string>> FakeRunner::problems(const WorkerId& /*worker*/) {
    std::ifstream file(folder_ / "problems");
    if (!file) {
        return std::nullopt;
    }
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text == "fail") {
        return runner_fail(RunnerErrc::infrastructure, "the shelf is empty");
    }
    return text;
}

}  // namespace opslab
