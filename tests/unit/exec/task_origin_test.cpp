#include <opslab/exec/task_origin.hpp>

#include <gmock/gmock.h>

#include <string>

namespace opslab::exec {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(TaskOrigin, BecomesVariablesOfTheDriver) {
    EXPECT_THAT(
        origin_variables(R"({"attempt":1, "request_id" : "mine.1","traceparent":"00-ab-cd-01"})"),
        UnorderedElementsAre(
            Pair("TRACEPARENT", "00-ab-cd-01"), Pair("OPSLAB_REQUEST_ID", "mine.1")
        )
    );
    EXPECT_THAT(origin_variables(R"({"attempt":1})"), IsEmpty());
}

TEST(TaskOrigin, NothingInsideTheTasksOwnObjectsPassesForIt) {
    for (const char* text :
         {R"({"metadata":{"traceparent":"x"},"list":["request_id"]})",
          R"({"problem_id":"traceparent","task_id":"\",\"traceparent\":\"x\""})",
          R"({"traceparent":1,"request_id":null})",
          R"({"traceparent":{"traceparent":"x"}})"}) {
        EXPECT_THAT(origin_variables(text), IsEmpty()) << text;
    }
}

TEST(TaskOrigin, WhatIsNoPlainWordIsLeftOut) {
    for (const auto& text :
         {std::string(R"({"traceparent":"a b"})"),
          std::string(R"({"traceparent":"a\nb"})"),
          std::string(R"({"traceparent":""})"),
          std::string(R"({"traceparent":"x)"),
          std::string(R"({"traceparent")"),
          "{\"traceparent\":\"" + std::string(200, 'a') + "\"}"}) {
        EXPECT_THAT(origin_variables(text), IsEmpty()) << text;
    }
}

}  // namespace
}  // namespace opslab::exec
