#include "daemon/lease_watch.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace opslab::daemon {
namespace {

using namespace std::chrono_literals;
using opslab::testing::CapturingLogger;
using opslab::testing::FakeClock;
using ::testing::HasSubstr;

constexpr const char* kEnded =
    "a lease ran out and its worker did not end the run (is it frozen?); ended it";

/// What runs somewhere, and what is done to it by whoever opened a runner.
struct Somewhere {
    std::mutex mutex{};  // for what calls of a runner touch: several runs are ended at once
    std::set<std::string> running{};
    std::set<std::string> killed{};
    bool can_be_opened = true;
    bool lists = true;
    bool stops = true;
    int opened = 0;
    int listed = 0;
};

class SomeRunner final : public Runner {
public:
    explicit SomeRunner(Somewhere& where) : where_(where) { ++where.opened; }

    RunnerResult<RunHandle> start(const RunRequest& /*request*/, Interrupt /*interrupt*/) override {
        return runner_fail(RunnerErrc::infrastructure, "not here");
    }
    RunnerResult<RunEnd> wait(
        const RunHandle& /*handle*/,
        std::optional<std::string_view> /*position*/,
        RunSink& /*sink*/,
        Interrupt /*interrupt*/
    ) override {
        return runner_fail(RunnerErrc::infrastructure, "not here");
    }
    RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace) override {
        EXPECT_EQ(grace, 0ms);
        const std::lock_guard lock(where_.mutex);
        if (!where_.stops) {
            return runner_fail(RunnerErrc::infrastructure, "the engine is away");
        }
        where_.running.erase(handle.text);
        where_.killed.insert(handle.text);
        return {};
    }
    RunnerStatus destroy(const RunHandle& /*handle*/) override { return {}; }
    RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& /*worker*/) override {
        const std::lock_guard lock(where_.mutex);
        ++where_.listed;
        if (!where_.lists) {
            return runner_fail(RunnerErrc::infrastructure, "the engine is away");
        }
        std::vector<OwnedRun> owned;
        for (const auto& id : where_.running) {
            owned.push_back({id, RunHandle{id}});
        }
        return owned;
    }

private:
    Somewhere& where_;
};

class LeaseWatchTest : public ::testing::Test {
protected:
    ~LeaseWatchTest() override { std::filesystem::remove_all(folder_); }

    static std::filesystem::path make_folder() {
        std::string pattern = ::testing::TempDir() + "opslab-leases-XXXXXX";
        return ::mkdtemp(pattern.data());
    }
    LeaseNotes notes(const std::string& worker = "worker-001-fake") const {
        return LeaseNotes(folder_ / worker);
    }
    /// A run whose lease is over after `left`.
    void begin(
        const std::string& run, Duration left, const std::string& worker = "worker-001-fake"
    ) {
        where_.running.insert(run);
        ASSERT_TRUE(notes(worker).note(run, clock_.steady() + left).has_value());
    }
    std::ptrdiff_t times_said(const std::string& part) const {
        const auto lines = logger_.lines();
        return std::count_if(lines.begin(), lines.end(), [&](const CapturingLogger::Line& line) {
            return line.message.find(part) != std::string::npos;
        });
    }

    FakeClock clock_;
    CapturingLogger logger_;
    Somewhere where_;
    std::filesystem::path folder_ = make_folder();
    LeaseWatch watch_{
        folder_,
        [](const std::string& name) { return name == "fake"; },
        [this](const std::string&) -> Result<std::unique_ptr<Runner>> {
            if (!where_.can_be_opened) {
                return fail(Errc::unavailable, "its configuration is refused");
            }
            return std::make_unique<SomeRunner>(where_);
        },
        clock_,
        logger_};
};

TEST_F(LeaseWatchTest, WithoutANoteNothingIsLeftAndNoRunnerIsOpened) {
    EXPECT_FALSE(watch_.look());
    EXPECT_EQ(where_.opened, 0);
}

TEST_F(LeaseWatchTest, ARunWhoseLeaseIsNotOverIsLeftAlone) {
    begin("r.1", 5s);

    EXPECT_TRUE(watch_.look());
    clock_.advance(4999ms);
    EXPECT_TRUE(watch_.look());

    EXPECT_EQ(where_.listed, 0);
    EXPECT_EQ(watch_.pause(), 1ms);
}

TEST_F(LeaseWatchTest, ARunThatNobodyRenewedIsEndedAndItsWorkerCanTellWhy) {
    begin("r.1", 5s);
    begin("r.2", 50s);
    begin("r.3", 5s, "worker-002-fake");
    clock_.advance(5s);

    EXPECT_TRUE(watch_.look());  // for r.2

    EXPECT_EQ(where_.killed, (std::set<std::string>{"r.1", "r.3"}));
    EXPECT_TRUE(notes().ended("r.1"));
    EXPECT_FALSE(notes().ended("r.2"));
    EXPECT_EQ(times_said(kEnded), 2);
    EXPECT_EQ(logger_.lines().at(0).level, LogLevel::warning);
    EXPECT_EQ(where_.opened, 1);
}

TEST_F(LeaseWatchTest, WhenAllHasEndedNothingIsLeftThoughTheNotesStay) {
    begin("r.1", 5s);
    clock_.advance(5s);

    EXPECT_FALSE(watch_.look());
    EXPECT_FALSE(watch_.look());

    EXPECT_EQ(where_.listed, 1);
    EXPECT_EQ(times_said(kEnded), 1);
}

TEST_F(LeaseWatchTest, ARenewalCountsAndARunThatItsWorkerForgotIsNoneOfOurs) {
    begin("r.1", 5s);
    begin("r.2", 5s);
    EXPECT_TRUE(watch_.look());
    ASSERT_TRUE(notes().note("r.1", clock_.steady() + 10s).has_value());
    notes().forget("r.2");
    clock_.advance(6s);

    EXPECT_TRUE(watch_.look());

    EXPECT_TRUE(where_.killed.empty());
}

TEST_F(LeaseWatchTest, ARunThatNeverStartedIsDoneWith) {
    ASSERT_TRUE(notes().note("r.1", clock_.steady()).has_value());

    EXPECT_FALSE(watch_.look());

    EXPECT_TRUE(notes().ended("r.1"));
    EXPECT_TRUE(logger_.lines().empty());
}

TEST_F(LeaseWatchTest, ARunThatCannotBeEndedIsTriedAgainLessAndLessOftenAndSaidOnce) {
    begin("r.1", 0s);
    where_.lists = false;
    for (int look = 0; look < 240; ++look) {  // a minute
        EXPECT_TRUE(watch_.look());
        clock_.advance(250ms);
    }
    EXPECT_LE(where_.listed, 12);
    EXPECT_EQ(times_said("its run cannot be found"), 1);

    where_.lists = true;
    where_.stops = false;
    clock_.advance(10s);
    EXPECT_TRUE(watch_.look());
    EXPECT_EQ(times_said("its run cannot be ended"), 1);
    where_.stops = true;
    clock_.advance(10s);

    EXPECT_FALSE(watch_.look());
    EXPECT_TRUE(where_.killed.contains("r.1"));
}

TEST_F(LeaseWatchTest, ARunThatCannotBeEndedIsNotWorthWaitingForForEver) {
    begin("r.1", 0s);
    where_.stops = false;
    EXPECT_TRUE(watch_.look());
    clock_.advance(LeaseWatch::kPatience - 1s);
    EXPECT_TRUE(watch_.look());

    clock_.advance(1s);

    EXPECT_FALSE(watch_.look());
    // while its worker's process lives it is tried on
    where_.stops = true;
    clock_.advance(10s);
    EXPECT_FALSE(watch_.look());
    EXPECT_TRUE(where_.killed.contains("r.1"));
}

TEST_F(LeaseWatchTest, ANoteOfARunnerThatIsNotConfiguredIsSaidOnceAndNotWaitedFor) {
    begin("r.1", 5s, "worker-001-former");
    begin("r.2", 5s, "no worker's folder");
    EXPECT_FALSE(watch_.look());
    clock_.advance(6s);

    EXPECT_FALSE(watch_.look());

    EXPECT_EQ(times_said("its runner is not configured here"), 2);
    // whoever knows its runner may still end it
    EXPECT_FALSE(notes("worker-001-former").ended("r.1"));
}

TEST_F(LeaseWatchTest, ANoteOfARunnerThatCannotBeOpenedIsSaidOnceLeftAsItIsAndGivenUpInTheEnd) {
    begin("r.1", 5s);
    where_.can_be_opened = false;
    clock_.advance(5s);
    EXPECT_TRUE(watch_.look());
    clock_.advance(1s);
    EXPECT_TRUE(watch_.look());

    EXPECT_EQ(times_said("its runner cannot be opened"), 1);
    EXPECT_THAT(logger_.text(), HasSubstr("error=its configuration is refused"));
    EXPECT_FALSE(notes().ended("r.1"));
    clock_.advance(LeaseWatch::kPatience);
    EXPECT_FALSE(watch_.look());
}

}  // namespace
}  // namespace opslab::daemon
