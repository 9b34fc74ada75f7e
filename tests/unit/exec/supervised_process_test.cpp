#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

namespace opslab::exec {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

ProcessSpec shell(const std::string& script) {
    ProcessSpec spec;
    spec.supervisor = OPSLAB_SUPERVISE;
    spec.program = "/bin/sh";
    spec.arguments = {"sh", "-c", script};
    spec.environment = {"PATH=/usr/bin:/bin", "MINE=yes"};
    spec.directory = "/";
    return spec;
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t got = ::read(fd, piece.data(), piece.size());
        if (got <= 0) {
            return text;
        }
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
}

TEST(SupervisedProcess, SeesOnlyItsOwnEnvironmentDescriptorsAndLimits) {
    auto process = SupervisedProcess::spawn(
        shell("env; ls /proc/self/fd | tr '\\n' ' '; ulimit -c; ulimit -n; cat; pwd"), Interrupt{}
    );
    ASSERT_TRUE(process.has_value()) << process.error().message;

    const std::string text = read_all((*process)->out_fd());

    EXPECT_THAT(text, HasSubstr("MINE=yes\n"));
    EXPECT_THAT(text, Not(HasSubstr("HOME=")));
    EXPECT_THAT(text, HasSubstr("0 1 2 3 0\n1024\n/\n"));  // 3 is the directory that ls reads
    ASSERT_TRUE((*process)->wait_ended(seconds{30}));
    EXPECT_EQ((*process)->end(), (RunEnd{EndKind::exited, 0}));
    EXPECT_TRUE((*process)->is_all_gone());
}

TEST(SupervisedProcess, ProgramThatCannotRunIsNamed) {
    ProcessSpec spec = shell("");
    spec.program = "/etc/passwd";

    const auto process = SupervisedProcess::spawn(spec, Interrupt{});

    ASSERT_FALSE(process.has_value());
    EXPECT_EQ(process.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(process.error().message, HasSubstr("/etc/passwd"));
}

TEST(SupervisedProcess, MissingSupervisorIsNamed) {
    ProcessSpec spec = shell("");
    spec.supervisor = "/nowhere/opslab-supervise";

    const auto process = SupervisedProcess::spawn(spec, Interrupt{});

    ASSERT_FALSE(process.has_value());
    EXPECT_THAT(process.error().message, HasSubstr("/nowhere/opslab-supervise"));
}

TEST(SupervisedProcess, EndOfTheProgramEndsWhatLeftItsSession) {
    auto process = SupervisedProcess::spawn(
        shell("setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & read -r x; exit 7"),
        Interrupt{}
    );
    ASSERT_TRUE(process.has_value()) << process.error().message;

    // comes to its end only when nobody holds the pipe any more
    static_cast<void>(read_all((*process)->out_fd()));

    ASSERT_TRUE((*process)->wait_ended(seconds{30}));
    EXPECT_EQ((*process)->end(), (RunEnd{EndKind::exited, 7}));
    EXPECT_TRUE((*process)->is_all_gone());
}

TEST(SupervisedProcess, DeathOfTheSupervisorIsTheDeathOfTheProgramAndIsTold) {
    // the program waits for us, or it could kill the supervisor before that has told of the start
    const std::string gate =
        ::testing::TempDir() + "supervised_process_gate." + std::to_string(::getpid());
    ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
    auto process = SupervisedProcess::spawn(
        shell("read go < " + gate + "; kill -9 $PPID; exec sleep 1000"), Interrupt{}
    );
    ASSERT_TRUE(process.has_value()) << process.error().message;

    std::ofstream(gate) << "go\n";
    static_cast<void>(read_all((*process)->out_fd()));

    ASSERT_TRUE((*process)->wait_ended(seconds{30}));
    EXPECT_EQ((*process)->end(), (RunEnd{EndKind::signalled, SIGKILL}));
    EXPECT_FALSE((*process)->is_all_gone());
    ::unlink(gate.c_str());
}

TEST(ProcessIdentity, IsOfOneProcessOnly) {
    const auto self = identify(::getpid());
    ASSERT_TRUE(self.has_value());
    EXPECT_EQ(identity_from_text(to_text(*self)), self);
    EXPECT_TRUE(static_cast<bool>(open_process(*self)));

    ProcessIdentity earlier = *self;
    --earlier.start_ticks;
    EXPECT_FALSE(static_cast<bool>(open_process(earlier)));
    ProcessIdentity other_boot = *self;
    other_boot.boot_id = "another";
    EXPECT_FALSE(static_cast<bool>(open_process(other_boot)));
}

TEST(ProcessIdentity, HalfARecordIsNone) {
    for (const char* text :
         {"", "process", "process 1", "process 1 2", "process x 2 b", "p 1 2 b"}) {
        EXPECT_EQ(identity_from_text(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace opslab::exec
