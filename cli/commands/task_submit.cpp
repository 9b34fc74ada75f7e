#include "base/json.hpp"
#include "base/system_clock.hpp"
#include "commands/command.hpp"
#include "output/task_text.hpp"
#include "submission.hpp"
#include "watcher.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace opslab::cli {
namespace {

struct TaskSubmitOptions {
    Connection connection{};
    TaskFields fields{};
    std::string file{};
    std::string idempotency_key{};
    int count = 1;
    bool watch = false;
};

constexpr auto kExamples =
    "Only PROBLEM is needed; the rest has the coordinator's defaults. Without --json the ids of\n"
    "the tasks are written, one a line. More than 1,000 tasks go in several calls; each call is\n"
    "all or nothing, and its idempotency key is KEY, KEY.2, KEY.3 and so on.\n"
    "With --watch the exit code is the end of the tasks (the worst, of several).\n"
    "\n"
    "Examples:\n"
    "  opslab task submit pod_failure-detection-1 --watch\n"
    "  opslab task submit pod_failure-detection-1 --agent-config '{\"model\": \"gpt-4o\"}' \\\n"
    "      --max-steps 20 --priority 8 --retries 2 --group sweep-7 --count 16\n"
    "  opslab task submit pod_failure-detection-1 --agent-config @agent.json\n"
    "  opslab task submit --file tasks.json --idempotency-key nightly-2026-01-31\n"
    "  jq -c '.[]' problems.json | opslab task submit --file -";

/// What to send: the requests, and whether as one task or as batches.
struct Submission {
    std::vector<nlohmann::json> requests{};
    bool batch = false;
};

Result<Submission> submission_of(const TaskSubmitOptions& options) {
    if (options.file.empty()) {
        auto request = task_request(options.fields);
        if (!request) {
            return tl::unexpected(request.error());
        }
        return Submission{
            std::vector<nlohmann::json>(static_cast<std::size_t>(options.count), *request),
            options.count > 1};
    }
    auto text = read_input(options.file);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto requests = task_requests(*text);
    if (!requests) {
        return tl::unexpected(requests.error());
    }
    return Submission{std::move(*requests), true};
}

HttpCall call_for(const Submission& submission, std::size_t from, const std::string& key) {
    HttpCall call{.method = "POST", .path = "/api/v1/tasks"};
    if (submission.batch) {
        const auto to = std::min(from + kMaxBatch, submission.requests.size());
        auto tasks = nlohmann::json::array();
        for (auto i = from; i < to; ++i) {
            tasks.push_back(submission.requests.at(i));
        }
        call.path += "/batch";
        call.body = dump_json({{"tasks", std::move(tasks)}});
    } else {
        call.body = dump_json(submission.requests.front());
    }
    if (!key.empty()) {
        const auto part = from / kMaxBatch + 1;
        call.headers.emplace_back(
            "Idempotency-Key", part == 1 ? key : fmt::format("{}.{}", key, part)
        );
    }
    return call;
}

/// Sends everything, writes what was accepted, and collects the ids.
ExitCode send(
    Session& session,
    const Submission& submission,
    const std::string& key,
    std::vector<std::string>& ids
) {
    for (std::size_t from = 0; from < submission.requests.size(); from += kMaxBatch) {
        const auto answer = session.fetch(call_for(submission, from, key));
        if (!answer) {
            if (from > 0) {
                session.terminal().complain(
                    fmt::format("opslab: the first {} tasks were submitted, the rest not", from)
                );
            }
            return answer.error();
        }
        if (session.wants_json()) {
            session.print_json(answer->text);
        }
        const auto tasks = submission.batch
                               ? answer->document->value("tasks", nlohmann::json::array())
                               : nlohmann::json::array({*answer->document});
        for (const auto& task : tasks) {
            ids.push_back(field_text(task, "id"));
            if (!session.wants_json()) {
                session.terminal().line(ids.back());
            }
        }
    }
    return ExitCode::ok;
}

/// The worst end of several: a failure says more than a missing success.
ExitCode worse(ExitCode left, ExitCode right) {
    constexpr std::array kBestToWorst{
        ExitCode::ok,
        ExitCode::not_successful,
        ExitCode::cancelled,
        ExitCode::failed,
        ExitCode::refused,
        ExitCode::unreachable,
    };
    const auto rank = [&](ExitCode code) {
        return std::find(kBestToWorst.begin(), kBestToWorst.end(), code);
    };
    return rank(left) < rank(right) ? right : left;
}

ExitCode run(Session& session, const TaskSubmitOptions& options) {
    const auto submission = submission_of(options);
    if (!submission) {
        return complain_usage(submission.error().message);
    }
    std::vector<std::string> ids;
    auto code = send(session, *submission, options.idempotency_key, ids);
    if (!options.watch || code != ExitCode::ok) {
        return code;
    }
    SystemClock clock;
    Watcher watcher{session, clock, {.name_tasks = ids.size() > 1}};
    for (const auto& id : ids) {
        code = worse(code, watcher.watch(id));
    }
    return code;
}

ExitCode check_and_run(const TaskSubmitOptions& options) {
    if (options.fields.problem.empty() == options.file.empty()) {
        return complain_usage("task submit needs a PROBLEM or --file, and not both");
    }
    const auto& fields = options.fields;
    const bool has_fields = fields.max_steps || fields.timeout_minutes || fields.priority ||
                            fields.retries || options.count != 1 ||
                            !(fields.agent_config + fields.metadata + fields.backend +
                              fields.group + fields.callback_url)
                                 .empty();
    if (!options.file.empty() && has_fields) {
        return complain_usage(
            "--file goes without the options that describe one task: write them into the file"
        );
    }
    if (!std::all_of(options.idempotency_key.begin(), options.idempotency_key.end(), [](char c) {
            return c >= ' ' && c <= '~';
        })) {
        return complain_usage("--idempotency-key must be printable ASCII characters");
    }
    return with_session(options.connection, [&](Session& session) {
        return run(session, options);
    });
}

}  // namespace

void add_task_submit(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskSubmitOptions>();
    auto& fields = options->fields;
    auto* command = task.add_subcommand("submit", "Submit one task, or many");
    command->add_option("PROBLEM", fields.problem, "The problem to run");
    command
        ->add_option(
            "--file",
            options->file,
            "Tasks to submit, as JSON or JSON lines; - is standard input (without PROBLEM)"
        )
        ->type_name("FILE");
    const auto add = [&](const char* name, auto& value, const char* text, const char* type) {
        command->add_option(name, value, text)->type_name(type);
    };
    add("--agent-config", fields.agent_config, "The agent: a JSON object, or a file", "JSON|@FILE");
    add("--metadata", fields.metadata, "Your own data, given back as it is", "JSON|@FILE");
    add("--max-steps", fields.max_steps, "The most steps (1 to 1000)", "N");
    add("--timeout-minutes", fields.timeout_minutes, "The most time (1 to 180)", "N");
    add("--priority", fields.priority, "0 to 10, higher first", "N");
    add("--retries", fields.retries, "Retries after infrastructure failures (0 to 10)", "N");
    add("--backend", fields.backend, "Only a worker of this backend type may take it", "NAME");
    add("--group", fields.group, "A name for the rollouts of one batch or sweep", "NAME");
    add("--callback-url", fields.callback_url, "Where to report the end of the task", "URL");
    command->add_option("--count", options->count, "Submit it this many times")
        ->type_name("N")
        ->check(CLI::Range(1, 100000));
    command
        ->add_option(
            "--idempotency-key",
            options->idempotency_key,
            "The same key again answers the same tasks, and submits nothing"
        )
        ->type_name("KEY");
    command->add_flag("--watch", options->watch, "Follow the tasks to their end");
    add_connection_options(*command, options->connection);
    command->footer(kExamples);
    command->callback([options, &chosen] {
        chosen.run = [options] { return check_and_run(*options); };
    });
}

}  // namespace opslab::cli
