#pragma once

#include <opslab/exec/line_splitter.hpp>
#include <opslab/runner.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace opslab::exec {

/// The driver protocol's reading side: turns the bytes of a driver's stdout and stderr into events
/// and output lines. A stdout line that begins with the prefix is an event; one that has it
/// anywhere else is not, and neither is any line of stderr. An event over 1 MiB cannot be one any
/// more: its text goes out as a truncated output line, without the prefix, which no log may hold.
/// Memory: at most 1 MiB a stream. Threads: one at a time.
class DriverOutput {
public:
    explicit DriverOutput(std::string event_prefix, std::size_t max_line = kMaxLine)
        : prefix_(std::move(event_prefix)), out_(max_line), err_(max_line) {}

    /// See LineSplitter::feed: bytes behind `taken` are to be fed again.
    [[nodiscard]] LineSplitter::Fed feed(
        OutputStream stream, std::string_view bytes, RunSink& sink
    );

    /// The end of a stream: delivers a last line without a line feed.
    [[nodiscard]] SinkAnswer finish(OutputStream stream, RunSink& sink);

private:
    [[nodiscard]] LineSplitter& splitter(OutputStream stream);

    std::string prefix_;
    LineSplitter out_;
    LineSplitter err_;
};

}  // namespace opslab::exec
