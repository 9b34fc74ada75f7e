#include "base/trace_context.hpp"

#include <gmock/gmock.h>

#include <string>

namespace opslab {
namespace {

using ::testing::Eq;
using ::testing::Optional;

const std::string kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, GoodOneIsTakenAsItIs) {
    EXPECT_THAT(parse_traceparent(kGood), Optional(kGood));
    EXPECT_EQ(trace_id_of(kGood), "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(trace_id_of(""), "");
}

TEST(TraceContext, LaterVersionIsReadAsFarAsItIsKnown) {
    EXPECT_THAT(parse_traceparent("cc" + kGood.substr(2) + "-what-comes"), Optional(kGood));
    EXPECT_THAT(parse_traceparent("cc" + kGood.substr(2)), Optional(kGood));
    EXPECT_THAT(parse_traceparent("cc" + kGood.substr(2) + ".x"), Eq(std::nullopt));
}

TEST(TraceContext, AnythingElseIsNone) {
    const std::string zeros(32, '0');
    for (const auto& text :
         {std::string(),
          std::string("00"),
          kGood.substr(1),
          kGood + "0",
          kGood + "-more",
          "ff" + kGood.substr(2),
          "0g" + kGood.substr(2),
          "00_" + kGood.substr(3),
          "00-" + zeros + kGood.substr(35),
          kGood.substr(0, 36) + std::string(16, '0') + "-01",
          "00-4BF92F3577B34DA6A3CE929D0E0E4736" + kGood.substr(35),
          kGood.substr(0, 53) + "0x",
          std::string("cc") + kGood.substr(2) + "-" + std::string(600, 'a')}) {
        EXPECT_THAT(parse_traceparent(text), Eq(std::nullopt)) << text;
    }
}

}  // namespace
}  // namespace opslab
