#include <opslab/exec/commands.hpp>
#include <opslab/exec/supervised_process.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace opslab::exec {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostOut = std::size_t{1} << 20U;
constexpr std::size_t kMostErr = std::size_t{8} << 10U;

enum class Why { ended, timeout, interrupted };

// Takes what is there; false at the end of the stream.
[[nodiscard]] bool take(int fd, std::string& text) {
    std::array<char, 16384> piece{};
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0) {
        return errno == EINTR || errno == EAGAIN;
    }
    text.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
}

[[nodiscard]] int milliseconds_until(SteadyClock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

[[nodiscard]] Why follow(
    const SupervisedProcess& process,
    SteadyClock::time_point deadline,
    Interrupt interrupt,
    CommandOutcome& outcome
) {
    // the process's end closes both streams, since nothing that it started is left by then
    std::array<pollfd, 3> waits{
        {{process.out_fd(), POLLIN, 0}, {process.err_fd(), POLLIN, 0}, {interrupt.fd, POLLIN, 0}}};
    while (waits[0].fd >= 0 || waits[1].fd >= 0) {
        const int left = milliseconds_until(deadline);
        if (left == 0) {
            return Why::timeout;
        }
        if (::poll(waits.data(), waits.size(), left) <= 0) {
            continue;
        }
        if (waits[2].revents != 0) {
            return Why::interrupted;
        }
        if (waits[0].revents != 0 && !take(waits[0].fd, outcome.out)) {
            waits[0].fd = -1;
        }
        if (waits[1].revents != 0 && !take(waits[1].fd, outcome.err)) {
            waits[1].fd = -1;
        }
        outcome.out.resize(std::min(outcome.out.size(), kMostOut));
        if (outcome.err.size() > kMostErr) {
            outcome.err.erase(0, outcome.err.size() - kMostErr);
        }
    }
    return Why::ended;
}

[[nodiscard]] std::string name_of(const std::vector<std::string>& words) {
    std::string text = words.front().substr(words.front().rfind('/') + 1);
    for (std::size_t i = 1; i < std::min<std::size_t>(words.size(), 3); ++i) {
        text += " " + words[i];
    }
    return text;
}

}  // namespace

Commands Commands::with_variable(std::string entry) const {
    Commands marked = *this;
    marked.environment_.insert(marked.environment_.begin(), std::move(entry));
    return marked;
}

RunnerResult<CommandOutcome> Commands::run(
    const std::vector<std::string>& words, std::chrono::milliseconds timeout, Interrupt interrupt
) const {
    ProcessSpec spec;
    spec.supervisor = supervisor_;
    spec.program = words.front();
    spec.arguments = words;
    spec.environment = environment_;
    spec.directory = directory_;
    const auto deadline = SteadyClock::now() + timeout;
    const auto process = SupervisedProcess::spawn(spec, interrupt);
    if (!process) {
        return tl::unexpected(process.error());
    }
    CommandOutcome outcome;
    const Why why = follow(**process, deadline, interrupt, outcome);
    if (why == Why::interrupted) {
        return runner_fail(RunnerErrc::interrupted, name_of(words) + " was interrupted");
    }
    constexpr std::chrono::milliseconds kReapWait{10'000};
    if (why == Why::timeout || !(*process)->wait_ended(kReapWait)) {
        return runner_fail(
            RunnerErrc::infrastructure,
            name_of(words) + " was killed: it took longer than " +
                std::to_string(timeout.count() / 1000) + " s"
        );
    }
    outcome.has_succeeded = (*process)->end() == RunEnd{EndKind::exited, 0};
    return outcome;
}

}  // namespace opslab::exec
