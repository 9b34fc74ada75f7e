// What a plugin owes its configuration: described, and refused where it is wrong.
#include "check/subject.hpp"
#include "config/node_json.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

namespace opslab::check {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Configuration : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "opslab-config-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        state_dir_ = pattern;
    }

    void TearDown() override {
        std::error_code failed;
        std::filesystem::remove_all(state_dir_, failed);
    }

    [[nodiscard]] Result<std::unique_ptr<Runner>> open(const config::Node& settings) const {
        return subject().open(state_dir_, config::node_to_json(settings));
    }

    [[nodiscard]] static const config::Schema& schema() { return subject().schema(); }

private:
    std::string state_dir_{};
};

void set(config::Node& settings, const std::string& key, config::Node value) {
    if (config::Node* known = settings.find(key)) {
        *known = std::move(value);
    } else {
        settings.members.push_back({key, {}, std::move(value)});
    }
}

// A value that the setting cannot take.
[[nodiscard]] config::Node wrong_for(const config::Schema& schema) {
    if (schema.type == config::Schema::Type::object) {
        return config::make_string("no object");
    }
    return config::make_object();
}

TEST_F(Configuration, GoodSettingsMakeARunner) {
    const auto opened = open(subject().given());

    EXPECT_TRUE(opened.has_value()) << opened.error().message;
}

TEST_F(Configuration, MisspeltSettingIsRefusedAndNamed) {
    config::Node settings = subject().given();
    set(settings, "no_such_setting", config::make_string("x"));

    const auto opened = open(settings);

    ASSERT_FALSE(opened.has_value())
        << "the schema lets it through: leave out \"additionalProperties\" or make it false";
    EXPECT_THAT(opened.error().message, HasSubstr("no_such_setting"));
}

TEST_F(Configuration, SettingOfAWrongTypeIsRefusedAndNamed) {
    for (const config::Property& property : schema().properties) {
        config::Node settings = subject().given();
        set(settings, property.name, wrong_for(property.schema));

        const auto opened = open(settings);

        ASSERT_FALSE(opened.has_value()) << property.name;
        EXPECT_THAT(opened.error().message, HasSubstr(property.name));
    }
}

TEST_F(Configuration, RequiredSettingThatIsMissingIsRefusedAndNamed) {
    for (const config::Property& property : schema().properties) {
        if (!property.required) {
            continue;
        }
        config::Node settings = subject().given();
        std::erase_if(settings.members, [&](const config::Member& member) {
            return member.key == property.name;
        });

        const auto opened = open(settings);

        ASSERT_FALSE(opened.has_value()) << property.name;
        EXPECT_THAT(opened.error().message, HasSubstr(property.name));
    }
}

TEST_F(Configuration, EverySettingIsDescribed) {
    for (const config::Property& property : schema().properties) {
        EXPECT_NE(property.schema.description, "")
            << property.name << ": opslab plugin info shows the description in the schema";
    }
}

TEST_F(Configuration, ManyInstancesMayBeMadeAndClosed) {
    for (int i = 0; i < 20; ++i) {
        const auto opened = open(subject().given());
        ASSERT_TRUE(opened.has_value()) << opened.error().message;
    }
}

}  // namespace
}  // namespace opslab::check
