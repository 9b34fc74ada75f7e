#include "base/object_reader.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ObjectReaderTest : public ::testing::Test {
protected:
    ObjectReader reader(const std::string& text) {
        json_ = parse_json(text).value();
        return {json_, "/tasks/3", errors_};
    }

    std::vector<std::string> fields() const {
        std::vector<std::string> names;
        for (const auto& error : errors_) {
            names.push_back(error.field);
        }
        return names;
    }

    Json json_;
    std::vector<FieldError> errors_;
};

TEST_F(ObjectReaderTest, AnExplicitNullIsAsIfAbsent) {
    auto object = reader(R"({"a":null})");

    EXPECT_EQ(object.integer("a", 1, 5), std::nullopt);
    object.finish();

    EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(ObjectReaderTest, NotesEveryMistakeWithItsPointer) {
    auto object = reader(R"({"int":30.0,"text":"","flag":1,"more":2,"od/d":3})");

    object.integer("int", 1, 1000);
    object.string("text", 1, 5);
    object.boolean("flag");
    object.require("missing");
    object.finish();

    EXPECT_THAT(
        fields(),
        ElementsAre(
            "/tasks/3/int",
            "/tasks/3/text",
            "/tasks/3/flag",
            "/tasks/3/missing",
            "/tasks/3/more",
            "/tasks/3/od~1d"
        )
    );
}

TEST_F(ObjectReaderTest, LengthsCountCodePoints) {
    auto object = reader(R"({"a":"äöü","b":"äöü"})");

    EXPECT_EQ(object.string("a", 1, 3), "äöü");
    EXPECT_EQ(object.string("b", 1, 2), std::nullopt);

    EXPECT_THAT(
        errors_, ElementsAre(FieldError{"/tasks/3/b", "must have 1 to 2 characters, has 3"})
    );
}

TEST_F(ObjectReaderTest, IntegersBeyondTheirTypeAreRefused) {
    auto object = reader(R"({"a":18446744073709551615,"b":-1,"c":true})");

    EXPECT_EQ(object.integer("a", 0, INT64_MAX), std::nullopt);
    EXPECT_EQ(object.integer("b", 0, 10), std::nullopt);
    EXPECT_EQ(object.integer("c", 0, 10), std::nullopt);

    EXPECT_EQ(errors_.size(), 3U);
}

TEST_F(ObjectReaderTest, WhatIsNoObjectIsOneMistake) {
    auto object = reader("[1]");

    object.require("a");
    object.finish();

    EXPECT_THAT(errors_, ElementsAre(FieldError{"/tasks/3", "must be an object"}));
}

}  // namespace
}  // namespace opslab
