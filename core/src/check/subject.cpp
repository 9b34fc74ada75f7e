#include "check/subject.hpp"

#include "base/system_clock.hpp"
#include "check/leftovers.hpp"
#include "check/settings_file.hpp"
#include "config/finding.hpp"
#include "config/settings.hpp"
#include "plugin/guarded_runner.hpp"
#include "plugin/plugin_config.hpp"

#include <cstdio>
#include <utility>

namespace opslab::check {
namespace {

/// The plugin's log goes to standard error, which the check keeps for a case that fails.
class ErrorStreamLogger final : public Logger {
public:
    void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept override {
        std::fprintf(
            stderr, "%s: %.*s", to_string(level), static_cast<int>(message.size()), message.data()
        );
        for (const LogField& field : fields) {
            std::fprintf(
                stderr,
                " %.*s=%s",
                static_cast<int>(field.name.size()),
                field.name.data(),
                field.value.c_str()
            );
        }
        std::fputc('\n', stderr);
    }
};

// a path that cannot be: nothing is made in it
constexpr const char* kNoDriver = "/nonexistent/opslab-no-such-driver";

[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> as_runner_result(
    Result<std::unique_ptr<Runner>> opened
) {
    if (!opened) {
        return runner_fail(RunnerErrc::internal, opened.error().message);
    }
    return std::move(*opened);
}

std::unique_ptr<Subject>& the_subject() {
    static std::unique_ptr<Subject> subject;
    return subject;
}

testing::RunnerCase& the_case() {
    static testing::RunnerCase runner;
    return runner;
}

}  // namespace

struct Subject::Host {
    SystemClock clock{};
    ErrorStreamLogger logger{};
};

Subject::Subject(const Request& request, plugin::Library&& library)
    : request_(request),
      library_(std::make_unique<plugin::Library>(std::move(library))),
      host_(std::make_unique<Host>()) {
    const auto& description = library_->description();
    about_ = {description.name, description.version, description.file.string(), false};
}

Subject::~Subject() = default;

Result<std::unique_ptr<Subject>> Subject::make(const Request& request) {
    const auto expected = plugin::expected_of(request.file);
    if (!expected) {
        return fail(expected.error());
    }
    if (expected->kind != plugin::Kind::runner) {
        return fail(
            Errc::invalid_argument,
            request.file +
                ": a storage; runners alone are checked here (a storage is tested by the "
                "suite of the SDK, docs/writing-a-storage.md)"
        );
    }
    auto library = plugin::Library::open(request.file, *expected);
    if (!library) {
        return fail(library.error());
    }
    std::unique_ptr<Subject> subject{new Subject{request, std::move(*library)}};
    if (auto read = subject->read_settings(); !read) {
        return fail(read.error());
    }
    return subject;
}

Result<std::string> Subject::finished(const config::Node& given, const std::string& file) const {
    const auto& about = library_->description();
    config::PluginBlock block;
    block.plugin = about.name;
    block.block = given;
    block.file = file;
    auto text = plugin::finished_config(about, block);
    if (!text) {
        return fail(
            Errc::invalid_argument,
            "runner \"" + about.name + "\": its settings are wrong:\n" +
                config::to_text(text.error())
        );
    }
    return std::move(*text);
}

Status Subject::read_settings() {
    const auto& about = library_->description();
    auto given =
        read_settings_file(request_.config_file, about.name, about.schema, request_.driver);
    if (!given) {
        return fail(given.error());
    }
    given_ = std::move(*given);
    auto finished = this->finished(given_, request_.config_file);
    if (!finished) {
        return fail(finished.error());
    }
    config_json_ = std::move(*finished);
    const bool is_own = !request_.broken_file.empty();
    const auto broken = read_settings_file(
        is_own ? request_.broken_file : request_.config_file,
        about.name,
        about.schema,
        is_own ? request_.driver : kNoDriver
    );
    if (!broken) {
        return fail(broken.error());
    }
    auto text = this->finished(*broken, is_own ? request_.broken_file : request_.config_file);
    if (!text) {
        return fail(text.error());
    }
    if (*text != config_json_) {
        broken_json_ = std::move(*text);
        about_.can_break = true;
    }
    return {};
}

const config::Schema& Subject::schema() const {
    return library_->description().schema;
}

Result<std::unique_ptr<Runner>> Subject::open(
    const std::string& state_dir, const std::string& config_json
) const {
    const plugin::RunnerHostFacts facts{
        host_->clock, host_->logger, std::filesystem::path(state_dir), OPSLAB_VERSION};
    return plugin::open_runner(*library_, facts, config_json, nullptr);
}

RunnerResult<std::unique_ptr<Runner>> Subject::open(const std::string& state_dir) const {
    return as_runner_result(open(state_dir, config_json_));
}

RunnerResult<std::unique_ptr<Runner>> Subject::open_broken(const std::string& state_dir) const {
    return as_runner_result(open(state_dir, broken_json_.value_or("{}")));
}

const Subject& subject() {
    return *the_subject();
}

void set_subject(std::unique_ptr<Subject> subject) {
    the_subject() = std::move(subject);
}

testing::RunnerCase runner_case() {
    return the_case();
}

void describe_runner(const Request& request, const About& about) {
    testing::RunnerCase& runner = the_case();
    runner.name = "runner";
    runner.open = [](const std::string& state_dir) { return subject().open(state_dir); };
    if (about.can_break) {
        runner.open_without_driver = [](const std::string& state_dir) {
            return subject().open_broken(state_dir);
        };
    }
    runner.leftovers = [program = request.leftovers](
                           const std::string& state_dir, const std::string& run_id
                       ) { return leftovers_of(program, state_dir, run_id); };
    runner.leftovers_shows_runs = !request.leftovers.empty();
    runner.runs_outlive_host = request.runs_outlive_host;
}

}  // namespace opslab::check
