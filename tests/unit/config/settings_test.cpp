#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace opslab::config {
namespace {

Environment no_environment() {
    return [](const std::string&) { return std::optional<std::string>{}; };
}

std::string mistakes(std::string_view text) {
    const auto settings = parse_settings(text, "opslab.yaml", no_environment());
    return settings ? "" : to_text(settings.error());
}

TEST(Settings, NoFileIsAWorkingSetUp) {
    const auto settings = load_settings(std::nullopt, no_environment());

    ASSERT_TRUE(settings) << to_text(settings.error());
    EXPECT_EQ(settings->server.listen, (ListenAddress{"127.0.0.1", 8000}));
    EXPECT_EQ(settings->storage.plugin, "sqlite");
    EXPECT_EQ(settings->server.max_body_bytes, 8 * 1024 * 1024);
    EXPECT_TRUE(settings->runners.empty());
    EXPECT_EQ(settings->worker_retention, std::chrono::hours{7 * 24});
}

TEST(Settings, OfflineWorkersAreKeptForAsLongAsTheFileSays) {
    const auto settings =
        parse_settings("retention: {offline_workers_days: 0}\n", "opslab.yaml", no_environment());

    ASSERT_TRUE(settings) << to_text(settings.error());
    EXPECT_EQ(settings->worker_retention, std::chrono::hours{0});
}

TEST(Settings, AllMistakesAreReportedAtOnceInOrder) {
    EXPECT_EQ(
        mistakes("server:\n  lisen: x\nheartbeat: {interval_seconds: ten}\nlog:\n  level: info\n"
                 "  level: debug\n"),
        "opslab.yaml:2:3: server.lisen: unknown key; did you mean \"listen\"?\n"
        "opslab.yaml:3:31: heartbeat.interval_seconds: expected an integer from 1 to 3600, found "
        "\"ten\"\n"
        "opslab.yaml:6:3: log.level: duplicate key; first on line 5\n"
    );
}

TEST(Settings, AnUnsetVariableIsNamedWithItsPlace) {
    EXPECT_EQ(
        mistakes("server: {token_file: \"${TOKEN}\"}\n"),
        "opslab.yaml:1:22: server.token_file: expected the environment variable TOKEN, found it "
        "unset; write ${TOKEN:-default} to do without\n"
    );
}

TEST(Settings, AVariableGivesAValueOfAnyTypeInQuotesOrNot) {
    const Environment environment = [](const std::string& name) {
        return name == "BEAT" ? std::optional<std::string>{"7"} : std::nullopt;
    };
    for (const char* text :
         {"heartbeat: {interval_seconds: ${BEAT}, timeout_seconds: ${OUT:-21}}\n"
          "callbacks: {allow_private: ${PRIVATE:-true}, secret_file: ${FILE:-7}}\n",
          "heartbeat: {interval_seconds: \"${BEAT}\", timeout_seconds: '${OUT:-21}'}\n"
          "callbacks: {allow_private: \"${PRIVATE:-true}\", secret_file: \"${FILE:-7}\"}\n",
          "heartbeat:\n  interval_seconds: ${BEAT}\n  timeout_seconds: ${OUT:-21}\n"
          "callbacks:\n  allow_private: ${PRIVATE:-true}\n  secret_file: ${FILE:-7}\n"}) {
        const auto settings = parse_settings(text, "opslab.yaml", environment);
        ASSERT_TRUE(settings) << text << to_text(settings.error());
        EXPECT_EQ(settings->heartbeat.interval, std::chrono::seconds{7});
        EXPECT_EQ(settings->heartbeat.timeout, std::chrono::seconds{21});
        EXPECT_TRUE(settings->callbacks.allow_private);
        EXPECT_EQ(settings->callbacks.secret_file, "7");
    }
}

TEST(Settings, AVariableOfAnotherTypeIsAMistakeAtItsPlaceWithoutItsValue) {
    const Environment environment = [](const std::string&) {
        return std::optional<std::string>{"hidden"};
    };
    const auto settings = parse_settings(
        "heartbeat: {interval_seconds: ${BEAT}, timeout_seconds: \"${OUT}\"}\n",
        "opslab.yaml",
        environment
    );
    ASSERT_FALSE(settings);
    EXPECT_EQ(
        to_text(settings.error()),
        "opslab.yaml:1:31: heartbeat.interval_seconds: expected an integer from 1 to 3600, found "
        "another value from the environment\n"
        "opslab.yaml:1:57: heartbeat.timeout_seconds: expected an integer from 2 to 86400, found "
        "another value from the environment\n"
    );
}

TEST(Settings, AWrongValueFromTheEnvironmentIsNotShown) {
    const Environment environment = [](const std::string& name) {
        return std::optional<std::string>{name == "TIME" ? "4321" : "Hidden"};
    };
    const auto settings = parse_settings(
        "plugins: {path: [\"x${A}\"]}\n"
        "heartbeat: {interval_seconds: 3600, timeout_seconds: ${TIME}}\n"
        "tasks: {retry_base_seconds: ${TIME}, retry_max_seconds: 5}\n"
        "runners:\n"
        "  - {name: \"p${A}\", plugin: process, config: {command: [x]}}\n"
        "workers: [{runner: \"q${A}\"}, {runner: pHiddem}]\n",
        "opslab.yaml",
        environment
    );
    ASSERT_FALSE(settings);
    const auto text = to_text(settings.error());
    for (const auto* place :
         {"plugins.path[0]",
          "tasks.retry_max_seconds",
          "runners[0].name",
          "workers[0].runner",
          "workers[1].runner"}) {
        EXPECT_NE(text.find(place), std::string::npos) << text;
    }
    EXPECT_EQ(text.find("Hidden"), std::string::npos) << text;
    EXPECT_EQ(text.find("4321"), std::string::npos) << text;
}

}  // namespace
}  // namespace opslab::config
