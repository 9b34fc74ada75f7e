#include "domain/problem_catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(ProblemCatalogue, HoldsEveryProblemOfTheRegistry) {
    const auto& catalogue = ProblemCatalogue::aiopslab();

    EXPECT_THAT(catalogue.problems(), SizeIs(89));
    EXPECT_THAT(catalogue.commit(), SizeIs(40));
    EXPECT_THAT(
        catalogue.task_types(), ElementsAre("analysis", "detection", "localization", "mitigation")
    );
    EXPECT_THAT(
        catalogue.applications(),
        ElementsAre("astronomy-shop", "flower", "hotel-reservation", "social-network")
    );
}

TEST(ProblemCatalogue, KnowsAnIdExactly) {
    const auto& catalogue = ProblemCatalogue::aiopslab();

    EXPECT_TRUE(catalogue.holds("container_kill-detection"));
    EXPECT_FALSE(catalogue.holds("container_kill-detection "));
    EXPECT_FALSE(catalogue.holds("Container_kill-detection"));
    EXPECT_FALSE(catalogue.holds(""));
}

TEST(ProblemCatalogue, TakesInWhatItDoesNotHoldAndChangesNothingThatItHolds) {
    const auto& table = ProblemCatalogue::aiopslab();

    const auto all = table.with({
        {.id = "container_kill-detection", .task_type = "guessing", .told_by = "worker-001-a"},
        {.id = "new", .task_type = "planning", .application = "shop", .told_by = "worker-001-a"},
        {.id = "new", .task_type = "other", .told_by = "worker-002-a"},
        {.id = "bare", .told_by = "worker-002-a"},
    });

    EXPECT_THAT(all.problems(), SizeIs(91));
    EXPECT_EQ(all.problems()[89].task_type, "planning");
    EXPECT_EQ(all.problems()[89].told_by, "worker-001-a");
    EXPECT_TRUE(all.holds("bare"));
    EXPECT_THAT(
        all.task_types(),
        ElementsAre("analysis", "detection", "localization", "mitigation", "planning")
    );
    EXPECT_TRUE(all.applications().contains("shop"));
    EXPECT_FALSE(all.applications().contains(""));
    EXPECT_THAT(table.problems(), SizeIs(89));
}

}  // namespace
}  // namespace opslab
