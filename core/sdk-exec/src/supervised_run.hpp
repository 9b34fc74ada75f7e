#pragma once

#include <opslab/exec/driver_output.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/runner.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace opslab::exec {

/// A run of this process: its driver and what is known of its output. `mark` is the environment
/// entry by which its processes can be told from all others. Threads: any; `wait` lets one in at a
/// time.
class SupervisedRun {
public:
    SupervisedRun(
        std::unique_ptr<SupervisedProcess> process, std::string event_prefix, std::string mark
    );

    /// See Runner::wait. Goes on where the last call left off.
    [[nodiscard]] RunnerResult<RunEnd> wait(RunSink& sink, Interrupt interrupt);

    /// See Runner::stop. When it returns without a failure, no process of the run is left.
    [[nodiscard]] RunnerStatus stop(std::chrono::milliseconds grace);

private:
    struct Stream {
        OutputStream name = OutputStream::out;
        int fd = -1;
        std::string bytes{};    // read, ...
        std::size_t taken = 0;  // ... and of that delivered
        bool is_open = true;
    };

    enum class Next { again, leave_off, all_read };

    [[nodiscard]] Next deliver(RunSink& sink);
    [[nodiscard]] Next read_more(RunSink& sink, Interrupt interrupt);
    [[nodiscard]] SinkAnswer read_stream(Stream& stream, RunSink& sink);
    [[nodiscard]] RunnerStatus sweep();

    std::unique_ptr<SupervisedProcess> process_;
    std::string mark_;
    std::atomic<bool> is_stopping_{false};

    std::mutex waiting_{};  // guards all below
    DriverOutput output_;
    std::array<Stream, 2> streams_;
    std::size_t read_after_end_ = 0;
};

}  // namespace opslab::exec
