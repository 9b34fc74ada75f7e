#include <opslab/docker/container_settings.hpp>

#include <gmock/gmock.h>

#include <cstdlib>

namespace opslab::docker {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(DockerMemorySize, NumberAndUnitAreBytes) {
    EXPECT_THAT(parse_size(""), Optional(Eq(0)));
    EXPECT_THAT(parse_size("1048576"), Optional(Eq(1'048'576)));
    EXPECT_THAT(parse_size("17b"), Optional(Eq(17)));
    EXPECT_THAT(parse_size("2k"), Optional(Eq(2048)));
    EXPECT_THAT(parse_size("512m"), Optional(Eq(536'870'912)));
    EXPECT_THAT(parse_size("4g"), Optional(Eq(std::int64_t{4} << 30U)));
    EXPECT_THAT(parse_size("4G"), Optional(Eq(std::int64_t{4} << 30U)));
}

TEST(DockerMemorySize, WhatIsNoSizeIsRefused) {
    for (const char* text :
         {"g", "4 g", " 4g", "4gb", "-4g", "4.5g", "0x10", "9999999999g", "99999999999999999999"}) {
        EXPECT_THAT(parse_size(text), Eq(std::nullopt)) << text;
    }
}

TEST(DockerSettings, OnlyTheImageIsNeeded) {
    const auto settings = read_container_settings(R"({"image":"driver:1"})");

    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->spec.image, "driver:1");
    EXPECT_EQ(settings->spec.pull, PullPolicy::missing);
    EXPECT_EQ(settings->spec.memory_bytes, 0);
    EXPECT_EQ(settings->spec.network, "bridge");
    EXPECT_EQ(settings->spec.scope, "default");
    EXPECT_TRUE(settings->spec.has_init);
    EXPECT_FALSE(settings->spec.is_read_only);
    EXPECT_THAT(settings->spec.entrypoint, Eq(std::nullopt));
}

TEST(DockerSettings, AllLimitsAreTaken) {
    const auto settings = read_container_settings(
        R"({"image":"i","memory":"4g","cpus":1.5,"pids_limit":64,"network":"none",)"
        R"("read_only":true,"pull":"never","engine_away_seconds":5,"socket":"/run/e.sock"})"
    );

    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->spec.memory_bytes, std::int64_t{4} << 30U);
    EXPECT_EQ(settings->spec.nano_cpus, 1'500'000'000);
    EXPECT_EQ(settings->spec.pids_limit, 64);
    EXPECT_EQ(settings->spec.network, "none");
    EXPECT_TRUE(settings->spec.is_read_only);
    EXPECT_EQ(settings->spec.pull, PullPolicy::never);
    EXPECT_EQ(settings->spec.away_limit, std::chrono::seconds{5});
    EXPECT_EQ(settings->address.socket_path, "/run/e.sock");
}

TEST(DockerSettings, NamedVariablesAreTakenFromTheEnvironmentAndUnsetOnesLeftOut) {
    ASSERT_EQ(::setenv("OPSLAB_TEST_KEY", "from outside", 1), 0);

    const auto settings = read_container_settings(
        R"({"image":"i","environment":["OPSLAB_TEST_KEY","OPSLAB_TEST_UNSET"],)"
        R"("variables":{"LEVEL":"3"}})"
    );

    ASSERT_EQ(::unsetenv("OPSLAB_TEST_KEY"), 0);
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT(
        settings->spec.variables,
        UnorderedElementsAre(Pair("OPSLAB_TEST_KEY", "from outside"), Pair("LEVEL", "3"))
    );
}

struct Refused {
    const char* setting;
    const char* config;
};

TEST(DockerSettings, RefusalNamesTheSettingAndNoValueOfAVariable) {
    for (const Refused& refused : {
             Refused{"memory", R"({"image":"i","memory":"lots"})"},
             Refused{"memory", R"({"image":"i","memory":"1m"})"},
             Refused{"environment", R"({"image":"i","environment":["A=B"]})"},
             Refused{"variables", R"({"image":"i","variables":{"A B":"secret"}})"},
             Refused{"variables", R"({"image":"i","variables":{"A":"secret\u0000"}})"},
             Refused{"labels", R"({"image":"i","labels":{"opslab.run":"x"}})"},
             Refused{"socket", R"({"image":"i","socket":"docker.sock"})"},
             Refused{"schema", R"({"image":"i","variables":{"A":["secret"]}})"},
             Refused{"schema", R"({"variables":{"A":"secret"}})"},
         }) {
        const auto settings = read_container_settings(refused.config);
        ASSERT_FALSE(settings) << refused.config;
        EXPECT_EQ(settings.error().code, RunnerErrc::invalid);
        EXPECT_THAT(settings.error().message, HasSubstr(refused.setting));
        EXPECT_THAT(settings.error().message, Not(HasSubstr("secret")));
    }
}

}  // namespace
}  // namespace opslab::docker
