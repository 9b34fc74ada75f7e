#include <opslab/testing/runner_conformance.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace opslab::testing {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostPieces = 500'000;

[[nodiscard]] std::string fresh_directory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "opslab-runner-XXXXXX").string();
    return ::mkdtemp(pattern.data()) == nullptr ? std::string{} : pattern;
}

// A number that no other test of this machine uses, so that their containers cannot be mixed up.
[[nodiscard]] std::string fresh_run_id(int number) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    std::array<char, 64> text{};
    std::snprintf(
        text.data(),
        text.size(),
        "%llx-%x-%d.1",
        static_cast<unsigned long long>(now),
        static_cast<unsigned>(::getpid()),
        number
    );
    return text.data();
}

[[noreturn]] void be_host(
    const RunnerCase& runner, const std::string& dir, const RunRequest& run, int answer
) {
    auto opened = runner.open(dir);
    const auto handle = opened ? (*opened)->start(run, Interrupt{})
                               : RunnerResult<RunHandle>{tl::unexpect, opened.error()};
    const std::string text = handle ? handle->text : std::string{};
    static_cast<void>(!::write(answer, text.data(), text.size()));
    ::close(answer);
    for (;;) {
        ::pause();
    }
}

[[nodiscard]] std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t got = ::read(fd, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return text;
        }
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

void PrintTo(const RunnerCase& runner, std::ostream* out) {
    *out << runner.name;
}

std::string case_name(const ::testing::TestParamInfo<RunnerCase>& info) {
    return info.param.name;
}

struct RecordingSink::State {
    std::mutex mutex{};
    std::condition_variable changed{};
    std::vector<std::string> events{};
    std::vector<Line> lines{};
    std::optional<std::string> position{};
    std::size_t most_events = 0;
    std::size_t bytes = 0;

    /// Whether there is room for that much more.
    [[nodiscard]] bool takes(std::size_t size) {
        bytes += size;
        return bytes <= kMostBytes && events.size() + lines.size() < kMostPieces;
    }
};

RecordingSink::RecordingSink() : state_(std::make_unique<State>()) {}
RecordingSink::~RecordingSink() = default;

SinkAnswer RecordingSink::event(std::string_view json) {
    const std::lock_guard lock(state_->mutex);
    if (!state_->takes(json.size())) {
        return SinkAnswer::leave_off;
    }
    state_->events.emplace_back(json);
    state_->changed.notify_all();
    const bool is_enough = state_->most_events != 0 && state_->events.size() >= state_->most_events;
    return is_enough ? SinkAnswer::leave_off : SinkAnswer::go_on;
}

SinkAnswer RecordingSink::output(OutputStream stream, std::string_view line, bool truncated) {
    const std::lock_guard lock(state_->mutex);
    if (!state_->takes(line.size())) {
        return SinkAnswer::leave_off;
    }
    state_->lines.push_back(Line{stream, std::string(line), truncated});
    state_->changed.notify_all();
    return SinkAnswer::go_on;
}

SinkAnswer RecordingSink::position(std::string_view text) {
    const std::lock_guard lock(state_->mutex);
    state_->position = std::string(text);
    return SinkAnswer::go_on;
}

void RecordingSink::leave_off_after_events(std::size_t count) {
    const std::lock_guard lock(state_->mutex);
    state_->most_events = count;
}

bool RecordingSink::wait_for_event(std::string_view part) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, kPatience, [&] {
        return std::any_of(state_->events.begin(), state_->events.end(), [&](const auto& event) {
            return event.find(part) != std::string::npos;
        });
    });
}

std::vector<std::string> RecordingSink::events() const {
    const std::lock_guard lock(state_->mutex);
    return state_->events;
}

std::vector<RecordingSink::Line> RecordingSink::lines() const {
    const std::lock_guard lock(state_->mutex);
    return state_->lines;
}

std::vector<std::string> RecordingSink::lines_of(OutputStream stream) const {
    std::vector<std::string> texts;
    for (const Line& line : lines()) {
        if (line.stream == stream) {
            texts.push_back(line.text);
        }
    }
    return texts;
}

std::optional<std::string> RecordingSink::last_position() const {
    const std::lock_guard lock(state_->mutex);
    return state_->position;
}

RunnerConformance::RunnerConformance() = default;
RunnerConformance::~RunnerConformance() = default;

void RunnerConformance::SetUp() {
    state_dir_ = fresh_directory();
    ASSERT_FALSE(state_dir_.empty());
    reopen();
}

void RunnerConformance::TearDown() {
    if (runner_ == nullptr) {
        reopen();
    }
    for (const RunHandle& handle : handles_) {
        EXPECT_THAT(runner_->destroy(handle), Succeeds());
    }
    runner_.reset();
    std::error_code failed;
    std::filesystem::remove_all(state_dir_, failed);
}

void RunnerConformance::reopen() {
    runner_.reset();
    auto opened = GetParam().open(state_dir_);
    if (!opened) {
        FAIL() << opened.error().message;
    }
    runner_ = std::move(*opened);
}

WorkerId RunnerConformance::worker() const {
    return WorkerId{"worker-001-conformance"};
}

RunRequest RunnerConformance::request(const std::string& simulate) {
    RunRequest run;
    run.run_id = fresh_run_id(++runs_);
    run.slot = SlotSpec{worker(), 0};
    run.task = TaskId{"018f0000-0000-7000-8000-" + std::to_string(100000000000 + runs_)};
    run.problem_id = "conformance-localization-1";
    run.task_json = R"({"task_id":")" + run.task.value +
                    R"(","attempt":1,"problem_id":"conformance-localization-1",)"
                    R"("agent_config":{"model":"none","simulate":)" +
                    simulate +
                    R"(},"max_steps":30,"deadline":"2100-01-01T00:00:00.000000Z","metadata":{}})";
    run.deadline = from_micros(4102444800000000);
    return run;
}

RunHandle RunnerConformance::started(const RunRequest& run) {
    auto handle = runner_->start(run, Interrupt{});
    EXPECT_THAT(handle, Succeeds());
    if (!handle) {
        return RunHandle{};
    }
    handles_.push_back(*handle);
    return *handle;
}

RunnerResult<RunEnd> RunnerConformance::play(const std::string& simulate, RunSink& sink) {
    const RunHandle handle = started(request(simulate));
    return runner_->wait(handle, std::nullopt, sink, Interrupt{});
}

std::vector<std::string> RunnerConformance::leftovers(const RunRequest& run) const {
    return GetParam().leftovers(state_dir_, run.run_id);
}

RunHandle RunnerConformance::start_in_host_that_dies(const RunRequest& run) {
    close();
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t host = ::fork();
    if (host == 0) {
        ::close(ends[0]);
        be_host(GetParam(), state_dir_, run, ends[1]);
    }
    ::close(ends[1]);
    RunHandle handle{read_to_end(ends[0])};
    ::close(ends[0]);
    EXPECT_EQ(::kill(host, SIGKILL), 0);
    EXPECT_EQ(::waitpid(host, nullptr, 0), host);
    EXPECT_THAT(handle.text, ::testing::Not(::testing::IsEmpty()));
    handles_.push_back(handle);
    reopen();
    return handle;
}

TestInterrupt::TestInterrupt() : fd_(::eventfd(0, EFD_CLOEXEC)) {}
TestInterrupt::~TestInterrupt() {
    ::close(fd_);
}

void TestInterrupt::raise() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
}

}  // namespace opslab::testing
