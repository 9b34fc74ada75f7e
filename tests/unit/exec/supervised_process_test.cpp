#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

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

// As a process does that stands still between its last look and the start, and then goes on: the
// supervisor looks once more.
TEST(SupervisedProcess, SupervisorStartsNothingOnceTheInterruptIsReadable) {
    for (const bool is_over : {true, false}) {
        const std::string mark =
            ::testing::TempDir() + "opslab-started-" + std::to_string(::getpid());
        const std::string script = ": > " + mark;
        std::array<int, 2> control{-1, -1};
        std::array<int, 2> interrupt{-1, -1};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control.data()), 0);
        ASSERT_EQ(::pipe(interrupt.data()), 0);
        if (is_over) {
            ASSERT_EQ(::write(interrupt[1], "x", 1), 1);
        }
        posix_spawn_file_actions_t actions{};
        ::posix_spawn_file_actions_init(&actions);
        // by way of descriptors that are in nobody's way
        ::posix_spawn_file_actions_adddup2(&actions, control[1], 51);
        ::posix_spawn_file_actions_adddup2(&actions, interrupt[0], 52);
        ::posix_spawn_file_actions_adddup2(&actions, 51, 3);
        ::posix_spawn_file_actions_adddup2(&actions, 52, 4);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, 5);
        std::vector<std::string> words{
            OPSLAB_SUPERVISE, "1024", "0", "/", "/bin/sh", "sh", "-c", script};
        std::vector<char*> argv;
        for (auto& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        pid_t supervisor = 0;
        ASSERT_EQ(
            ::posix_spawn(&supervisor, OPSLAB_SUPERVISE, &actions, nullptr, argv.data(), environ), 0
        );
        ::posix_spawn_file_actions_destroy(&actions);

        ASSERT_EQ(::waitpid(supervisor, nullptr, 0), supervisor);

        EXPECT_EQ(::unlink(mark.c_str()) == 0, !is_over);
        for (const int fd : {control[0], control[1], interrupt[0], interrupt[1]}) {
            ::close(fd);
        }
    }
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
