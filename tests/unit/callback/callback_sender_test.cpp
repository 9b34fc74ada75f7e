#include "callback/callback_sender.hpp"

#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/fakes.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <utility>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

/// Remembers posts; they end as the test says. Waits only where a thread runs the sender.
class FakePoster final : public Poster {
public:
    std::vector<Post> posts{};          // all that began
    std::vector<PostResult> results{};  // for the next `wait`
    std::vector<Duration> waits{};
    bool is_abandoned = false;
    bool blocks = false;

    void start(Post post) override {
        const std::lock_guard lock(mutex_);
        posts.push_back(std::move(post));
        changed_.notify_all();
    }
    std::vector<PostResult> wait(Duration longest) override {
        std::unique_lock lock(mutex_);
        waits.push_back(longest);
        changed_.wait(lock, [&] { return !blocks || woken_; });
        woken_ = false;
        return std::exchange(results, {});
    }
    void abandon() override { is_abandoned = true; }
    void wake() noexcept override {
        const std::lock_guard lock(mutex_);
        woken_ = true;
        changed_.notify_all();
    }
    void wait_for_posts(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return posts.size() >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
};

/// An outbox that is away while told so.
class AbsentOutbox final : public Outbox {
public:
    explicit AbsentOutbox(Outbox& inner) : inner_(inner) {}
    bool away = false;
    int calls = 0;

    Result<std::vector<Delivery>> take_due(int limit, Duration hold) override {
        ++calls;
        if (away) {
            return fail(Errc::unavailable, "the database is away");
        }
        return inner_.take_due(limit, hold);
    }
    Status settle(std::span<const DeliveryOutcome> outcomes) override {
        ++calls;
        if (away) {
            return fail(Errc::unavailable, "the database is away");
        }
        return inner_.settle(outcomes);
    }

private:
    Outbox& inner_;
};

class AbsentOutboxStorage final : public Storage {
public:
    explicit AbsentOutboxStorage(Storage& inner) : box(inner.outbox()), inner_(inner) {}
    AbsentOutbox box;

    TaskStore& tasks() override { return inner_.tasks(); }
    RunStore& runs() override { return inner_.runs(); }
    WorkerStore& workers() override { return inner_.workers(); }
    HistoryStore& history() override { return inner_.history(); }
    Outbox& outbox() override { return box; }
    [[nodiscard]] StorageInfo info() const override { return inner_.info(); }
    Status ping() override { return inner_.ping(); }

private:
    Storage& inner_;
};

class CallbackSenderTest : public ::testing::Test {
protected:
    /// A task that ended (it was cancelled while pending), with its callback due.
    TaskId ended_task(const std::string& url = "https://receiver.test/hook?token=t0p") {
        NewTask task;
        task.id = TaskId{make_uuid(clock_.now(), entropy_)};
        task.problem_id = "p";
        task.parameters.callback_url = url;
        const Submission submission{.tasks = {task}};
        EXPECT_THAT(storage_->tasks().submit({&submission, 1}), IsOk());
        EXPECT_THAT(storage_->tasks().cancel({&task.id, 1}), IsOk());
        return task.id;
    }

    CallbackSender& sender() {
        if (!sender_) {
            auto poster = std::make_unique<FakePoster>();
            poster_ = poster.get();
            poster_->blocks = blocks_;
            sender_ = std::make_unique<CallbackSender>(
                away_, std::move(poster), clock_, entropy_, logger_, observer_, settings_
            );
        }
        return *sender_;
    }

    /// What the next one, in its place, posts is in `poster_`.
    void kill_sender() { sender_.reset(); }

    void answer(const Post& post, int status) {
        poster_->results.push_back(
            {.id = post.id, .end = PostEnd::answered, .status = status, .took = 5ms}
        );
    }

    /// What is in the outbox, whenever it is due.
    std::vector<Delivery> left() {
        clock_.advance(24h);
        return storage_->outbox().take_due(1000, 1s).value();
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    std::unique_ptr<Storage> storage_ =
        memory::make_storage(StorageHost{clock_, entropy_, logger_});
    AbsentOutboxStorage away_{*storage_};
    CallbackObserver observer_;
    CallbackSettings settings_{
        .plan = {.max_attempts = 3, .retry = {.base = 10s, .max = 60s}},
        .message = {.version = "1", .secret = "hush"},
        .max_in_flight = 8,
        .timeout = 10s,
        .poll = 5s};
    bool blocks_ = false;
    FakePoster* poster_ = nullptr;
    std::unique_ptr<CallbackSender> sender_;
};

TEST_F(CallbackSenderTest, PostsADueDeliveryAndForgetsItOnceItIsAnswered) {
    const auto task = ended_task();

    sender().step();
    ASSERT_THAT(poster_->posts, SizeIs(1));
    EXPECT_THAT(poster_->posts[0].body, HasSubstr(task.value));
    answer(poster_->posts[0], 204);
    sender().step();

    EXPECT_THAT(left(), IsEmpty());
    EXPECT_TRUE(logger_.has("callback delivered"));
}

TEST_F(CallbackSenderTest, TriesAgainAfterThePauseWithTheSameDelivery) {
    ended_task();
    sender().step();
    answer(poster_->posts[0], 500);
    sender().step();

    clock_.advance(7s);
    sender().step();
    EXPECT_THAT(poster_->posts, SizeIs(1));
    clock_.advance(5s);
    sender().step();

    ASSERT_THAT(poster_->posts, SizeIs(2));
    EXPECT_THAT(poster_->posts[1].id, Eq(poster_->posts[0].id));
    EXPECT_THAT(poster_->posts[1].body, Eq(poster_->posts[0].body));
}

TEST_F(CallbackSenderTest, GivesUpAfterTheLastTryAndSaysSoWithoutTheUrl) {
    ended_task();
    for (int i = 0; i < 3; ++i) {
        sender().step();
        ASSERT_THAT(poster_->posts, SizeIs(static_cast<std::size_t>(i) + 1));
        answer(poster_->posts.back(), 500);
        sender().step();
        clock_.advance(1min);
    }

    sender().step();

    EXPECT_THAT(poster_->posts, SizeIs(3));
    EXPECT_THAT(left(), IsEmpty());
    EXPECT_TRUE(logger_.has("callback given up"));
    EXPECT_THAT(logger_.text(), HasSubstr("receiver.test"));
    EXPECT_THAT(logger_.text(), Not(HasSubstr("t0p")));
    EXPECT_THAT(logger_.text(), Not(HasSubstr("hush")));
}

TEST_F(CallbackSenderTest, GivesUpARefusedAddressAtOnceAndSaysWhy) {
    ended_task();
    sender().step();
    poster_->results.push_back(
        {.id = poster_->posts[0].id, .end = PostEnd::refused_address, .reason = "it is private"}
    );
    sender().step();

    EXPECT_THAT(left(), IsEmpty());
    EXPECT_TRUE(logger_.has("callback refused"));
    EXPECT_THAT(logger_.text(), HasSubstr("it is private"));
}

TEST_F(CallbackSenderTest, SleepsUntilThePollWhenNothingIsDueAndUntilTheRetryWhenOneIsSooner) {
    sender().step();
    EXPECT_THAT(poster_->waits.back(), Eq(5s));

    settings_.plan.retry = {.base = 2s, .max = 2s};
    sender_.reset();
    ended_task();
    sender().step();
    answer(poster_->posts[0], 500);
    sender().step();
    sender().step();

    EXPECT_THAT(poster_->waits.back(), Gt(1s));
    EXPECT_THAT(poster_->waits.back(), Le(2400ms));
}

TEST_F(CallbackSenderTest, AReceiverThatHangsDoesNotHoldUpOthers) {
    for (int i = 0; i < 300; ++i) {
        ended_task("http://hangs.test/x");
    }
    clock_.advance(1ms);
    ended_task("http://answers.test/x");

    for (int i = 0; i < 20; ++i) {
        sender().step();
    }

    ASSERT_THAT(poster_->posts, SizeIs(3));
    EXPECT_THAT(poster_->posts[2].url, Eq("http://answers.test/x"));
}

TEST_F(CallbackSenderTest, WaitingForAPlaceIsNoTry) {
    settings_.plan.max_attempts = 2;
    for (int i = 0; i < 30; ++i) {
        ended_task("http://busy.test/x");
    }

    for (int i = 0; i < 100; ++i) {  // all but those under way are put back again and again
        sender().step();
        clock_.advance(100ms);
    }
    ASSERT_THAT(poster_->posts, SizeIs(2));
    kill_sender();  // these two may have arrived, so they count as tried
    std::size_t answered = 0;
    for (int i = 0; i < 1000; ++i) {
        sender().step();
        for (; answered < poster_->posts.size(); ++answered) {
            answer(poster_->posts[answered], 500);
        }
        clock_.advance(100ms);
    }
    sender().step();

    EXPECT_THAT(poster_->posts, SizeIs(28 * 2 + 2 * 1));
    EXPECT_THAT(left(), IsEmpty());
}

TEST_F(CallbackSenderTest, BacksOffQuietlyWhileTheStorageIsAwayAndLosesNothing) {
    ended_task();
    sender().step();
    ASSERT_THAT(poster_->posts, SizeIs(1));
    away_.box.away = true;
    answer(poster_->posts[0], 200);
    const int before = away_.box.calls;

    for (int i = 0; i < 100; ++i) {
        sender().step();
        clock_.advance(100ms);
    }

    EXPECT_THAT(away_.box.calls - before, Le(8));
    const auto lines = logger_.lines();
    EXPECT_THAT(
        std::count_if(
            lines.begin(),
            lines.end(),
            [](const auto& line) {
                return line.message == "callbacks wait until the storage answers";
            }
        ),
        Eq(1)
    );
    away_.box.away = false;
    clock_.advance(20s);
    sender().step();
    EXPECT_THAT(left(), IsEmpty());
}

TEST_F(CallbackSenderTest, ADeliveryThatNobodySettledIsSentAgain) {
    ended_task();
    sender().step();
    const auto killed = std::move(sender_);  // nothing of it is given back

    clock_.advance(15s);
    sender().step();

    EXPECT_THAT(poster_->posts, SizeIs(1));
}

TEST_F(CallbackSenderTest, WakesForANewDeliveryAndLeavesThoseUnderWayDueWhenStopped) {
    blocks_ = true;
    sender().start();
    ended_task();
    sender().wake();
    poster_->wait_for_posts(1);

    sender().stop();

    EXPECT_TRUE(poster_->is_abandoned);
    EXPECT_THAT(storage_->outbox().take_due(10, 1s), IsOkAnd(SizeIs(1)));
    sender().stop();
}

}  // namespace
}  // namespace opslab::testing
