#include "settings.hpp"

#include <opslab/testing/runner_conformance.hpp>

namespace opslab::runner_exec {
namespace {

using ::testing::ElementsAre;
using testing::FailsAs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ExecSettings, OnlyRunIsNeeded) {
    const auto settings = read_settings(R"({"run":["a","b"]})");

    ASSERT_TRUE(settings);
    EXPECT_THAT(settings->run, ElementsAre("a", "b"));
    EXPECT_THAT(settings->prepare, IsEmpty());
    EXPECT_EQ(settings->call_timeout, std::chrono::seconds{120});
    EXPECT_EQ(settings->memory_bytes, 0U);
}

TEST(ExecSettings, MemoryIsCountedInMebibytes) {
    EXPECT_EQ(read_settings(R"({"run":["a"],"memory_mb":3})")->memory_bytes, 3U << 20U);
}

TEST(ExecSettings, NulInACommandIsRefusedByItsName) {
    for (const char* which : {"prepare", "run", "stop", "cleanup"}) {
        std::string text = R"({"run":["a"],"WHICH":["a","b\u0000c"]})";
        text.replace(text.find("WHICH"), 5, which);

        const auto settings = read_settings(text);

        ASSERT_THAT(settings, FailsAs(RunnerErrc::invalid)) << which;
        EXPECT_THAT(settings.error().message, HasSubstr(std::string{which} + ": "));
    }
}

TEST(ExecSettings, BadVariableIsRefusedWithoutItsValue) {
    const auto settings = read_settings(R"({"run":["a"],"variables":{"A=B":"very secret"}})");

    ASSERT_THAT(settings, FailsAs(RunnerErrc::invalid));
    EXPECT_THAT(settings.error().message, Not(HasSubstr("secret")));
    EXPECT_THAT(
        read_settings(R"({"run":["a"],"variables":{"A":["very secret"]}})").error().message,
        ::testing::StrEq("the settings are not as the plugin's schema says")
    );
}

}  // namespace
}  // namespace opslab::runner_exec
