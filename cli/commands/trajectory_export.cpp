#include "base/system_clock.hpp"
#include "commands/command.hpp"
#include "export_file.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <mutex>

namespace opslab::cli {
namespace {

constexpr std::chrono::seconds kPause{1};
constexpr const char* kFollowSeconds = "30";  // the client takes 45 s of silence for a dead line

struct Options {
    Connection connection{};
    std::string since{};
    std::string out{};
    std::string problem{};
    std::string status{};
    std::string group{};
    bool follow = false;
    int patience_seconds = 60;
};

class Export {
public:
    Export(Session& session, const Options& options, ExportFile file)
        : session_(session), options_(options), file_(std::move(file)) {}

    ExitCode run() {
        auto heard = clock_.steady();
        for (;;) {
            const auto lines_before = file_.lines_added();
            const auto reply = one_stream();
            if (auto stored = file_.sync(); trouble_ || !stored) {
                return session_.explain(trouble_ ? *trouble_ : stored.error());
            }
            file_.drop_partial();
            const bool away = !reply || reply->status >= 500;
            if (!away && reply->status != 200) {
                return session_.explain(*reply);
            }
            if (!away && !options_.follow) {
                return done();
            }
            if (!away || file_.lines_added() != lines_before) {
                heard = clock_.steady();
            }
            if (away) {
                const std::chrono::seconds patience{options_.patience_seconds};
                if (clock_.steady() - heard >= patience) {
                    session_.terminal().clear_progress();
                    return reply ? session_.explain(*reply) : session_.explain(reply.error());
                }
                pause();
            }
        }
    }

private:
    Result<HttpReply> one_stream() {
        const auto& cursor = file_.cursor().empty() ? options_.since : file_.cursor();
        const HttpCall call{
            .path = "/api/v1/trajectories" +
                    query_string(
                        {{"since_cursor", cursor},
                         {"problem_id", options_.problem},
                         {"status", options_.status},
                         {"group_id", options_.group},
                         {"wait_seconds", options_.follow ? kFollowSeconds : ""}}
                    )};
        const auto keep = [this](Status status) {
            if (!status) {
                trouble_ = std::move(status.error());
            }
            return !trouble_;
        };
        return session_.client().stream(
            call,
            {.data = [&](std::string_view piece) { return keep(file_.add(piece)); },
             .tick =
                 [&] {
                     show();
                     return keep(file_.sync());
                 }}
        );
    }

    void show() {
        session_.terminal().progress(fmt::format(
            "{} attempts, {:.1f} MiB{}",
            file_.lines_added(),
            static_cast<double>(file_.bytes_added()) / (1024.0 * 1024.0),
            options_.follow ? ", following" : ""
        ));
    }

    void pause() {
        std::mutex mutex;
        std::condition_variable never;
        std::unique_lock lock{mutex};
        const auto until = clock_.steady() + kPause;
        while (clock_.steady() < until) {
            clock_.wait_until(lock, never, until);
        }
    }

    ExitCode done() {
        auto& terminal = session_.terminal();
        terminal.clear_progress();
        const auto& cursor = file_.cursor();
        if (session_.wants_json()) {
            session_.print_json(nlohmann::json{
                {"attempts", file_.lines_added()},
                {"bytes", file_.bytes_added()},
                {"cursor", cursor.empty() ? nlohmann::json{} : nlohmann::json(cursor)}}
                                    .dump());
        } else {
            terminal.line(fmt::format("{} attempts added to {}", file_.lines_added(), options_.out)
            );
        }
        return ExitCode::ok;
    }

    Session& session_;
    const Options& options_;
    ExportFile file_;
    SystemClock clock_{};
    std::optional<Error> trouble_{};
};

ExitCode export_to_file(Session& session, const Options& options) {
    auto file = ExportFile::open(options.out);
    if (!file) {
        return session.explain(file.error());
    }
    return Export(session, options, std::move(*file)).run();
}

}  // namespace

void add_trajectory_export(CLI::App& trajectory, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto* command = trajectory.add_subcommand(
        "export", "Write finished attempts to a file of JSON lines, each once, and go on later"
    );
    command->add_option("--out", options->out, "The file; made, or gone on with")->required();
    command->add_option(
        "--since", options->since, "Begin behind this cursor; a file with lines goes on by its own"
    );
    command->add_flag("--follow", options->follow, "Go on with what finishes from now on");
    command->add_option("--problem", options->problem, "Only of this problem");
    command->add_option("--status", options->status, "Only attempts that ended so")
        ->check(CLI::IsMember({"completed", "failed", "timeout", "cancelled"}));
    command->add_option("--group", options->group, "Only of this group");
    command
        ->add_option(
            "--patience-seconds",
            options->patience_seconds,
            "How long to go on trying when the coordinator is away"
        )
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    add_connection_options(*command, options->connection);
    command->footer(
        "The file is its own bookmark: the same command again adds what has finished since, and a\n"
        "line that was cut by a kill or a broken connection is written anew.\n"
        "\n"
        "Examples:\n"
        "  opslab trajectory export --out trajectories.jsonl\n"
        "  opslab trajectory export --out solved.jsonl --status completed --follow"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return export_to_file(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
