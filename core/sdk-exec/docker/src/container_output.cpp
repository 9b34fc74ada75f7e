#include "output_brake.hpp"
#include "output_position.hpp"
#include "patience.hpp"

#include <opslab/docker/container_output.hpp>
#include <opslab/docker/frame_parser.hpp>
#include <opslab/exec/driver_output.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace opslab::docker {
namespace {

constexpr std::size_t kMaxStamp = 40;
constexpr std::size_t kPiece = std::size_t{16} << 10U;  // of a long line, in the engine's log
// How far behind another stream's stamps a message may come. The engine stamps a message just
// before it writes it down, so moments are enough.
constexpr std::int64_t kSlack = 5'000'000'000;

// Turns the log into lines and events and keeps account of what was delivered. A frame is one line,
// or a piece of a long one (16 KiB), behind its stamp; pieces of a line have the same stamp.
class LogReader final : public FrameTaker {
public:
    LogReader(const OutputRequest& request, OutputPosition done, RunSink& sink)
        : prefix_(request.event_prefix),
          is_local_log_(request.is_local_log),
          sink_(sink),
          driver_(prefix_),
          done_(done) {}

    // A new connection starts before what was delivered, and repeats lines that were not whole.
    void reconnect() {
        driver_ = exec::DriverOutput(prefix_);
        parser_ = FrameParser{};
        skip_ = done_.marks;
        is_resumed_ = done_.from_ns > 0;
        seen_ = {};
        is_mid_line_ = {};
        mid_from_ = {};
    }

    [[nodiscard]] const OutputPosition& done() const { return done_; }
    [[nodiscard]] bool wants_to_leave() const { return wants_to_leave_; }
    [[nodiscard]] const EngineStatus& trouble() const { return trouble_; }
    [[nodiscard]] std::uint64_t taken() const { return taken_; }

    // False: the connection has no further use.
    [[nodiscard]] bool take(std::string_view bytes) {
        const auto answer = parser_.feed(bytes, *this);
        if (!answer) {
            trouble_ = tl::unexpected(answer.error());
            return false;
        }
        wants_to_leave_ = *answer == SinkAnswer::leave_off;
        if (has_moved_) {
            has_moved_ = false;
            const auto position = sink_.position(done_.text());
            wants_to_leave_ = wants_to_leave_ || position == SinkAnswer::leave_off;
        }
        return !wants_to_leave_;
    }

    // All of an ended container's log was read.
    [[nodiscard]] SinkAnswer finish() {
        const auto out = driver_.finish(OutputStream::out, sink_);
        const auto err = driver_.finish(OutputStream::err, sink_);
        return out == SinkAnswer::leave_off ? out : err;
    }

    void frame_begins(OutputStream stream) override {
        stream_ = stream;
        stamp_.clear();
        is_stamped_ = false;
        ends_line_ = false;
        frame_size_ = 0;
    }

    [[nodiscard]] SinkAnswer frame_bytes(std::string_view bytes) override {
        if (!is_stamped_) {
            const auto blank = bytes.find(' ');
            stamp_.append(bytes.substr(0, std::min(blank, kMaxStamp + 1)));
            if (stamp_.size() > kMaxStamp) {
                return bad_stamp();
            }
            if (blank == std::string_view::npos) {
                return SinkAnswer::go_on;
            }
            const auto at = parse_stamp(stamp_);
            if (!at) {
                return bad_stamp();
            }
            is_stamped_ = true;
            note_stamp(*at);
            bytes.remove_prefix(blank + 1);
        }
        taken_ += bytes.size();
        frame_size_ += bytes.size();
        if (bytes.empty() || is_skipped_) {
            return SinkAnswer::go_on;
        }
        ends_line_ = bytes.back() == '\n';
        return driver_.feed(stream_, bytes, sink_).answer;
    }

    [[nodiscard]] SinkAnswer frame_ends() override {
        if (!trouble_) {
            return SinkAnswer::leave_off;
        }
        if (!is_stamped_ || is_skipped_) {
            return SinkAnswer::go_on;
        }
        const std::size_t s = index();
        auto answer = SinkAnswer::go_on;
        if (!ends_line_ && is_local_log_ && frame_size_ != kPiece) {
            ends_line_ = true;
            answer = driver_.feed(stream_, "\n", sink_).answer;
        }
        if (!ends_line_) {
            if (!is_mid_line_.at(s)) {
                mid_from_.at(s) = seen_.at(s).at_ns;
            }
            is_mid_line_.at(s) = true;
            return SinkAnswer::go_on;
        }
        is_mid_line_.at(s) = false;
        done_.marks.at(s) = seen_.at(s);
        done_.from_ns = oldest_needed();
        has_moved_ = true;
        return answer;
    }

private:
    [[nodiscard]] std::size_t index() const { return stream_ == OutputStream::out ? 0 : 1; }

    [[nodiscard]] SinkAnswer bad_stamp() {
        trouble_ = engine_fail(EngineErrc::protocol, "the container's log has no time stamps");
        return SinkAnswer::leave_off;
    }

    void note_stamp(std::int64_t at) {
        StreamMark& seen = seen_.at(index());
        seen = seen.at_ns == at ? StreamMark{at, seen.count + 1} : StreamMark{at, 1};
        const StreamMark& skip = skip_.at(index());
        is_skipped_ = at < skip.at_ns || (at == skip.at_ns && seen.count <= skip.count);
        const std::int64_t newest_before = std::max(skip_[0].at_ns, skip_[1].at_ns);
        if (is_resumed_ && at > newest_before) {
            // the last message before must still be there, or the log was cut while nobody read it;
            // an older one that was not delivered is a piece of a line whose end had not come
            static_cast<void>(sink_.output(
                OutputStream::err,
                "opslab: the engine dropped output that was written while nobody read it",
                false
            ));
        }
        is_resumed_ = false;
    }

    [[nodiscard]] std::int64_t oldest_needed() const {
        std::int64_t oldest = std::max(done_.marks[0].at_ns, done_.marks[1].at_ns);
        for (std::size_t s = 0; s < is_mid_line_.size(); ++s) {
            if (is_mid_line_.at(s)) {
                oldest = std::min(oldest, mid_from_.at(s));
            }
        }
        return std::max<std::int64_t>(oldest - kSlack, 1);
    }

    std::string prefix_;
    bool is_local_log_;
    std::size_t frame_size_ = 0;
    RunSink& sink_;
    exec::DriverOutput driver_;
    FrameParser parser_{};
    OutputPosition done_;
    std::array<StreamMark, 2> skip_{};
    std::array<StreamMark, 2> seen_{};
    std::array<bool, 2> is_mid_line_{};
    std::array<std::int64_t, 2> mid_from_{};
    OutputStream stream_ = OutputStream::out;
    std::string stamp_{};
    std::uint64_t taken_ = 0;
    bool is_stamped_ = false;
    bool is_skipped_ = false;
    bool is_resumed_ = false;
    bool ends_line_ = false;
    bool has_moved_ = false;
    bool wants_to_leave_ = false;
    EngineStatus trouble_{};
};

[[nodiscard]] EngineStatus read_log(
    Engine& engine,
    const OutputRequest& request,
    bool follow,
    LogReader& reader,
    Interrupt interrupt
) {
    reader.reconnect();
    std::optional<OutputBrake> brake;
    if (follow) {
        brake.emplace(engine, request.container);
    }
    std::uint64_t before = reader.taken();
    const Engine::TakeBytes take = [&](std::string_view bytes) {
        if (brake) {
            brake->reader_is_busy();
        }
        const bool goes_on = reader.take(bytes);
        if (brake) {
            brake->reader_waits(reader.taken() - before);
            before = reader.taken();
        }
        return goes_on;
    };
    const LogQuery query{.since_ns = reader.done().from_ns, .follow = follow};
    return engine.logs(request.container, query, take, interrupt);
}

[[nodiscard]] RunnerError to_runner_error(const EngineError& error) {
    switch (error.code) {
        case EngineErrc::interrupted:
            return {RunnerErrc::interrupted, "interrupted"};
        case EngineErrc::not_found:
            return {RunnerErrc::not_found, "the run's container is gone: " + error.message};
        default:
            return {RunnerErrc::infrastructure, "read the run's output: " + error.message};
    }
}

// One look at the container and one reading of its log. An end: all that the engine has was
// read. `is_watched`: the look before found it running and its log was followed to an orderly end.
[[nodiscard]] EngineResult<std::optional<ContainerEnd>> read_once(
    Engine& engine,
    const OutputRequest& request,
    bool is_watched,
    LogReader& reader,
    Interrupt interrupt
) {
    auto state = engine.inspect(request.container);
    if (!state) {
        return tl::unexpected(state.error());
    }
    if (auto read = read_log(engine, request, state->is_running, reader, interrupt); !read) {
        return tl::unexpected(read.error());
    }
    // a stream that was followed can end early (the engine restarts), so only a log that was read
    // after the end is known to be whole
    if (state->is_running) {
        return std::nullopt;
    }
    ContainerEnd end{*std::move(state)};
    if (!is_watched) {
        const auto seen = engine.seen_end(request.container, interrupt);
        if (!seen && seen.error().code != EngineErrc::refused) {
            return tl::unexpected(seen.error());
        }
        end.seen = seen.value_or(SeenEnd{});
    }
    return end;
}

}  // namespace

RunnerResult<ContainerEnd> deliver_output(
    Engine& engine, const OutputRequest& request, RunSink& sink, Interrupt interrupt
) {
    OutputPosition done;
    if (request.position) {
        const auto parsed = OutputPosition::parse(*request.position);
        if (!parsed) {
            return runner_fail(RunnerErrc::invalid, "the position is none of this runner");
        }
        done = *parsed;
    }
    LogReader reader(request, done, sink);
    Patience patience(request.away_limit);
    bool is_watched = false;
    for (;;) {
        const std::uint64_t before = reader.taken();
        const auto ended = read_once(engine, request, is_watched, reader, interrupt);
        is_watched = ended.has_value();
        if (!reader.trouble()) {
            return tl::unexpected(to_runner_error(reader.trouble().error()));
        }
        if (reader.wants_to_leave()) {
            return runner_fail(RunnerErrc::interrupted, "the reader of the output has left off");
        }
        if (ended && *ended) {
            if (reader.finish() == SinkAnswer::leave_off) {
                return runner_fail(
                    RunnerErrc::interrupted, "the reader of the output has left off"
                );
            }
            return **ended;
        }
        if (!ended && !is_worth_a_retry(ended.error())) {
            return tl::unexpected(to_runner_error(ended.error()));
        }
        if (reader.taken() > before) {
            patience = Patience(request.away_limit);
        }
        if (ended) {
            // an engine whose logs end at once while the container runs must not be hammered
            Patience breath{std::chrono::milliseconds{100}};
            if (reader.taken() == before &&
                breath.pause(interrupt) == Patience::Answer::interrupted) {
                return runner_fail(RunnerErrc::interrupted, "interrupted");
            }
            continue;
        }
        switch (patience.pause(interrupt)) {
            case Patience::Answer::interrupted:
                return runner_fail(RunnerErrc::interrupted, "interrupted");
            case Patience::Answer::used_up:
                return tl::unexpected(to_runner_error(ended.error()));
            case Patience::Answer::try_again:
                break;
        }
    }
}

}  // namespace opslab::docker
