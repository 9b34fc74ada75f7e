#include "daemon/lease_guard.hpp"

#include "base/system_clock.hpp"
#include "daemon/lease_watch.hpp"
#include "plugin/guarded_runner.hpp"
#include "telemetry/service_log.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace opslab::daemon {

namespace {

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

void watch(LeaseWatch watch) {
    bool maker_is_gone = false;
    while (true) {
        const bool some_left = watch.look();
        if (maker_is_gone && !some_left) {
            return;
        }
        pollfd waits{maker_is_gone ? -1 : kPipe, POLLIN, 0};
        if (::poll(&waits, 1, static_cast<int>(watch.pause().count())) > 0) {
            maker_is_gone = true;
            // whoever reads our maker's output waits for its end
            ::dup2(STDIN_FILENO, STDERR_FILENO);
        }
    }
}

LeaseWatch::OpenRunner opener(const LeaseGuard::Runners& runners, Clock& clock, Logger& logger) {
    return [&](const std::string& name) {
        const auto& [plugin, state_root] = runners.at(name);
        const plugin::RunnerHostFacts facts{
            .clock = clock,
            .logger = logger,
            .state_root = state_root,
            .version = OPSLAB_VERSION,
            .name = name};
        return plugin::open_runner(plugin.library, facts, plugin.config_json, nullptr);
    };
}

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
        const auto knows = [&](const std::string& name) { return runners.contains(name); };
        watch({std::move(folder), knows, opener(runners, clock, *logger), clock, *logger});
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
