#include <opslab/exec/commands.hpp>
#include <opslab/exec/unique_fd.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <fcntl.h>

#include <string>
#include <vector>

namespace opslab::exec {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FailsAs;
using ::testing::HasSubstr;

Commands commands() {
    return {OPSLAB_SUPERVISE, {"PATH=/usr/bin:/bin", "MINE=yes"}, "/"};
}

std::vector<std::string> sh(const std::string& script) {
    return {"/bin/sh", "-c", script};
}

TEST(Commands, TellWhatACommandSaidAndHowItEnded) {
    const auto good = commands().run(sh("pwd; echo $MINE; cat"), seconds{30}, Interrupt{});
    const auto bad = commands().run(sh("echo why >&2; exit 3"), seconds{30}, Interrupt{});

    ASSERT_TRUE(good.has_value()) << good.error().message;
    EXPECT_TRUE(good->has_succeeded);
    EXPECT_EQ("/\nyes\n", good->out);
    ASSERT_TRUE(bad.has_value()) << bad.error().message;
    EXPECT_FALSE(bad->has_succeeded);
    EXPECT_EQ("why\n", bad->err);
}

TEST(Commands, AreKilledAtTheirBoundWithAllThatTheyStarted) {
    const auto slow =
        commands().run(sh("setsid sleep 600 & exec sleep 600"), milliseconds{50}, Interrupt{});

    EXPECT_THAT(slow, FailsAs(RunnerErrc::infrastructure));
    EXPECT_THAT(slow.error().message, HasSubstr("took longer"));
}

TEST(Commands, AreKilledAtAnInterrupt) {
    const UniqueFd always_readable{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};

    EXPECT_THAT(
        commands().run(sh("exec sleep 600"), seconds{600}, Interrupt{always_readable.get()}),
        FailsAs(RunnerErrc::interrupted)
    );
}

TEST(Commands, ThatCannotStartAreInfrastructureFailures) {
    EXPECT_THAT(
        commands().run({"/nonexistent/tool"}, seconds{30}, Interrupt{}),
        FailsAs(RunnerErrc::infrastructure)
    );
}

}  // namespace
}  // namespace opslab::exec
