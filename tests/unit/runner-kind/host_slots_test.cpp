#include "host_slots.hpp"

#include "host_check.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace opslab::runner_kind {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class KindHostSlots : public ::testing::Test {
protected:
    KindHostSlots() {
        std::string name = ::testing::TempDir() + "slots-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~KindHostSlots() override { fs::remove_all(directory_); }

    // An interrupt that has been raised: a take that would have to wait says so at once.
    [[nodiscard]] static Interrupt raised() {
        static const exec::UniqueFd fd(::eventfd(1, EFD_CLOEXEC));
        return Interrupt{fd.get()};
    }

    std::string directory_;
};

TEST_F(KindHostSlots, HoldAmongAllThatShareTheDirectoryUntilTheyAreLetGo) {
    const HostSlots mine(directory_, 2);
    const HostSlots theirs(directory_, 2);
    auto first = mine.take({});
    const auto second = theirs.take({});
    ASSERT_TRUE(first && second);
    EXPECT_EQ(theirs.take(raised()).error().code, RunnerErrc::interrupted);
    first->reset();
    EXPECT_TRUE(theirs.take(raised()));
}

TEST_F(KindHostSlots, AKilledHolderLeavesNoneTaken) {
    const HostSlots slots(directory_, 1);
    int told[2] = {-1, -1};
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto held = slots.take({});
        static_cast<void>(!::write(told[1], held ? "y" : "n", 1));
        for (;;) {
            ::pause();
        }
    }
    char word = 0;
    ASSERT_EQ(::read(told[0], &word, 1), 1);
    ASSERT_EQ(word, 'y');
    EXPECT_FALSE(slots.take(raised()));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(slots.take(raised()));
    ::close(told[0]);
    ::close(told[1]);
}

TEST_F(KindHostSlots, AreForEveryUserOfTheMachine) {
    const HostSlots slots(directory_ + "/shared", 1);
    ASSERT_TRUE(slots.open());
    struct stat info {};
    ASSERT_EQ(::stat((directory_ + "/shared").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 01777U);
    ASSERT_EQ(::stat((directory_ + "/shared/slot-1").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0666U);
}

TEST_F(KindHostSlots, ADirectoryThatCannotBeUsedIsSaidWithTheSettingsName) {
    const HostSlots slots(directory_ + "/no/such/place", 1);
    ASSERT_FALSE(slots.open());
    EXPECT_THAT(slots.open().error().message, HasSubstr("host_lock_path"));
    EXPECT_EQ(slots.take({}).error().code, RunnerErrc::infrastructure);
}

TEST_F(KindHostSlots, ALinkThatSomebodyPutThereIsNotFollowed) {
    fs::create_symlink(directory_ + "/elsewhere", directory_ + "/slot-1");
    EXPECT_FALSE(HostSlots(directory_, 1).take({}));
    EXPECT_FALSE(fs::exists(directory_ + "/elsewhere"));
}

TEST_F(KindHostSlots, WithNoDirectoryThereIsNoBound) {
    const HostSlots slots("", 1);
    EXPECT_TRUE(slots.take(raised()));
    EXPECT_TRUE(slots.take(raised()));
}

TEST(KindHostCheck, AdviceOnAddressesComesOnlyWhereTheNetworkIsStillToBeMade) {
    std::vector<std::string> networks(40, "some");
    ASSERT_TRUE(address_advice(networks, "kind"));
    EXPECT_THAT(*address_advice(networks, "kind"), HasSubstr("default-address-pools"));
    networks.push_back("kind");
    EXPECT_FALSE(address_advice(networks, "kind"));
    EXPECT_FALSE(address_advice({"bridge", "host", "none"}, "kind"));
}

}  // namespace
}  // namespace opslab::runner_kind
