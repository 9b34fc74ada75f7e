#include "watcher.hpp"

#include "base/json.hpp"
#include "client/sse_parser.hpp"
#include "output/escape.hpp"
#include "output/task_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace opslab::cli {
namespace {

constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLongestPause{5000};

}  // namespace

/// What is known of the task so far.
struct Watcher::Progress {
    std::string task_id{};
    std::string last_event_id{};
    std::string status{"waiting"};
    std::string attempt{"0"};
    std::string step{};
    std::string worker{};
    std::optional<SteadyTime> running_since{};
    SteadyTime last_heard{};
    Error trouble{};
    ExitCode code = ExitCode::unreachable;
    bool ended = false;
};

Watcher::Watcher(Session& session, Clock& clock, WatchOptions options)
    : session_(session), clock_(clock), options_(options) {}
Watcher::~Watcher() = default;

ExitCode Watcher::watch(const std::string& task_id) {
    progress_ = std::make_unique<Progress>();
    progress_->task_id = task_id;
    progress_->last_heard = clock_.steady();
    auto wait = kFirstPause;
    for (;;) {
        const auto heard_before = progress_->last_heard;
        const auto round = follow(task_id);
        if (round != Round::broken) {
            session_.terminal().clear_progress();
            return progress_->code;
        }
        if (clock_.steady() - progress_->last_heard > options_.patience) {
            return session_.explain(progress_->trouble);
        }
        if (progress_->last_heard != heard_before) {
            wait = kFirstPause;
        }
        pause(wait);
        wait = std::min(wait * 2, kLongestPause);
    }
}

Watcher::Round Watcher::follow(const std::string& task_id) {
    SseParser parser{[this](const SseEvent& event) {
        take(event.type, event.id, event.data);
        return !progress_->ended;
    }};
    HttpCall call{
        .path = "/api/v1/tasks/" + url_encode(task_id) + "/events",
        .headers = {{"Accept", "text/event-stream"}}};
    if (!progress_->last_event_id.empty()) {
        call.headers.emplace_back("Last-Event-ID", progress_->last_event_id);
    }
    const auto reply = session_.client().stream(
        call,
        {.data =
             [&](std::string_view piece) {
                 progress_->last_heard = clock_.steady();
                 return parser.feed(piece);
             },
         .tick =
             [this] {
                 show_progress();
                 return true;
             }}
    );
    if (progress_->ended) {
        return Round::ended;
    }
    if (!reply) {
        progress_->trouble = reply.error();
        return Round::broken;
    }
    if (parser.overflowed()) {
        progress_->code = session_.explain(Error{
            .code = Errc::exhausted, .message = "an event of the task is over 64 MiB"});
        return Round::refused;
    }
    if (reply->status == 200 || reply->status == 503) {
        // ended without `end`: the coordinator is going down, or is not ready yet
        progress_->trouble = Error{
            .code = Errc::unavailable,
            .message = "the coordinator at " + session_.client().url() + " ended the stream"};
        return Round::broken;
    }
    progress_->code = session_.explain(*reply);
    return Round::refused;
}

void Watcher::take(std::string_view type, std::string_view id, std::string_view data) {
    const bool sane =
        std::all_of(id.begin(), id.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (sane) {
        progress_->last_event_id = id;  // it goes into a header of the next request
    }
    const auto document = parse_json(data, kMaxAnswerDepth);
    if (!document) {
        return;
    }
    if (session_.wants_json()) {
        const bool wanted = options_.mode == WatchMode::everything || type == "log";
        if (wanted) {
            const nlohmann::json line{
                {"task_id", progress_->task_id}, {"event", type}, {"id", id}, {"data", *document}};
            session_.print_json(
                options_.mode == WatchMode::logs_only ? dump_json(*document) : dump_json(line)
            );
        }
    }
    if (type == "status" || type == "end") {
        progress_->status = field_text(*document, "status");
        progress_->attempt = field_text(*document, "attempt");
        progress_->worker = field_text(*document, "worker_id");
        if (progress_->status == "running") {
            progress_->running_since = clock_.steady();
        }
    } else if (type == "step") {
        progress_->step = field_text(*document, "step");
    }
    if (!session_.wants_json()) {
        show(type, *document);
    }
    if (type == "end") {
        progress_->ended = true;
        progress_->code = exit_code_of(*document);
    }
}

void Watcher::show(std::string_view type, const nlohmann::json& data) {
    auto& terminal = session_.terminal();
    if (type == "log") {
        terminal.line(prefix() + log_line(data, terminal));
    } else if (options_.mode == WatchMode::everything) {
        const auto paint_status = [&](const std::string& text) {
            return terminal.paint(colour_of_status(field_text(data, "status")), text);
        };
        if (type == "step") {
            terminal.line(prefix() + step_line(data, terminal));
        } else if (type == "status") {
            terminal.line(fmt::format(
                "{}{} {} {}",
                prefix(),
                terminal.paint(Colour::dim, time_of_day(data, "updated_at")),
                paint_status("status  "),
                paint_status(fmt::format(
                    "{}, attempt {}, worker {}",
                    progress_->status,
                    progress_->attempt,
                    progress_->worker
                ))
            ));
        } else if (type == "end") {
            terminal.line(fmt::format(
                "{}{} {} {}",
                prefix(),
                terminal.paint(Colour::dim, time_of_day(data, "completed_at")),
                paint_status("end     "),
                paint_status(ending(data))
            ));
        }
    }
    show_progress();
}

void Watcher::show_progress() {
    if (session_.wants_json() || progress_->ended) {
        return;
    }
    std::string line = fmt::format("{} {}", progress_->task_id, progress_->status);
    if (progress_->running_since) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                 clock_.steady() - *progress_->running_since
        )
                                 .count();
        line += fmt::format(
            "  attempt {}  {:02}:{:02}", progress_->attempt, seconds / 60, seconds % 60
        );
    }
    if (!progress_->step.empty()) {
        line += "  step " + progress_->step;
    }
    session_.terminal().progress(printable(line));
}

void Watcher::pause(std::chrono::milliseconds length) {
    session_.terminal().progress(
        printable(progress_->task_id + " reconnecting: " + progress_->trouble.message)
    );
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock{mutex};
    const auto until = clock_.steady() + length;
    while (clock_.steady() < until) {
        clock_.wait_until(lock, never, until);
    }
}

std::string Watcher::prefix() const {
    return options_.name_tasks ? progress_->task_id + " " : std::string{};
}

}  // namespace opslab::cli
