#include "service/group_commit.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <latch>

namespace opslab::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::SizeIs;
using Ints = std::vector<int>;
using IntCommit = GroupCommit<int, int>;

/// A database whose first commit takes until it is let go on.
class SlowDatabase {
public:
    Result<std::vector<Result<int>>> commit(std::span<const int> requests) {
        batches_.emplace_back(requests.begin(), requests.end());
        if (batches_.size() == 1) {
            busy_.count_down();
            go_on_.wait();
        }
        std::vector<Result<int>> answers;
        for (const int request : requests) {
            answers.emplace_back(-request);
        }
        return answers;
    }

    void wait_until_busy() { busy_.wait(); }
    void go_on() { go_on_.count_down(); }
    /// Once the committer is gone.
    [[nodiscard]] const std::vector<Ints>& batches() const { return batches_; }

private:
    std::vector<Ints> batches_;
    std::latch busy_{1};
    std::latch go_on_{1};
};

class GroupCommitTest : public ::testing::Test {
protected:
    void open(IntCommit::Limits limits = {}) {
        committer_ = std::make_unique<IntCommit>(
            [this](std::span<const int> requests) { return database_.commit(requests); }, limits
        );
    }

    // after that every other request has to wait
    void keep_busy_with(int request) {
        add(request);
        database_.wait_until_busy();
    }

    void add(int request) {
        committer_->add(request, [this, request](Result<int> result) {
            if (!result) {
                refused_.push_back(request);
                return;
            }
            answers_.push_back(*result);
        });
    }

    void finish() {
        database_.go_on();
        committer_.reset();
    }

    SlowDatabase database_;
    Ints answers_;
    Ints refused_;  // by `add` itself: on this thread
    std::unique_ptr<IntCommit> committer_;
};

TEST_F(GroupCommitTest, WhatArrivesDuringACommitGoesTogetherIntoTheNext) {
    open();
    keep_busy_with(1);
    for (const int request : {2, 3, 4}) {
        add(request);
    }

    finish();

    EXPECT_THAT(database_.batches(), ElementsAre(Ints{1}, Ints{2, 3, 4}));
    EXPECT_THAT(answers_, ElementsAre(-1, -2, -3, -4));
}

TEST_F(GroupCommitTest, ACommitTakesNoMoreThanItsLimit) {
    open({.batch = 2});
    keep_busy_with(1);
    for (const int request : {2, 3, 4}) {
        add(request);
    }

    finish();

    EXPECT_THAT(database_.batches(), ElementsAre(Ints{1}, Ints{2, 3}, Ints{4}));
}

TEST_F(GroupCommitTest, BeyondTheLimitOfWaitingOnesAreRefusedAtOnce) {
    open({.batch = 256, .waiting = 2});
    keep_busy_with(1);
    for (const int request : {2, 3, 4}) {
        add(request);
    }

    EXPECT_THAT(refused_, ElementsAre(4));
    finish();
    EXPECT_THAT(answers_, ElementsAre(-1, -2, -3));
}

TEST_F(GroupCommitTest, EverybodyIsAnsweredOnceWhenItIsDestroyed) {
    open();
    keep_busy_with(0);
    for (int request = 1; request < 1000; ++request) {
        add(request);
    }

    finish();

    EXPECT_THAT(answers_.size() + refused_.size(), Eq(1000U));
}

TEST_F(GroupCommitTest, ALoneRequestIsCommittedAtOnce) {
    open();
    database_.go_on();

    const auto answer =
        await_reply<int>([&](Reply<int> reply) { committer_->add(7, std::move(reply)); });

    EXPECT_THAT(answer, IsOkAnd(-7));
}

TEST(GroupCommit, AFailedCommitFailsEveryRequestInIt) {
    IntCommit committer{
        [](std::span<const int>) -> Result<std::vector<Result<int>>> {
            return fail(Errc::unavailable, "the database is away");
        },
        {}};

    const auto answer =
        await_reply<int>([&](Reply<int> reply) { committer.add(7, std::move(reply)); });

    EXPECT_THAT(answer, IsErrorAnd(Errc::unavailable, Eq("the database is away")));
}

TEST(GroupCommit, ARefusedItemSpoilsNoNeighbour) {
    IntCommit committer{
        [](std::span<const int> requests) {
            std::vector<Result<int>> answers;
            for (const int request : requests) {
                answers.push_back(request < 0 ? Result<int>{fail(Errc::conflict, "no")} : request);
            }
            return Result<std::vector<Result<int>>>{std::move(answers)};
        },
        {}};
    const auto ask = [&](int request) {
        return await_reply<int>([&](Reply<int> reply) { committer.add(request, std::move(reply)); }
        );
    };

    EXPECT_THAT(ask(-1), IsError(Errc::conflict));
    EXPECT_THAT(ask(1), IsOkAnd(1));
}

TEST(GroupCommit, AnAnswerOfAnotherLengthIsADefectAndNoCrash) {
    IntCommit committer{
        [](std::span<const int>) { return Result<std::vector<Result<int>>>{}; }, {}};

    const auto answer =
        await_reply<int>([&](Reply<int> reply) { committer.add(7, std::move(reply)); });

    EXPECT_THAT(answer, IsError(Errc::internal));
}

}  // namespace
}  // namespace opslab::testing
