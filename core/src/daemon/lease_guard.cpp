#include "daemon/lease_guard.hpp"

#include "base/system_clock.hpp"
#include "domain/worker_codec.hpp"
#include "plugin/guarded_runner.hpp"
#include "telemetry/service_log.hpp"
#include "worker/lease_notes.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace opslab::daemon {

namespace {

constexpr Duration kLookInterval = std::chrono::milliseconds{250};
constexpr int kPipe = 3;
constexpr std::string_view kTitle = "opslab-lease-guard";

/// What `ps` shows, instead of the command line of the process that it watches over.
void set_title() {
    ::prctl(PR_SET_NAME, kTitle.substr(0, 15).data());
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    // glibc: this is argv[0], and the arguments follow it in memory
    char* const first = program_invocation_name;
    if (line.size() > kTitle.size() && std::memcmp(first, line.data(), line.size()) == 0) {
        std::memset(first, 0, line.size());
        kTitle.copy(first, kTitle.size());
    }
}

void become_own_process(int pipe) {
    ::setsid();  // what stops our maker's whole group does not stop us
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) {
        ::signal(signal, SIG_IGN);
    }
    ::dup2(pipe, kPipe);
    ::syscall(SYS_close_range, kPipe + 1, ~0U, 0);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::close(null);
    set_title();
}

class Guard {
public:
    Guard(std::filesystem::path folder, LeaseGuard::Runners runners, Clock& clock, Logger& logger)
        : folder_(std::move(folder)),
          runners_(std::move(runners)),
          clock_(clock),
          logger_(logger) {}

    void watch() {
        while (true) {
            const bool some_left = look();
            if (maker_is_gone_ && !some_left) {
                return;
            }
            pollfd waits{maker_is_gone_ ? -1 : kPipe, POLLIN, 0};
            if (::poll(&waits, 1, static_cast<int>(pause().count())) > 0) {
                maker_is_gone_ = true;
                // whoever reads our maker's output waits for its end
                ::dup2(STDIN_FILENO, STDERR_FILENO);
            }
        }
    }

private:
    struct Run {
        WorkerId worker{};
        std::string run_id{};
        auto operator<=>(const Run&) const = default;
    };

    /// Ends what has lapsed. True where something is still to be watched.
    bool look() {
        std::error_code error;
        bool some_left = false;
        next_ = SteadyTime::max();
        std::set<Run> there;
        for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
             entry.increment(error)) {
            const WorkerId worker{entry->path().filename().string()};
            const LeaseNotes notes(entry->path());
            for (const auto& note : notes.list()) {
                const Run run{worker, note.run_id};
                there.insert(run);
                if (!note.ended && note.until <= clock_.steady() && notes.take(note)) {
                    to_end_.insert(run);
                }
                if (!note.ended) {
                    some_left = true;
                    next_ = std::min(next_, note.until);
                }
            }
        }
        // a note that is gone: its worker removed the run itself
        std::erase_if(to_end_, [&](const Run& run) { return !there.contains(run); });
        end_runs();
        return some_left || !to_end_.empty();
    }

    void end_runs() {
        std::vector<std::pair<Run, std::optional<bool>>> ends;
        for (const auto& run : to_end_) {
            ends.emplace_back(run, std::nullopt);
        }
        std::vector<std::thread> threads;
        for (auto& [run, done] : ends) {
            auto* runner = runner_of(run.worker);
            if (runner != nullptr) {
                threads.emplace_back([this, runner, &run = run, &done = done] {
                    done = end_run(*runner, run);
                });
            }
        }
        for (auto& thread : threads) {
            thread.join();
        }
        for (const auto& [run, done] : ends) {
            if (done.value_or(false)) {
                to_end_.erase(run);
            }
        }
    }

    bool end_run(Runner& runner, const Run& run) {
        const auto say = [&](LogLevel level, const std::string& message) {
            log(logger_, level, message, {{"worker", run.worker.value}, {"run", run.run_id}});
        };
        const auto owned = runner.list_owned(run.worker);
        if (!owned) {
            say(LogLevel::error,
                "a lease ran out, and its run cannot be found: " + owned.error().message);
            return false;
        }
        const auto found = std::find_if(owned->begin(), owned->end(), [&](const OwnedRun& one) {
            return one.run_id == run.run_id;
        });
        if (found == owned->end()) {
            return true;  // it never started, or is gone
        }
        const auto stopped = runner.stop(found->handle, std::chrono::milliseconds{0});
        if (!stopped) {
            say(LogLevel::error,
                "a lease ran out, and its run cannot be ended: " + stopped.error().message);
            return false;
        }
        say(LogLevel::warning,
            "a lease ran out and its worker did not end the run (is it frozen?); ended it");
        return true;
    }

    Runner* runner_of(const WorkerId& worker) {
        const auto name = parse_worker_id(worker.value);
        const auto known = name ? runners_.find(name->backend_type) : runners_.end();
        if (known == runners_.end()) {
            return nullptr;
        }
        auto& open = open_[known->first];
        if (!open) {
            const auto& [plugin, state_root] = known->second;
            const plugin::RunnerHostFacts facts{
                .clock = clock_,
                .logger = logger_,
                .state_root = state_root,
                .version = OPSLAB_VERSION};
            auto opened = plugin::open_runner(plugin.library, facts, plugin.config_json, nullptr);
            if (!opened) {
                log(logger_,
                    LogLevel::error,
                    "a lease ran out, and its runner cannot be opened",
                    {{"worker", worker.value}, {"error", opened.error().message}});
                return nullptr;
            }
            open = std::move(*opened);
        }
        return open.get();
    }

    [[nodiscard]] std::chrono::milliseconds pause() const {
        const auto wait = std::clamp<Duration>(
            next_ == SteadyTime::max() ? kLookInterval : next_ - clock_.steady(),
            std::chrono::milliseconds{1},
            kLookInterval
        );
        return std::chrono::ceil<std::chrono::milliseconds>(wait);
    }

    std::filesystem::path folder_;
    LeaseGuard::Runners runners_;
    Clock& clock_;
    Logger& logger_;
    std::map<std::string, std::unique_ptr<Runner>> open_;
    std::set<Run> to_end_;
    SteadyTime next_ = SteadyTime::max();
    bool maker_is_gone_ = false;
};

}  // namespace

Result<LeaseGuard> LeaseGuard::start(
    std::filesystem::path folder, Runners runners, const config::LogSettings& log
) {
    std::array<int, 2> pipe{-1, -1};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        return fail(Errc::exhausted, "cannot make a pipe for the guard of leases");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        // not our maker's child, which would have to wait for its end
        if (const pid_t guard = ::fork(); guard != 0) {
            ::_exit(guard < 0 ? 1 : 0);
        }
        ::close(pipe[1]);
        become_own_process(pipe[0]);
        SystemClock clock;
        const auto logger = make_service_log(
            log.format == config::LogFormat::json ? ServiceLogFormat::json
                                                  : ServiceLogFormat::human,
            log.level,
            clock
        );
        Guard(std::move(folder), std::move(runners), clock, *logger).watch();
        ::_exit(0);
    }
    ::close(pipe[0]);
    int status = 1;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
        ::close(pipe[1]);
        return fail(Errc::exhausted, "cannot start the guard of leases: no process can be made");
    }
    return LeaseGuard(pipe[1]);
}

LeaseGuard::LeaseGuard(LeaseGuard&& other) noexcept : pipe_(std::exchange(other.pipe_, -1)) {}

LeaseGuard::~LeaseGuard() {
    if (pipe_ >= 0) {
        ::close(pipe_);
    }
}

}  // namespace opslab::daemon
