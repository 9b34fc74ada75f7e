#pragma once

#include "domain/run_event.hpp"
#include "worker/reporter.hpp"

#include <opslab/runner.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// What is kept with an attempt so that a successor finds the run: the runner's handle, and up to
/// where its output was stored. What is read again from `position` gets the numbers after
/// `last_seq` again, so that nothing is stored twice.
struct RunBookmark {
    std::string handle{};
    std::optional<std::string> position{};
    std::optional<std::int64_t> last_seq{};
    std::int64_t log_bytes = 0;  ///< how much log there was up to `position`
};
[[nodiscard]] std::string write_bookmark(const RunBookmark& bookmark);
[[nodiscard]] std::optional<RunBookmark> read_bookmark(const std::string& text);

/// Turns what a run prints into events, and remembers how the driver said that it ended. The text
/// is hostile: only what is a valid event counts, and only once, and of its logs no more than
/// `max_log_bytes` is stored (0: no limit). What it says of a driver that breaks the protocol names
/// the runner (`runner "docker": …`), which may have garbled it.
class DriverOutput final : public RunSink {
public:
    /// Of a run that is read from `from` on. `runner` is how messages name it: `runner "docker"`.
    DriverOutput(
        Reporter& reporter,
        Clock& clock,
        const RunBookmark& from,
        std::string runner,
        std::int64_t max_log_bytes
    );

    [[nodiscard]] SinkAnswer event(std::string_view json) override;
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override;
    [[nodiscard]] SinkAnswer position(std::string_view text) override;

    [[nodiscard]] const std::optional<TaskResult>& result() const { return result_; }
    [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }
    [[nodiscard]] bool clean() const { return clean_; }
    /// Whether the driver has sent an event, valid or not, or may have to a predecessor.
    [[nodiscard]] bool has_spoken() const { return has_spoken_; }
    /// The phase that has begun and not ended; empty between phases.
    [[nodiscard]] const std::string& phase() const { return phase_; }
    /// The last lines of stderr, at most some 4 KiB.
    [[nodiscard]] const std::string& error_tail() const { return error_tail_; }
    /// How many events were none, or came after the result or error.
    [[nodiscard]] std::int64_t refused_events() const { return refused_events_; }
    /// How many lines of log were left out since `from`, as there were too many.
    [[nodiscard]] std::int64_t lines_left_out() const { return lines_left_out_; }

private:
    SinkAnswer take(DriverEvent event);
    /// Tells the task's log why an event does not count.
    SinkAnswer refuse(std::string_view why);
    SinkAnswer push_log(LogEvent log);
    SinkAnswer push(RunEvent event);

    Reporter& reporter_;
    Clock& clock_;
    std::string handle_text_;
    std::string runner_;
    std::int64_t max_log_bytes_;
    std::int64_t log_bytes_;
    std::int64_t lines_left_out_ = 0;
    std::int64_t refused_events_ = 0;
    std::optional<TaskResult> result_;
    std::optional<Failure> failure_;
    bool clean_ = false;
    bool has_spoken_;
    std::string phase_;
    std::string error_tail_;
};

}  // namespace opslab
