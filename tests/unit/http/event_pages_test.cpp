#include "http/event_pages.hpp"

#include "api_fixture.hpp"
#include "http/shared_pieces.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace opslab::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class FollowedTaskTest : public ::testing::Test {
protected:
    FollowedTaskTest() {
        storage_.on_events = [this](std::int64_t after, int limit) {
            ++reads_;
            std::vector<StoredEvent> page;
            for (auto seq = after + 1; seq <= last_ && static_cast<int>(page.size()) < limit;
                 ++seq) {
                page.push_back({.seq = seq, .attempt = 1, .body = LogEvent{.message = text_}});
            }
            return page;
        };
    }

    std::shared_ptr<FollowedTask> follow(
        const std::string& id = "t", TaskStatus status = TaskStatus::pending
    ) {
        Task task;
        task.id = TaskId{id};
        task.status = status;
        return followed_.of(task);
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    ScriptedStorage storage_;
    ChangeHub hub_;
    ServiceObserver observer_;
    TaskService tasks_{storage_, clock_, entropy_, hub_, observer_};
    FollowedTasks followed_{tasks_, clock_};
    std::string text_{"x"};
    std::int64_t last_ = 3;
    int reads_ = 0;
};

TEST_F(FollowedTaskTest, FollowersAtTheSamePlaceShareOneRead) {
    const auto task = follow();
    EXPECT_EQ(task, follow());
    EXPECT_NE(task, follow("other"));

    const auto first = task->read(0, 16);
    const auto second = task->read(0, 16);

    ASSERT_TRUE(first && second);
    EXPECT_EQ(reads_, 1);
    EXPECT_EQ(first->bytes, second->bytes);
    EXPECT_EQ(first->last_seq, 3);
    EXPECT_THAT(*first->bytes, HasSubstr("event: log\ndata: {"));
    EXPECT_THAT(*first->bytes, EndsWith("}\n\n"));
}

TEST_F(FollowedTaskTest, ChangeIsSeenByTheNextRead) {
    const auto task = follow();
    ASSERT_TRUE(task->read(3, 16));
    last_ = 4;
    hub_.task_changed(TaskId{"t"});

    EXPECT_EQ(task->read(3, 16)->last_seq, 4);
    EXPECT_EQ(reads_, 2);
}

TEST_F(FollowedTaskTest, ChangeWithoutWordIsSeenASecondLater) {
    const auto task = follow();
    ASSERT_TRUE(task->read(3, 16));
    last_ = 4;

    EXPECT_EQ(task->read(3, 16)->last_seq, 3);
    clock_.advance(std::chrono::seconds{1});
    EXPECT_EQ(task->read(3, 16)->last_seq, 4);
}

TEST_F(FollowedTaskTest, EndSeenElsewhereIsReadAtOnce) {
    // another coordinator ended it, and word of it was lost: a new follower finds the task ended
    const auto task = follow();
    ASSERT_TRUE(task->read(3, 16));
    last_ = 4;

    EXPECT_EQ(follow("t", TaskStatus::completed), task);

    EXPECT_EQ(task->read(3, 16)->last_seq, 4);
    EXPECT_EQ(reads_, 2);
}

TEST_F(FollowedTaskTest, EndIsNewsOnlyOnce) {
    const auto task = follow("t", TaskStatus::completed);
    ASSERT_TRUE(task->read(0, 16));

    task->note_ended();
    follow("t", TaskStatus::completed);

    EXPECT_EQ(task->read(0, 16)->last_seq, 3);
    EXPECT_EQ(reads_, 1);
}

TEST_F(FollowedTaskTest, FollowerOfARunningTaskIsNoNews) {
    const auto task = follow();
    ASSERT_TRUE(task->read(0, 16));

    follow("t", TaskStatus::running);

    ASSERT_TRUE(task->read(0, 16));
    EXPECT_EQ(reads_, 1);
}

TEST_F(FollowedTaskTest, SmallerPageIsNotTakenForALargerOne) {
    last_ = 40;
    const auto task = follow();

    EXPECT_EQ(task->read(0, 16)->last_seq, 16);
    EXPECT_EQ(task->read(0, 32)->last_seq, 32);
    EXPECT_EQ(task->read(0, 16)->last_seq, 32);
}

TEST_F(FollowedTaskTest, FollowersAtTwoPlacesDoNotDriveEachOtherOut) {
    const auto task = follow();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(task->read(0, 2)->whole, false);
        EXPECT_EQ(task->read(2, 2)->whole, true);
    }
    EXPECT_EQ(reads_, 2);
}

TEST_F(FollowedTaskTest, FailureIsNotKept) {
    const auto good = storage_.on_events;
    storage_.on_events = nullptr;
    const auto task = follow();
    EXPECT_FALSE(task->read(0, 16));
    storage_.on_events = good;

    EXPECT_TRUE(task->read(0, 16));
}

TEST_F(FollowedTaskTest, LongPageIsNotHeldForLater) {
    text_ = std::string(300 * 1024, 'x');
    last_ = 1;
    const auto task = follow();

    std::weak_ptr<const std::string> page = task->read(0, 16)->bytes;

    EXPECT_TRUE(page.expired());
}

TEST(SharedPieces, ComeWholeAndInOrder) {
    SharedPieces pieces;
    std::string all;
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{70000}, std::size_t{0}, std::size_t{9}}) {
        const std::string chunk(size, static_cast<char>('a' + size % 26));
        pieces.add(std::make_shared<const std::string>(chunk));
        all += chunk;
    }
    std::string taken;
    while (!pieces.empty()) {
        const auto piece = pieces.take();
        EXPECT_LE(piece.size(), SharedPieces::kPiece);
        EXPECT_FALSE(piece.empty());
        taken += piece;
    }

    EXPECT_TRUE(taken == all);
    EXPECT_TRUE(pieces.take().empty());
}

}  // namespace
}  // namespace opslab::testing
