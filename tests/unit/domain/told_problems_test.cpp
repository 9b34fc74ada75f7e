#include "domain/told_problems.hpp"

#include "base/json.hpp"
#include "domain/worker_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Json registration_with(Json capabilities) {
    return {
        {"id", "worker-001-docker"},
        {"backend_type", "docker"},
        {"capabilities", std::move(capabilities)},
    };
}

std::vector<FieldError> mistakes_in(Json problems) {
    std::vector<FieldError> errors;
    const auto worker =
        decode_registration(registration_with({{"problems", std::move(problems)}}), errors);
    EXPECT_EQ(worker.has_value(), errors.empty());
    return errors;
}

/// As it comes back from the storage.
Worker worker_with(Json capabilities) {
    std::vector<FieldError> errors;
    auto decoded = decode_registration(registration_with(std::move(capabilities)), errors);
    EXPECT_THAT(errors, IsEmpty());
    auto kept = with_new_problems_alone(decoded.value());
    return {
        .id = kept.id,
        .supported_problems = kept.supported_problems,
        .capabilities_json = kept.capabilities_json,
    };
}

TEST(ToldProblems, AreWhatTheWorkerKnowsBeyondTheTable) {
    const auto worker = worker_with(
        {{"problems",
          {{{"id", "container_kill-detection"}, {"task_type", "detection"}},
           {{"id", "new-detection-1"},
            {"task_type", "detection"},
            {"application", "hotel-reservation"},
            {"deployment", "kubernetes"},
            {"needs", {"chaos-mesh"}},
            {"from a later version", 1}},
           {{"id", "new-detection-1"}, {"task_type", "analysis"}}}},
         {"own", 1}}
    );

    EXPECT_THAT(
        problems_of(worker),
        ElementsAre(CataloguedProblem{
            .id = "new-detection-1",
            .task_type = "detection",
            .application = "hotel-reservation",
            .deployment = "kubernetes",
            .needs = {"chaos-mesh"},
            .told_by = "worker-001-docker"})
    );
    const auto kept = parse_json(worker.capabilities_json).value();
    EXPECT_THAT(kept.at("problems"), SizeIs(1));
    EXPECT_EQ(kept.at("own"), 1);
}

TEST(ToldProblems, AreTheIdsOfSupportedProblemsThatAreNoPatterns) {
    const auto worker = worker_with({{"supported_problems", {"pod_*", "mine", "any-?", "yours"}}});

    EXPECT_THAT(
        problems_of(worker),
        ElementsAre(Field(&CataloguedProblem::id, "mine"), Field(&CataloguedProblem::id, "yours"))
    );
}

TEST(ToldProblems, AreRefusedWithEveryEntryThatIsWrong) {
    const auto errors = mistakes_in(
        {{{"id", ""}},
         {{"id", "fine"}, {"task_type", nullptr}},
         "text",
         {{"task_type", "detection"}},
         {{"id", "a"}, {"application", "With Blank"}},
         {{"id", "a"}, {"needs", {1}}},
         {{"id", std::string(256, 'x')}, {"deployment", 1}}}
    );

    ASSERT_THAT(errors, SizeIs(6));
    EXPECT_EQ(errors[0].field, "/capabilities/problems/0/id");
    EXPECT_EQ(errors[1].field, "/capabilities/problems/2");
    EXPECT_EQ(errors[2].field, "/capabilities/problems/3/id");
    EXPECT_EQ(errors[3].field, "/capabilities/problems/4/application");
    EXPECT_EQ(errors[4].field, "/capabilities/problems/5/needs");
    EXPECT_EQ(errors[5].field, "/capabilities/problems/6/id");
}

TEST(ToldProblems, AreBounded) {
    Json many = Json::array();
    for (std::size_t i = 0; i <= kMaxToldProblems; ++i) {
        many.push_back({{"id", "p" + std::to_string(i)}});
    }

    ASSERT_THAT(mistakes_in(many), SizeIs(1));
    EXPECT_THAT(mistakes_in(many)[0].message, HasSubstr("1000"));
    many.erase(0);
    EXPECT_THAT(mistakes_in(many), IsEmpty());
    EXPECT_THAT(
        mistakes_in({{{"id", "a"}, {"needs", std::vector<std::string>(17, "chaos-mesh")}}}),
        SizeIs(1)
    );
}

TEST(ToldProblems, OfAnotherVersionAreReadAsFarAsTheyCanBe) {
    const Worker worker{
        .id = WorkerId{"worker-001-a"},
        .capabilities_json = R"({"problems": [1, {"id": ""}, {"id": "fine"}, {"id": 7}]})"};

    EXPECT_THAT(problems_of(worker), ElementsAre(Field(&CataloguedProblem::id, "fine")));
    EXPECT_THAT(problems_of(Worker{.capabilities_json = R"({"problems": "x"})"}), IsEmpty());
    EXPECT_THAT(problems_of(Worker{.capabilities_json = "no JSON"}), IsEmpty());
}

TEST(ToldProblems, LeaveARegistrationWithoutThemAsItIs) {
    for (const std::string text : {R"({"own":1})", R"({"problems":null})", "no JSON"}) {
        const NewWorker worker{.capabilities_json = text};

        EXPECT_EQ(with_new_problems_alone(worker), worker);
    }
}

}  // namespace
}  // namespace opslab
