// opslab-check: holds a runner plugin to the promises of its interface, case by case, each in a
// process of its own. `opslab plugin check` starts it with a request on standard input; it is a
// program apart so that GoogleTest stays out of opslab.
#include "base/json.hpp"
#include "check/case_process.hpp"
#include "check/report.hpp"
#include "check/request.hpp"
#include "check/subject.hpp"
#include "plugin/bounded_text.hpp"

#include <fnmatch.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace opslab::testing {
namespace {

// evaluated when GoogleTest is set up, by when the plugin was looked at
INSTANTIATE_TEST_SUITE_P(
    Plugin, RunnerConformance, ::testing::ValuesIn({check::runner_case()}), case_name
);

}  // namespace
}  // namespace opslab::testing

namespace opslab::check {
namespace {

constexpr std::size_t kMostMessage = 4000;
constexpr std::chrono::seconds kCleanUp{30};

// cases that are killed for their time, before the rest is let be: a plugin that hangs everywhere
// would take hours
constexpr int kMostLate = 3;

// as all of opslab's programs
constexpr int kBroken = 1;
constexpr int kUsage = 2;

/// Keeps what GoogleTest says of the one case that a process runs.
class Listener final : public ::testing::EmptyTestEventListener {
public:
    void OnTestPartResult(const ::testing::TestPartResult& part) override {
        if (part.failed() || part.skipped()) {
            messages_.push_back(plugin::readable_text(part.message(), kMostMessage));
        }
    }

    void OnTestEnd(const ::testing::TestInfo& info) override {
        verdict_ = info.result()->Skipped()  ? Verdict::skipped
                   : info.result()->Passed() ? Verdict::passed
                                             : Verdict::failed;
    }

    [[nodiscard]] std::string report() const {
        return dump_json({{"verdict", static_cast<int>(verdict_)}, {"messages", messages_}});
    }

private:
    std::vector<std::string> messages_{};
    Verdict verdict_ = Verdict::failed;
};

struct Case {
    std::string name{};    ///< `StopIsPoliteFirst`
    std::string filter{};  ///< GoogleTest's own name
};

[[nodiscard]] std::vector<Case> all_cases(const std::string& pattern) {
    std::vector<Case> cases;
    const auto& tests = *::testing::UnitTest::GetInstance();
    for (int i = 0; i < tests.total_test_suite_count(); ++i) {
        const auto& suite = *tests.GetTestSuite(i);
        for (int j = 0; j < suite.total_test_count(); ++j) {
            const std::string full = suite.GetTestInfo(j)->name();
            const std::string name = full.substr(0, full.find('/'));
            if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) {
                cases.push_back({name, std::string{suite.name()} + "." + full});
            }
        }
    }
    return cases;
}

[[nodiscard]] std::string run_case(const Request& request, const std::string& filter) {
    auto made = Subject::make(request);
    if (!made) {
        return dump_json(
            {{"verdict", static_cast<int>(Verdict::failed)}, {"messages", {made.error().message}}}
        );
    }
    set_subject(std::move(*made));
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    auto* listener = new Listener;
    listeners.Append(listener);  // takes ownership
    GTEST_FLAG_SET(filter, filter);
    [[maybe_unused]] const int told_by_listener = RUN_ALL_TESTS();
    return listener->report();
}

[[nodiscard]] Outcome outcome_of(const Said& said) {
    Outcome outcome;
    outcome.took = said.took;
    const auto report = parse_json(said.text);
    if (report && report->is_object()) {
        outcome.verdict = static_cast<Verdict>(report->value("verdict", 1));
        outcome.messages = report->value("messages", std::vector<std::string>{});
    }
    if (!said.death.empty()) {
        outcome.verdict = Verdict::failed;
        outcome.messages.push_back(said.death);
    } else if (!report || !report->is_object()) {
        outcome.messages.push_back(
            "the process of this case ended in the middle of it, with exit code 0: the plugin "
            "called exit()"
        );
    }
    if (outcome.verdict == Verdict::failed && !said.errors.empty()) {
        outcome.messages.push_back(
            "on standard error:\n" + plugin::readable_text(said.errors, kMostMessage)
        );
    }
    return outcome;
}

[[nodiscard]] Outcome not_tried() {
    return {
        Verdict::skipped,
        {},
        {"not tried: " + std::to_string(kMostLate) +
         " cases did not end in their time (--timeout)"}};
}

void destroy_all(const Request& request, const std::string& state_dir) {
    auto made = Subject::make(request);
    if (!made) {
        return;
    }
    set_subject(std::move(*made));
    const auto runner = runner_case().open(state_dir);
    for (const char* worker : {"worker-001-conformance", "worker-002-conformance"}) {
        const auto owned = runner ? (*runner)->list_owned(WorkerId{worker})
                                  : RunnerResult<std::vector<OwnedRun>>{};
        for (const OwnedRun& run : owned ? *owned : std::vector<OwnedRun>{}) {
            static_cast<void>((*runner)->destroy(run.handle));
        }
    }
}

/// What a case that was killed left running ends here.
void clean_up(const Request& request, const std::filesystem::path& root) {
    std::error_code error;
    for (std::filesystem::directory_iterator at{root, error}, end; !error && at != end;
         at.increment(error)) {
        const std::string state_dir = at->path();
        static_cast<void>(run_apart(std::min(request.patience, kCleanUp), [&] {
            destroy_all(request, state_dir);
            return std::string{};
        }));
        std::error_code failed;
        std::filesystem::remove_all(state_dir, failed);
    }
    end_orphans();
}

/// Loads the plugin apart and says what it is. Errors: why it cannot be checked.
[[nodiscard]] Result<About> look_at(const Request& request) {
    const Said said = run_apart(request.patience, [&] {
        const auto made = Subject::make(request);
        if (!made) {
            return dump_json({{"error", made.error().message}});
        }
        const About& about = (*made)->about();
        return dump_json(
            {{"name", about.name},
             {"version", about.version},
             {"file", about.file},
             {"can_break", about.can_break}}
        );
    });
    const auto report = parse_json(said.text);
    if (!said.death.empty() || !report) {
        return fail(
            Errc::invalid_argument, request.file + ": while the library was loaded: " + said.death
        );
    }
    if (report->contains("error")) {
        return fail(Errc::invalid_argument, report->value("error", ""));
    }
    return About{
        report->value("name", ""),
        report->value("version", ""),
        report->value("file", ""),
        report->value("can_break", false)};
}

void say(const Request& request, const std::string& text) {
    if (!request.json) {
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    }
}

[[nodiscard]] int check(
    const Request& request, const About& about, const std::filesystem::path& root
) {
    say(request,
        "runner plugin \"" + about.name + "\" " + about.version + "\n" + about.file + "\n");
    std::vector<Checked> all;
    int late = 0;
    for (const Case& one : all_cases(request.cases)) {
        if (late == kMostLate) {
            all.push_back({one.name, not_tried()});
            say(request, text_of(all.back()));
            continue;
        }
        const Said said =
            run_apart(request.patience, [&] { return run_case(request, one.filter); });
        late += said.is_late ? 1 : 0;
        all.push_back({one.name, outcome_of(said)});
        say(request, text_of(all.back()));
        clean_up(request, root);
    }
    if (all.empty()) {
        std::fprintf(stderr, "opslab: no case is called \"%s\"\n", request.cases.c_str());
        return kUsage;
    }
    say(request, summary_of(all));
    if (request.json) {
        std::fputs(json_of(about, all).c_str(), stdout);
    }
    if (!request.junit_file.empty()) {
        std::ofstream file(request.junit_file);
        file << junit_of(about, all);
        if (!file.flush()) {
            std::fprintf(stderr, "opslab: cannot write %s\n", request.junit_file.c_str());
            return kUsage;
        }
    }
    return count(all, Verdict::failed) == 0 ? 0 : kBroken;
}

/// Reads a request from standard input and answers on standard output.
int answer(char** argv) {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const auto request = request_from(text);
    if (!request) {
        std::fprintf(stderr, "opslab-check: %s\n", request.error().message.c_str());
        return kUsage;
    }
    std::string root = (std::filesystem::temp_directory_path() / "opslab-check-XXXXXX").string();
    if (::mkdtemp(root.data()) == nullptr) {
        std::fprintf(stderr, "opslab: no temporary directory can be made\n");
        return kBroken;
    }
    // cases make their directories in it, and settings may name it
    ::setenv("TMPDIR", root.c_str(), 1);
    ::setenv("OPSLAB_CHECK_ID", std::filesystem::path(root).filename().c_str(), 1);
    adopt_orphans();
    int code = kBroken;
    if (const auto about = look_at(*request)) {
        describe_runner(*request, *about);
        int none = 1;
        ::testing::InitGoogleMock(&none, argv);
        code = check(*request, *about, root);
    } else {
        std::fprintf(stderr, "opslab: %s\n", about.error().message.c_str());
    }
    std::error_code failed;
    std::filesystem::remove_all(root, failed);
    return code;
}

}  // namespace
}  // namespace opslab::check

int main(int /*argc*/, char** argv) {
    return opslab::check::answer(argv);
}
