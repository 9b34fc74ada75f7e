#include "domain/problem_catalogue.hpp"

#include "base/json.hpp"
#include "domain/task_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

std::vector<FieldError> refusals(const std::string& problem, bool strict) {
    std::vector<FieldError> errors;
    const Json request = {{"problem_id", problem}};
    const auto task = decode_task_request(request, "/tasks/3", {.strict_problems = strict}, errors);
    EXPECT_EQ(task.has_value(), errors.empty());
    return errors;
}

TEST(StrictProblems, RefuseWhatIsNotInTheCatalogue) {
    const auto errors = refusals("no-such-problem", true);

    ASSERT_THAT(errors, SizeIs(1));
    EXPECT_EQ(errors[0].field, "/tasks/3/problem_id");
    EXPECT_THAT(refusals("container_kill-detection", true), SizeIs(0));
}

TEST(StrictProblems, AreNotTheDefault) {
    EXPECT_THAT(refusals("no-such-problem", false), SizeIs(0));
}

TEST(StrictProblems, ComplainOnceAboutAProblemThatIsEmpty) {
    EXPECT_THAT(refusals("", true), SizeIs(1));
}

}  // namespace
}  // namespace opslab
