#include "worker/driver_output.hpp"

#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

namespace {

constexpr std::size_t kErrorTail = 4096;

/// What a storage needs for a line beside its text, more or less: empty lines cost something, too.
constexpr std::size_t kLineOverhead = 128;

}  // namespace

DriverOutput::DriverOutput(
    Reporter& reporter,
    Clock& clock,
    const RunBookmark& from,
    std::string runner,
    std::int64_t max_log_bytes
)
    : reporter_(reporter),
      clock_(clock),
      handle_text_(from.handle),
      runner_(std::move(runner)),
      max_log_bytes_(max_log_bytes),
      log_bytes_(from.log_bytes),
      has_spoken_(from.position.has_value()) {}

SinkAnswer DriverOutput::push(RunEvent event) {
    if (reporter_.push(std::move(event)) || reporter_.lost()) {
        // Output of an attempt that is no longer ours is read and thrown away: the driver was asked
        // to stop and needs its pipe until it has cleaned up.
        return SinkAnswer::go_on;
    }
    return SinkAnswer::leave_off;
}

SinkAnswer DriverOutput::push_log(LogEvent log) {
    const auto context = log.context_json == "{}" ? 0 : log.context_json.size();
    const auto size = kLineOverhead + log.message.size() + context;
    const bool was_full = max_log_bytes_ > 0 && log_bytes_ > max_log_bytes_;
    log_bytes_ += static_cast<std::int64_t>(size);
    if (max_log_bytes_ == 0 || log_bytes_ <= max_log_bytes_) {
        return push(std::move(log));
    }
    ++lines_left_out_;
    if (was_full) {
        return SinkAnswer::go_on;
    }
    return push(LogEvent{
        .at = log.at,
        .level = LogLevel::warning,
        .message = runner_ + ": more log than max_log_bytes (" + std::to_string(max_log_bytes_) +
                   "); what the run logs from here on is not kept"});
}

SinkAnswer DriverOutput::refuse(std::string_view why) {
    ++refused_events_;
    return push_log(
        {.at = clock_.now(),
         .level = LogLevel::warning,
         .message = runner_ + ": " + std::string{why}}
    );
}

SinkAnswer DriverOutput::event(std::string_view json) {
    has_spoken_ = true;
    auto parsed = parse_driver_event(json, clock_.now());
    if (!parsed) {
        return refuse("the driver sent no valid event: " + parsed.error().message);
    }
    return take(std::move(*parsed));
}

SinkAnswer DriverOutput::take(DriverEvent event) {
    if (auto* log = std::get_if<LogEvent>(&event)) {
        return push_log(std::move(*log));
    }
    if (auto* step = std::get_if<StepEvent>(&event)) {
        return push(std::move(*step));
    }
    if (auto* phase = std::get_if<PhaseEvent>(&event)) {
        phase_ = phase->edge == PhaseEdge::begin ? phase->name : std::string();
        return push(std::move(*phase));
    }
    if (std::holds_alternative<DriverClean>(event)) {
        clean_ = true;
        return SinkAnswer::go_on;
    }
    // The first word counts: whatever comes after a result or an error changes neither.
    if (result_ || failure_) {
        return refuse("the driver gave a second result or error; ignored");
    }
    if (auto* result = std::get_if<DriverResult>(&event)) {
        result_ = std::move(result->result);
    } else {
        failure_ = std::move(std::get<DriverError>(event).failure);
        if (failure_->phase.empty()) {
            failure_->phase = phase_;
        }
    }
    return SinkAnswer::go_on;
}

SinkAnswer DriverOutput::output(OutputStream stream, std::string_view line, bool truncated) {
    auto text = to_valid_utf8(line);
    if (stream == OutputStream::err) {
        error_tail_ += text;
        error_tail_ += '\n';
        if (error_tail_.size() > kErrorTail) {
            // cut at a code point: the tail starts at the first byte that begins one
            auto from = error_tail_.size() - kErrorTail;
            while (from < error_tail_.size() &&
                   (static_cast<unsigned char>(error_tail_[from]) & 0xc0U) == 0x80U) {
                ++from;
            }
            error_tail_.erase(0, from);
        }
    }
    LogEvent log{
        .at = clock_.now(),
        .level = stream == OutputStream::err ? LogLevel::warning : LogLevel::info,
        .message = std::move(text),
    };
    if (truncated) {
        log.context_json = R"({"truncated":true})";
    }
    return push_log(std::move(log));
}

SinkAnswer DriverOutput::position(std::string_view text) {
    // What the driver said of its end is kept here alone until the end is told: a successor must
    // read it again, so the place to go on from stays before it.
    if (!result_ && !failure_) {
        reporter_.set_handle(
            write_bookmark({handle_text_, to_valid_utf8(text), reporter_.last_pushed(), log_bytes_})
        );
    }
    return SinkAnswer::go_on;
}

std::string write_bookmark(const RunBookmark& bookmark) {
    Json json = {{"handle", bookmark.handle}};
    if (bookmark.position) {
        json["position"] = *bookmark.position;
    }
    if (bookmark.last_seq) {
        json["last_seq"] = *bookmark.last_seq;
    }
    if (bookmark.log_bytes > 0) {
        json["log_bytes"] = bookmark.log_bytes;
    }
    return dump_json(json);
}

std::optional<RunBookmark> read_bookmark(const std::string& text) {
    const auto json = parse_json(text);
    if (!json || !json->is_object() || !json->contains("handle") ||
        !(*json)["handle"].is_string()) {
        return std::nullopt;
    }
    RunBookmark bookmark{.handle = (*json)["handle"].get<std::string>()};
    if (json->contains("position") && (*json)["position"].is_string()) {
        bookmark.position = (*json)["position"].get<std::string>();
    }
    if (json->contains("last_seq") && (*json)["last_seq"].is_number_integer()) {
        bookmark.last_seq = (*json)["last_seq"].get<std::int64_t>();
    }
    if (json->contains("log_bytes") && (*json)["log_bytes"].is_number_integer()) {
        bookmark.log_bytes = (*json)["log_bytes"].get<std::int64_t>();
    }
    return bookmark;
}

}  // namespace opslab
