#include "supervised_run.hpp"

#include <opslab/exec/marked_processes.hpp>

#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace opslab::exec {
namespace {

constexpr std::size_t kChunk = std::size_t{64} * 1024;
constexpr std::chrono::milliseconds kKillWait{10'000};

// More than a pipe holds: what comes beyond it after the end is of a process that got away.
constexpr std::size_t kMostAfterEnd = std::size_t{2} << 20;

}  // namespace

SupervisedRun::SupervisedRun(
    std::unique_ptr<SupervisedProcess> process, std::string event_prefix, std::string mark
)
    : process_(std::move(process)),
      mark_(std::move(mark)),
      output_(std::move(event_prefix)),
      streams_{
          Stream{OutputStream::out, process_->out_fd()},
          Stream{OutputStream::err, process_->err_fd()}} {}

RunnerResult<RunEnd> SupervisedRun::wait(RunSink& sink, Interrupt interrupt) {
    const std::lock_guard lock(waiting_);
    for (;;) {
        Next next = deliver(sink);
        if (next == Next::again) {
            next = read_more(sink, interrupt);
        }
        if (next == Next::leave_off) {
            return runner_fail(RunnerErrc::interrupted, "left off");
        }
        if (next == Next::all_read && !process_->is_all_gone() && !is_stopping_) {
            // it tells of every end of a driver; without it the driver is killed by the kernel
            return runner_fail(
                RunnerErrc::infrastructure, "opslab-supervise, which watched the run, was killed"
            );
        }
        if (next == Next::all_read) {
            return process_->end();
        }
    }
}

SupervisedRun::Next SupervisedRun::deliver(RunSink& sink) {
    for (Stream& stream : streams_) {
        const std::string_view left = std::string_view(stream.bytes).substr(stream.taken);
        if (left.empty()) {
            continue;
        }
        const auto fed = output_.feed(stream.name, left, sink);
        stream.taken += fed.taken;
        if (fed.answer == SinkAnswer::leave_off) {
            return Next::leave_off;
        }
    }
    return Next::again;
}

// Reads what there is. While the run lives, waits for it; after its end the pipes hold all that is
// still to come. (Waiting for their end instead would hang on a process that got away.)
SupervisedRun::Next SupervisedRun::read_more(RunSink& sink, Interrupt interrupt) {
    const bool has_ended = process_->wait_ended(std::chrono::milliseconds{0});
    if (has_ended && read_after_end_ == 0) {
        static_cast<void>(sweep());  // a failure is told by stop and destroy
    }
    std::array<pollfd, 4> waits{{
        {interrupt.fd, POLLIN, 0},
        {streams_[0].is_open ? streams_[0].fd : -1, POLLIN, 0},
        {streams_[1].is_open ? streams_[1].fd : -1, POLLIN, 0},
        {has_ended ? -1 : process_->end_fd(), POLLIN, 0},
    }};
    const int ready = ::poll(waits.data(), waits.size(), has_ended ? 0 : -1);
    if (waits[0].revents != 0) {
        return Next::leave_off;
    }
    if (has_ended && (ready == 0 || read_after_end_ > kMostAfterEnd)) {
        for (Stream& stream : streams_) {
            if (stream.is_open) {
                stream.is_open = false;
                static_cast<void>(output_.finish(stream.name, sink));
            }
        }
        return Next::all_read;
    }
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (waits.at(i + 1).revents != 0 &&
            read_stream(streams_.at(i), sink) == SinkAnswer::leave_off) {
            return Next::leave_off;
        }
    }
    return Next::again;
}

SinkAnswer SupervisedRun::read_stream(Stream& stream, RunSink& sink) {
    stream.bytes.resize(kChunk);
    stream.taken = 0;
    const ssize_t got = ::read(stream.fd, stream.bytes.data(), stream.bytes.size());
    stream.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (process_->wait_ended(std::chrono::milliseconds{0})) {
        read_after_end_ += stream.bytes.size() + 1;
    }
    if (got > 0) {
        return SinkAnswer::go_on;
    }
    stream.is_open = false;
    return output_.finish(stream.name, sink);
}

RunnerStatus SupervisedRun::stop(std::chrono::milliseconds grace) {
    is_stopping_ = true;
    if (grace.count() > 0) {
        process_->terminate();
        if (process_->wait_ended(grace)) {
            return sweep();
        }
    }
    process_->kill_all();
    if (!process_->wait_ended(kKillWait)) {
        return runner_fail(RunnerErrc::infrastructure, "the run's processes do not die");
    }
    return sweep();
}

RunnerStatus SupervisedRun::sweep() {
    if (process_->is_all_gone()) {
        return {};
    }
    return kill_marked(mark_);
}

}  // namespace opslab::exec
