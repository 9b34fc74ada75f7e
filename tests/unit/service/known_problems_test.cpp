#include "service/known_problems.hpp"

#include "service/unknown_problems.hpp"
#include "service/worker_service.hpp"
#include "service_fixture.hpp"

#include <gmock/gmock.h>

#include <string>

namespace opslab::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The workers of a storage, which counts how often they are listed.
class CountedWorkers final : public WorkerStore {
public:
    explicit CountedWorkers(WorkerStore& inner) : inner_(inner) {}

    int reads = 0;
    bool away = false;

    Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override {
        return inner_.enroll(worker, takeover);
    }
    Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override {
        return inner_.heartbeat(beats, policy);
    }
    Status retire(const WorkerId& worker) override { return inner_.retire(worker); }
    Result<Worker> find(const WorkerId& worker) override { return inner_.find(worker); }
    Result<std::vector<Worker>> list(const WorkerQuery& query) override {
        ++reads;
        if (away) {
            return fail(Errc::unavailable, "the database is away");
        }
        return inner_.list(query);
    }
    Result<WorkerStats> stats(const WorkerId& worker) override { return inner_.stats(worker); }

private:
    WorkerStore& inner_;
};

class KnownProblemsTest : public ServiceFixture {
protected:
    /// Through another coordinator: nobody here is told.
    void enroll_elsewhere(const std::string& id, std::vector<std::string> problems) {
        const NewWorker worker{
            .id = WorkerId{id}, .backend_type = "kind", .supported_problems = std::move(problems)};
        ASSERT_TRUE(storage_->workers().enroll(worker, Takeover::succeed));
    }

    std::vector<std::size_t> unknown(const std::vector<std::string_view>& ids) {
        return known_.unknown_among(ids).value();
    }

    CountedWorkers workers_{storage_->workers()};
    KnownProblems known_{workers_, hub_, clock_, logger_};
};

TEST_F(KnownProblemsTest, AreTheTableAndWhatWorkersTellOf) {
    enroll_elsewhere("worker-002-kind", {"theirs", "mine"});
    enroll_elsewhere("worker-001-kind", {"mine", "container_kill-detection", "pod_*"});

    const auto all = known_.all().value();

    ASSERT_EQ(all->problems().size(), 91U);
    EXPECT_EQ(all->problems()[89].id, "mine");
    EXPECT_EQ(all->problems()[89].told_by, "worker-001-kind");
    EXPECT_EQ(all->problems()[90].id, "theirs");
    EXPECT_THAT(unknown({"mine", "no", "container_kill-detection", "pod_*"}), ElementsAre(1U, 3U));
}

TEST_F(KnownProblemsTest, OfTheTableCostNoRead) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(unknown({"container_kill-detection"}), IsEmpty());
        clock_.advance(std::chrono::minutes{2});
    }

    EXPECT_EQ(workers_.reads, 0);
}

TEST_F(KnownProblemsTest, OfWorkersCostAReadAMinuteAndOthersOneASecondAtMost) {
    enroll_elsewhere("worker-001-kind", {"mine"});
    for (int i = 0; i < 1000; ++i) {
        EXPECT_THAT(unknown({"mine"}), IsEmpty());
    }
    EXPECT_EQ(workers_.reads, 1);

    for (int i = 0; i < 1000; ++i) {
        EXPECT_THAT(unknown({"no"}), ElementsAre(0U));
    }
    EXPECT_EQ(workers_.reads, 1);

    clock_.advance(std::chrono::seconds{2});
    unknown({"mine"});
    EXPECT_EQ(workers_.reads, 1);
    unknown({"no"});
    EXPECT_EQ(workers_.reads, 2);
    clock_.advance(std::chrono::seconds{61});
    unknown({"mine"});
    EXPECT_EQ(workers_.reads, 3);
}

TEST_F(KnownProblemsTest, OfAWorkerThatRegistersElsewhereAreSeenWithinASecond) {
    EXPECT_THAT(unknown({"mine"}), ElementsAre(0U));
    enroll_elsewhere("worker-001-kind", {"mine"});

    clock_.advance(KnownProblems::kFresh + Duration{1});

    EXPECT_THAT(unknown({"mine"}), IsEmpty());
}

TEST_F(KnownProblemsTest, OfAWorkerThatRegistersHereAreSeenAtOnce) {
    WorkerService service{*storage_, clock_, entropy_, hub_, observer_, {}};
    EXPECT_THAT(unknown({"mine"}), ElementsAre(0U));

    const NewWorker worker{
        .id = kWorker,
        .backend_type = "kind",
        .capabilities_json =
            R"({"problems": [{"id": "mine"}, {"id": "container_kill-detection"}]})"};
    const auto enrolled = service.enroll(worker, Takeover::refuse);

    ASSERT_TRUE(enrolled);
    EXPECT_EQ(enrolled->capabilities_json, R"({"problems":[{"id":"mine"}]})");
    EXPECT_THAT(unknown({"mine"}), IsEmpty());
}

TEST_F(KnownProblemsTest, GoWithTheLastWorkerThatIsForgotten) {
    enroll_elsewhere("worker-001-kind", {"mine"});
    const SweepPolicy policy{.worker_retention = std::chrono::hours{1}};
    clock_.advance(std::chrono::minutes{30});
    ASSERT_TRUE(storage_->runs().sweep(policy));
    EXPECT_THAT(unknown({"mine"}), IsEmpty());  // offline, but not forgotten

    clock_.advance(std::chrono::hours{1});
    ASSERT_TRUE(storage_->runs().sweep(policy));

    EXPECT_THAT(unknown({"mine"}), ElementsAre(0U));
}

TEST_F(KnownProblemsTest, ThatMustBeAskedForAreAnErrorWhileTheStorageIsAway) {
    workers_.away = true;

    EXPECT_FALSE(known_.all());
    EXPECT_FALSE(known_.unknown_among({"mine"}));
    EXPECT_THAT(unknown({"container_kill-detection"}), IsEmpty());
    workers_.away = false;
    EXPECT_TRUE(known_.all());
}

TEST_F(KnownProblemsTest, AreBoundedOverAllWorkersAndThatIsSaidOnce) {
    for (int worker = 100; worker < 112; ++worker) {
        std::vector<std::string> many;
        for (int i = 0; i < 1000; ++i) {
            many.push_back("p" + std::to_string(worker) + "-" + std::to_string(i));
        }
        enroll_elsewhere("worker-" + std::to_string(worker) + "-kind", many);
    }

    EXPECT_EQ(known_.all().value()->problems().size(), 89U + KnownProblems::kMaxTold);
    clock_.advance(std::chrono::seconds{2});
    EXPECT_TRUE(known_.all());
    EXPECT_THAT(unknown({"p100-0", "p111-999"}), ElementsAre(1U));
    EXPECT_EQ(logger_.lines().size(), 1U);
}

TEST_F(KnownProblemsTest, ThatNobodyKnowsAreLoggedOnceAndThenCostNothing) {
    enroll_elsewhere("worker-001-kind", {"mine"});
    UnknownProblems unknown{known_, logger_};
    NewTask mine;
    mine.problem_id = "mine";
    NewTask odd;
    odd.problem_id = "odd";

    unknown.tell_of_those_in({mine, odd, odd});
    const auto reads = workers_.reads;
    for (int i = 0; i < 10; ++i) {
        clock_.advance(std::chrono::minutes{2});
        unknown.tell_of_those_in({odd});
    }

    ASSERT_EQ(logger_.lines().size(), 1U);
    EXPECT_EQ(logger_.lines()[0].field("problem_id"), "odd");
    EXPECT_EQ(workers_.reads, reads);
}

}  // namespace
}  // namespace opslab::testing
