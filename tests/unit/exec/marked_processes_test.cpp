#include <opslab/exec/marked_processes.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>
#include <unistd.h>

namespace opslab::exec {
namespace {

using std::chrono::seconds;
using testing::Succeeds;

std::unique_ptr<SupervisedProcess> sleeper(const std::string& mark) {
    ProcessSpec spec;
    spec.supervisor = OPSLAB_SUPERVISE;
    spec.program = "/bin/sleep";
    spec.arguments = {"sleep", "1000"};
    spec.environment = {mark};
    spec.directory = "/";
    auto process = SupervisedProcess::spawn(spec, Interrupt{});
    EXPECT_TRUE(process.has_value());
    return process ? std::move(*process) : nullptr;
}

TEST(MarkedProcesses, AreKilledAndOthersAreNot) {
    const std::string mark = "OPSLAB_WORK_DIR=/test/" + std::to_string(::getpid());
    const auto marked = sleeper(mark);
    const auto longer = sleeper(mark + "0");
    const auto other = sleeper("X" + mark);
    ASSERT_TRUE(marked != nullptr && longer != nullptr && other != nullptr);

    EXPECT_THAT(kill_marked(mark), Succeeds());

    EXPECT_TRUE(marked->wait_ended(seconds{30}));
    EXPECT_FALSE(longer->wait_ended(seconds{0}));
    EXPECT_FALSE(other->wait_ended(seconds{0}));
}

TEST(MarkedProcesses, OfSeveralMarksAreKilledAtOnce) {
    const std::string mark = "OPSLAB_WORK_DIR=/test/" + std::to_string(::getpid());
    const auto first = sleeper(mark + " a");
    const auto second = sleeper(mark + " b");
    const auto other = sleeper(mark + " c");
    ASSERT_TRUE(first != nullptr && second != nullptr && other != nullptr);

    EXPECT_THAT(kill_all_marked({mark + " a", mark + " b"}), Succeeds());
    EXPECT_THAT(kill_all_marked({}), Succeeds());

    EXPECT_TRUE(first->wait_ended(seconds{30}));
    EXPECT_TRUE(second->wait_ended(seconds{30}));
    EXPECT_FALSE(other->wait_ended(seconds{0}));
}

}  // namespace
}  // namespace opslab::exec
