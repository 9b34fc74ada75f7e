#include "daemon/embedded_ids.hpp"

#include "storage-memory/memory_storage.hpp"
#include "unit/daemon/absent_workers.hpp"

#include <opslab/testing/fakes.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

namespace opslab {
namespace {

using opslab::testing::AbsentWorkers;
using opslab::testing::CapturingLogger;
using opslab::testing::FakeClock;
using opslab::testing::FakeEntropy;

class EmbeddedIdsTest : public ::testing::Test {
protected:
    EmbeddedIdsTest() {
        std::string pattern = ::testing::TempDir() + "opslab-ids-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~EmbeddedIdsTest() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<EmbeddedIds> coordinator(const std::string& name) {
        return std::move(*EmbeddedIds::open(folder_ / name, workers_, clock_, entropy_));
    }
    static NewWorker worker(const EmbeddedIds& ids) {
        return NewWorker{
            .id = WorkerId{"worker-001-process"},
            .backend_type = "process",
            .metadata_json = ids.metadata_json()};
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    std::unique_ptr<Storage> storage_ =
        memory::make_storage(StorageHost{clock_, entropy_, logger_});
    AbsentWorkers workers_{storage_->workers()};
    std::filesystem::path folder_;
};

TEST_F(EmbeddedIdsTest, AnIdIsOfTheCoordinatorThatTookItFirst) {
    const auto one = coordinator("one");
    const auto two = coordinator("two");

    EXPECT_TRUE(one->take(worker(*one)).value());
    EXPECT_FALSE(two->take(worker(*two)).value());
    EXPECT_TRUE(one->take(worker(*one)).value());
}

TEST_F(EmbeddedIdsTest, WhileTheDatabaseCannotAnswerNobodysIdIsTaken) {
    const auto one = coordinator("one");
    const auto two = coordinator("two");
    ASSERT_TRUE(one->take(worker(*one)).value());

    workers_.go_away(true);
    const auto unknown = two->take(worker(*two));
    workers_.go_away(false);

    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code, Errc::unavailable);
    EXPECT_FALSE(two->take(worker(*two)).value());
}

TEST_F(EmbeddedIdsTest, AnIdWhoseAnswerWasLostIsOursWhenWeAskAgain) {
    const auto one = coordinator("one");

    workers_.lose_next_answer();
    EXPECT_FALSE(one->take(worker(*one)).has_value());

    EXPECT_TRUE(one->take(worker(*one)).value());
}

}  // namespace
}  // namespace opslab
