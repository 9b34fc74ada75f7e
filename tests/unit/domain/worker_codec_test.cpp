#include "domain/worker_codec.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> names(const std::vector<FieldError>& errors) {
    std::vector<std::string> fields;
    for (const auto& error : errors) {
        fields.push_back(error.field);
    }
    return fields;
}

TEST(WorkerId, HasItsForm) {
    EXPECT_EQ(parse_worker_id("worker-001-kind")->backend_type, "kind");
    EXPECT_EQ(parse_worker_id("worker-1234-my-own2")->number, 1234);
    for (const auto* bad :
         {"",
          "worker-01-kind",
          "worker-001",
          "worker-001-",
          "worker-001-Kind",
          "Worker-001-kind",
          "worker-001_kind",
          "worker-0000000001-kind",
          "worker-abc-kind",
          "worker-001-ki nd"}) {
        EXPECT_FALSE(parse_worker_id(bad)) << bad;
    }
    EXPECT_EQ(make_worker_id(7, "docker").value, "worker-007-docker");
}

TEST(Registration, ReadsSlotsAndGlobsAndKeepsOtherCapabilities) {
    std::vector<FieldError> errors;
    const auto json = parse_json(R"({"id":"worker-001-docker","backend_type":"docker",
        "capabilities":{"max_parallel_tasks":4,"supported_problems":["a*"],"gpu":true},
        "metadata":{"host":"h"}})");

    const auto worker = decode_registration(*json, errors);

    EXPECT_THAT(errors, IsEmpty());
    ASSERT_TRUE(worker);
    EXPECT_EQ(worker->max_parallel_tasks, 4);
    EXPECT_THAT(worker->supported_problems, ElementsAre("a*"));
    EXPECT_EQ(
        worker->capabilities_json,
        R"({"gpu":true,"max_parallel_tasks":4,"supported_problems":["a*"]})"
    );
}

TEST(Registration, AnIdMustEndInItsBackendType) {
    std::vector<FieldError> errors;

    EXPECT_FALSE(decode_registration(
        *parse_json(R"({"id":"worker-001-kind","backend_type":"docker"})"), errors
    ));

    EXPECT_THAT(names(errors), ElementsAre("/id"));
}

TEST(Registration, ReportsEveryMistake) {
    std::vector<FieldError> errors;

    EXPECT_FALSE(decode_registration(
        *parse_json(R"({"id":"w","capabilities":{"max_parallel_tasks":0,"supported_problems":[1]},
            "metadata":"m","x":1})"),
        errors
    ));

    EXPECT_THAT(
        names(errors),
        UnorderedElementsAre(
            "/backend_type",
            "/id",
            "/capabilities/max_parallel_tasks",
            "/capabilities/supported_problems",
            "/metadata",
            "/x"
        )
    );
}

NewWorker registered(const std::string& instance) {
    std::vector<FieldError> errors;
    const auto member = instance.empty() ? std::string() : R"(,"instance":")" + instance + '"';
    const auto worker = decode_registration(
        *parse_json(
            R"({"id":"worker-001-kind","backend_type":"kind","metadata":{"a":1})" + member + "}"
        ),
        errors
    );
    EXPECT_THAT(errors, IsEmpty());
    return worker.value_or(NewWorker{});
}

TEST(Registration, TheInstanceIsKnownAgainAndNeverShown) {
    const auto one = registered("0123456789abcdef");
    const auto other = registered("fedcba9876543210");
    const auto nobody = registered("");
    Worker known;
    known.metadata_json = one.metadata_json;
    Worker plain;
    plain.metadata_json = nobody.metadata_json;

    EXPECT_TRUE(same_instance(one, known));
    EXPECT_FALSE(same_instance(other, known));
    EXPECT_FALSE(same_instance(nobody, known));
    EXPECT_FALSE(same_instance(nobody, plain)) << "two without one are not the same";
    EXPECT_EQ(one.metadata_json.find("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(to_json(known)["metadata"], (Json{{"a", 1}}));
}

TEST(Registration, MetadataCannotPretendAnInstance) {
    std::vector<FieldError> errors;

    EXPECT_FALSE(decode_registration(
        *parse_json(R"({"id":"worker-001-kind","backend_type":"kind",
            "metadata":{"opslab.instance":"x"},"instance":"short"})"),
        errors
    ));

    EXPECT_THAT(names(errors), UnorderedElementsAre("/metadata", "/instance"));
}

TEST(HeartbeatRequest, KnowsIdleAndBusyOnly) {
    std::vector<FieldError> errors;

    EXPECT_FALSE(decode_heartbeat(
        *parse_json(R"({"worker_id":"worker-001-kind","status":"offline","current_task_id":"x"})"),
        errors
    ));

    EXPECT_THAT(names(errors), UnorderedElementsAre("/status", "/current_task_id"));
}

}  // namespace
}  // namespace opslab
