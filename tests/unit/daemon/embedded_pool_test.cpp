#include "daemon/embedded_pool.hpp"

#include "base/system_clock.hpp"
#include "daemon/embedded_ids.hpp"
#include "storage-memory/memory_storage.hpp"
#include "unit/daemon/absent_workers.hpp"
#include "unit/worker/fake_runner.hpp"

#include <opslab/testing/fakes.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

namespace opslab {
namespace {

using opslab::testing::AbsentWorkers;
using opslab::testing::CapturingLogger;
using opslab::testing::FakeRunner;

class EmbeddedPoolTest : public ::testing::Test {
protected:
    EmbeddedPoolTest() {
        std::string pattern = ::testing::TempDir() + "opslab-pool-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        ids_ = std::move(*EmbeddedIds::open(folder_, absent_, clock_, entropy_));
        // worker-001-fake is another coordinator's
        const NewWorker theirs{
            .id = WorkerId{"worker-001-fake"},
            .backend_type = "fake",
            .metadata_json = R"({"coordinator":"another"})"};
        EXPECT_TRUE(storage_->workers().enroll(theirs, Takeover::refuse).has_value());
    }
    ~EmbeddedPoolTest() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<EmbeddedPool> pool(int count) {
        EmbeddedPool::Settings settings;
        settings.take_id = [this](const NewWorker& worker) { return ids_->take(worker); };
        settings.metadata_json = ids_->metadata_json();
        settings.groups = {{.runner = "fake", .count = count}};
        return std::make_unique<EmbeddedPool>(
            workers_,
            std::map<std::string, Runner*>{{"fake", &runner_}},
            clock_,
            logger_,
            std::move(settings)
        );
    }
    /// Waits until a worker of that id is registered.
    void wait_until_known(const std::string& id) {
        while (!storage_->workers().find(WorkerId{id})) {
            std::this_thread::yield();
        }
    }

    SystemClock clock_;
    SystemEntropy entropy_;
    CapturingLogger logger_;
    std::unique_ptr<Storage> storage_ =
        memory::make_storage(StorageHost{clock_, entropy_, logger_});
    AbsentWorkers absent_{storage_->workers()};
    ChangeHub hub_;
    ServiceObserver observer_;
    WorkerService workers_{*storage_, clock_, entropy_, hub_, observer_, {}};
    FakeRunner runner_;
    std::filesystem::path folder_;
    std::unique_ptr<EmbeddedIds> ids_;
};

TEST_F(EmbeddedPoolTest, LeavesAnothersIdAloneEvenIfTheDatabaseCannotAnswerAtTheStart) {
    const auto pool = this->pool(1);
    absent_.go_away(true);
    ASSERT_TRUE(pool->start().has_value());
    absent_.wait_for_unanswered(2);
    absent_.go_away(false);
    wait_until_known("worker-002-fake");
    pool->drain(clock_.steady());

    const auto status = pool->status();
    ASSERT_EQ(status->loops.size(), 1U);
    EXPECT_EQ(status->loops[0].id.value, "worker-002-fake");
    EXPECT_EQ(
        storage_->workers().find(WorkerId{"worker-001-fake"})->metadata_json,
        R"({"coordinator":"another"})"
    );
}

TEST_F(EmbeddedPoolTest, AStopWhileTheDatabaseCannotAnswerEndsTheAsking) {
    const auto pool = this->pool(1);
    absent_.go_away(true);
    ASSERT_TRUE(pool->start().has_value());
    absent_.wait_for_unanswered(1);

    pool->drain(clock_.steady());

    EXPECT_TRUE(pool->status()->loops.empty());
}

TEST_F(EmbeddedPoolTest, ScalingUpIsRefusedWhileNoIdCanBeTaken) {
    const auto pool = this->pool(1);
    ASSERT_TRUE(pool->start().has_value());
    absent_.go_away(true);

    const auto scaled = pool->scale(3);

    ASSERT_FALSE(scaled.has_value());
    EXPECT_EQ(scaled.error().code, Errc::unavailable);
    EXPECT_EQ(pool->status()->loops.size(), 1U);
}

}  // namespace
}  // namespace opslab
