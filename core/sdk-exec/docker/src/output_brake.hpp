#pragma once

#include <opslab/docker/engine.hpp>
#include <opslab/exec/unique_fd.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace opslab::docker {

/// Slows a container down while its log is read more slowly than it writes. Output is taken from
/// the log, which can be read again from any point but lets the container write without bound; an
/// attached stream cannot be read again, but blocks the container while nobody reads it. So this
/// keeps one attached, throws its bytes away, and reads it only while the log's reader keeps up.
///
/// It never stands still: an engine waits only two seconds for the last output of a container that
/// has ended, and what it could not pass on by then is lost. 512 KiB a second always flow.
/// Threads: the log's reader; a thread of its own reads the stream.
class OutputBrake {
public:
    OutputBrake(Engine& engine, std::string container);
    OutputBrake(const OutputBrake&) = delete;
    OutputBrake& operator=(const OutputBrake&) = delete;
    ~OutputBrake();

    /// The log's reader has bytes to deal with, and is not waiting for more.
    void reader_is_busy();
    /// It has dealt with them, `bytes` of output, and waits.
    void reader_waits(std::uint64_t bytes);

private:
    [[nodiscard]] bool take(std::uint64_t bytes);
    [[nodiscard]] bool may_flow() const;

    Engine& engine_;
    std::string container_;
    exec::UniqueFd stop_;
    std::mutex mutex_{};
    std::condition_variable changed_{};
    // all below guarded by mutex_
    bool is_stopping_ = false;
    bool is_reader_waiting_ = false;
    std::uint64_t read_ = 0;
    std::uint64_t attached_ = 0;
    std::uint64_t burst_ = 0;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace opslab::docker
