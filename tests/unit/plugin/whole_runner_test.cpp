// Whole runners through the loader and the guard: one in C99, one with the C++ SDK.
#include "opened_runner.hpp"

#include <opslab/testing/matchers.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace opslab::plugin {
namespace {

using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WorkerId kFakeWorker{"worker-001-fake"};

class WholeRunner : public ::testing::Test {
protected:
    std::unique_ptr<Runner> open(const std::string& stem, const std::string& config = "{}") {
        auto opened = bench_.open(stem, config);
        EXPECT_THAT(opened, IsOk());
        return opened ? std::move(*opened) : nullptr;
    }

    RunnerBench bench_{};
    CollectingSink sink_{};
};

TEST_F(WholeRunner, InC99RunsATaskFromStartToDestroy) {
    const auto runner = open("runner-least");
    ASSERT_NE(runner, nullptr);

    const auto handle = runner->start(a_request("1.1"), {});
    ASSERT_TRUE(handle);
    const auto owned = runner->list_owned(kFakeWorker);
    const auto end = runner->wait(*handle, std::nullopt, sink_, {});
    const auto stopped = runner->stop(*handle, {});
    const auto destroyed = runner->destroy(*handle);
    const auto left = runner->list_owned(kFakeWorker);

    EXPECT_EQ(handle->text, "1.1");
    EXPECT_THAT(*owned, ElementsAre(OwnedRun{"1.1", {"1.1"}}));
    EXPECT_EQ(end, (RunEnd{EndKind::exited, 0}));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(destroyed);
    EXPECT_THAT(*left, IsEmpty());
}

TEST_F(WholeRunner, InC99IsGivenFinishedSettingsAndTheHostsLog) {
    const auto runner = open("runner-least");
    ASSERT_NE(runner, nullptr);

    const auto handle = runner->start(a_request("1.1"), {});
    static_cast<void>(runner->wait(*handle, std::nullopt, sink_, {}));

    EXPECT_THAT(sink_.lines, ElementsAre(R"(out {"greeting":"hello"})"));
    EXPECT_THAT(
        bench_.logger.text(),
        HasSubstr("info message of a plugin plugin=runner-least runner=least text=started")
    );
}

TEST_F(WholeRunner, OptionalFunctionsMayBeLeftOut) {
    const auto runner = open("runner-least");
    ASSERT_NE(runner, nullptr);

    EXPECT_TRUE(runner->check(TaskSpec{"p", "{}", "{}", 1}));
    EXPECT_TRUE(runner->prepare({kFakeWorker, 0}, {}));
    EXPECT_EQ(runner->health(), "ok");
    EXPECT_EQ(runner->problems(kFakeWorker), std::nullopt);
}

TEST_F(WholeRunner, ProblemsAreTakenAsTheyAreOrNotAtAll) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);
    const auto write = [this](const std::string& text) {
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(bench_.folder.path() / "state")) {
            if (entry.is_directory()) {
                std::ofstream(entry.path() / "problems") << text;
            }
        }
        std::ofstream(bench_.folder.path() / "state" / "problems") << text;
    };

    EXPECT_EQ(runner->problems(kFakeWorker), std::nullopt);
    write(R"({"problems":[{"id":"\u00e4"}]})");
    EXPECT_EQ(runner->problems(kFakeWorker), R"({"problems":[{"id":"\u00e4"}]})");
    write(std::string((std::size_t{1} << 20U) + 1, 'x'));
    EXPECT_EQ(runner->problems(kFakeWorker).error().code, RunnerErrc::internal);
    write("fail");
    const auto failed = runner->problems(kFakeWorker);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(failed.error().message, HasSubstr("\"fake\": the shelf is empty"));
    EXPECT_EQ(runner->problems(WorkerId{std::string("a\0b", 3)}).error().code, RunnerErrc::invalid);
}

TEST_F(WholeRunner, PlaysEventsOutputAndItsEnd) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);
    const auto handle = runner->start(
        a_request(
            "a.1",
            R"({"play":[{"event":{"type":"clean"}},{"raw_event":"no json"},{"out":"o"},{"err":"e"}],
                "end":{"how":"oom","code":137}})"
        ),
        {}
    );
    ASSERT_TRUE(handle);

    const auto end = runner->wait(*handle, std::nullopt, sink_, {});

    EXPECT_EQ(end, (RunEnd{EndKind::out_of_memory, 137}));
    EXPECT_THAT(
        sink_.lines, ElementsAre(R"(event {"type":"clean"})", "event no json", "out o", "err e")
    );
    EXPECT_THAT(sink_.positions, ElementsAre("1", "2", "3", "4"));
}

TEST_F(WholeRunner, StartFailuresKeepTheirClass) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);
    const int interrupt = ::eventfd(1, EFD_CLOEXEC);
    const std::pair<const char*, RunnerErrc> cases[] = {
        {"invalid", RunnerErrc::invalid},
        {"task", RunnerErrc::task},
        {"infrastructure", RunnerErrc::infrastructure},
        {"interrupted", RunnerErrc::interrupted},
        {"unsupported", RunnerErrc::unsupported},
        {"internal", RunnerErrc::internal}};

    for (const auto& [word, code] : cases) {
        const auto started = runner->start(
            a_request("a.1", std::string{R"({"start":")"} + word + "\"}"), Interrupt{interrupt}
        );
        ASSERT_FALSE(started);
        // where the plugin itself is at fault, with the call
        const std::string call = code == RunnerErrc::internal ? "start: " : "";
        EXPECT_EQ(
            started.error(),
            (RunnerError{code, "runner \"fake\": " + call + "scripted failure of start: " + word})
        );
    }
    EXPECT_THAT(*runner->list_owned(kFakeWorker), IsEmpty());
    ::close(interrupt);
}

TEST_F(WholeRunner, ExceptionsOfTheClassEndInItsOwnShim) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);

    const auto started = runner->start(a_request("a.1", R"({"start":"throw"})"), {});

    ASSERT_FALSE(started);
    EXPECT_EQ(
        started.error(),
        (RunnerError{
            RunnerErrc::internal, "runner \"fake\": start: it threw: scripted exception in start"})
    );
}

TEST_F(WholeRunner, CheckRefusesATaskWithItsReason) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);

    const auto checked =
        runner->check(TaskSpec{"p", R"({"fake":{"check":"no such problem"}})", "{}", 1});

    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error(), (RunnerError{RunnerErrc::task, "runner \"fake\": no such problem"}));
}

TEST_F(WholeRunner, ABlockedRunIsLeftByAnInterruptAndEndedByAStop) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);
    const auto handle = runner->start(a_request("a.1", R"({"play":[{"block":true}]})"), {});
    ASSERT_TRUE(handle);
    const int interrupt = ::eventfd(1, EFD_CLOEXEC);

    const auto left = runner->wait(*handle, std::nullopt, sink_, Interrupt{interrupt});
    RunnerResult<RunEnd> end = runner_fail(RunnerErrc::internal, "not waited for");
    std::thread waiter{[&] { end = runner->wait(*handle, std::nullopt, sink_, {}); }};
    const auto stopped = runner->stop(*handle, {});
    waiter.join();

    ASSERT_FALSE(left);
    EXPECT_EQ(left.error().code, RunnerErrc::interrupted);
    EXPECT_TRUE(stopped);
    EXPECT_EQ(end, (RunEnd{EndKind::signalled, 15}));
    ::close(interrupt);
}

TEST_F(WholeRunner, ANewInstanceGoesOnFromThePosition) {
    RunHandle handle;
    {
        const auto first = open("runner-fake");
        ASSERT_NE(first, nullptr);
        const auto started =
            first->start(a_request("a.1", R"({"play":[{"out":"one"},{"out":"two"}]})"), {});
        ASSERT_TRUE(started);
        handle = *started;
    }
    const auto second = open("runner-fake");
    ASSERT_NE(second, nullptr);

    const auto owned = second->list_owned(kFakeWorker);
    const auto end = second->wait(handle, "1", sink_, {});
    const auto destroyed = second->destroy(handle);
    const auto gone = second->wait(handle, std::nullopt, sink_, {});

    EXPECT_THAT(*owned, ElementsAre(OwnedRun{"a.1", handle}));
    EXPECT_EQ(end, (RunEnd{EndKind::exited, 0}));
    EXPECT_THAT(sink_.lines, ElementsAre("out two"));
    EXPECT_TRUE(destroyed);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, RunnerErrc::not_found);
}

TEST_F(WholeRunner, HealthGoesThroughWithItsName) {
    EXPECT_EQ(open("runner-fake")->health(), "in order");
    const auto ill = open("runner-fake", R"({"unhealthy":true,"health":"the engine is away"})");

    const auto state = ill->health();

    ASSERT_FALSE(state);
    EXPECT_EQ(
        state.error(),
        (RunnerError{RunnerErrc::infrastructure, "runner \"fake\": the engine is away"})
    );
}

TEST_F(WholeRunner, TheStateFolderIsItsOwnAndPrivate) {
    const auto runner = open("runner-fake");
    ASSERT_NE(runner, nullptr);
    const auto folder = bench_.folder.path() / "state" / "runner-fake";

    EXPECT_EQ(
        std::filesystem::status(folder).permissions() & std::filesystem::perms{0777},
        std::filesystem::perms{0700}
    );
}

TEST_F(WholeRunner, AStateFolderThatIsALinkIsRefused) {
    const auto state = bench_.folder.path() / "state";
    std::filesystem::create_directories(state);
    std::filesystem::create_directory_symlink("/tmp", state / "runner-fake");

    EXPECT_THAT(
        bench_.open("runner-fake", "{}"),
        IsErrorAnd(
            Errc::permission_denied,
            "runner \"fake\": state directory " + (state / "runner-fake").string() +
                ": expected a directory, found something else"
        )
    );
}

}  // namespace
}  // namespace opslab::plugin
