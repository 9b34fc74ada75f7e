#include "plugin/plugin_config.hpp"

#include "temp_folder.hpp"

#include <opslab/testing/matchers.hpp>

namespace opslab::plugin {
namespace {

namespace fs = std::filesystem;
using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;
using ::opslab::testing::IsOkAnd;
using ::testing::ElementsAre;

config::Environment no_environment() {
    return [](const std::string&) { return std::optional<std::string>{}; };
}

Result<Library> fake() {
    return Library::open(
        fs::path(OPSLAB_TEST_PLUGIN_DIR) / "runner-fake.so", Expected{Kind::runner, "fake"}
    );
}

/// A folder with the fake runner, and configurations that use it.
class CheckedConfig : public ::testing::Test {
protected:
    CheckedConfig() { folder_.copy_plugin("runner-fake", "runner-fake.so"); }

    std::string mistakes(const std::string& rest) {
        const auto file = folder_.write(
            "opslab.yaml", "plugins: {path: [" + folder_.path().string() + "]}\n" + rest
        );
        const auto checked = check_config(file, no_environment());
        std::string text = checked ? "" : config::to_text(checked.error());
        for (const std::string& place : {places(), folder_.path().string() + "/"}) {
            for (auto at = text.find(place); at != std::string::npos; at = text.find(place)) {
                text.replace(at, place.size(), place.ends_with('/') ? "" : "PLACES");
            }
        }
        return text;
    }

    /// All folders that are looked in, as messages name them.
    std::string places() const {
        std::string text;
        for (const auto& folder : plugin_folders({folder_.path().string()})) {
            text += (text.empty() ? "" : ", ") + folder.string();
        }
        return text;
    }

    TempFolder folder_{};
};

TEST(FinishedConfig, DefaultsAreFilledIn) {
    const auto library = fake();
    ASSERT_THAT(library, IsOk());

    EXPECT_THAT(
        finished_config(library->description(), R"({"health":"fine"})"),
        IsOkAnd(R"({"health":"fine","start_limit":1000,"unhealthy":false})")
    );
}

TEST(FinishedConfig, EveryMistakeInJsonIsAFieldWithItsPointer) {
    const auto library = fake();
    ASSERT_THAT(library, IsOk());

    const auto finished =
        finished_config(library->description(), R"({"start_limit":0,"unhealty":true})");

    ASSERT_THAT(
        finished,
        IsErrorAnd(
            Errc::invalid_argument,
            "runner \"fake\": its settings are wrong: start_limit: expected an integer from 1 to "
            "1000, found 0"
        )
    );
    EXPECT_THAT(
        finished.error().fields,
        ElementsAre(
            FieldError{"/start_limit", "expected an integer from 1 to 1000, found 0"},
            FieldError{"/unhealty", "unknown key; did you mean \"unhealthy\"?"}
        )
    );
}

TEST(FinishedConfig, FinishedTextPassesUnchanged) {
    const auto library = fake();
    ASSERT_THAT(library, IsOk());
    const std::string text = R"({"health":"in order","start_limit":7,"unhealthy":true})";

    EXPECT_THAT(finished_config(library->description(), text), IsOkAnd(text));
}

TEST_F(CheckedConfig, ARunnersOwnMistakesHaveTheirPlacesInTheFile) {
    EXPECT_EQ(
        mistakes("storage: {plugin: missing}\n"
                 "runners:\n"
                 "  - name: a\n"
                 "    plugin: fake\n"
                 "    config:\n"
                 "      start_limit: many\n"
                 "      helth: x\n"
                 "  - {name: b, plugin: fak}\n"),
        "opslab.yaml:2:19: storage.plugin: no storage plugin \"missing\" in PLACES\n"
        "opslab.yaml:7:20: runners[0].config.start_limit: expected an integer from 1 to 1000, "
        "found \"many\"\n"
        "opslab.yaml:8:7: runners[0].config.helth: unknown key; did you mean \"health\"?\n"
        "opslab.yaml:9:23: runners[1].plugin: no runner plugin \"fak\" in PLACES; did you mean "
        "\"fake\"?\n"
    );
}

TEST_F(CheckedConfig, OurMistakesAndThePluginsAreToldTogetherInOrder) {
    EXPECT_EQ(
        mistakes("heartbeat: {interval_seconds: 0}\n"
                 "storage: {plugin: missing}\n"
                 "runners:\n"
                 "  - {name: a, plugin: fake, config: {start_limit: 0}}\n"
                 "sweep: {interval_seconds: 11}\n"),
        "opslab.yaml:2:31: heartbeat.interval_seconds: expected an integer from 1 to 3600, found "
        "0\n"
        "opslab.yaml:3:19: storage.plugin: no storage plugin \"missing\" in PLACES\n"
        "opslab.yaml:5:51: runners[0].config.start_limit: expected an integer from 1 to 1000, "
        "found 0\n"
        "opslab.yaml:6:27: sweep.interval_seconds: expected an integer from 1 to 10, found 11\n"
    );
}

}  // namespace
}  // namespace opslab::plugin
