#include "base/json.hpp"

#include "base/readable_json.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace opslab {
namespace {

using opslab::testing::IsError;
using opslab::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string nested(int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']');
}

TEST(StrictJson, ReadsWhatItWrites) {
    const std::string text = R"({"a":[1,2.5,null,true,"ü"],"b":{"c":-7}})";

    const auto json = parse_json(text);

    ASSERT_THAT(json, IsOk());
    EXPECT_EQ(dump_json(*json), text);
}

TEST(StrictJson, AFloatWithoutFractionStaysAFloat) {
    EXPECT_FALSE(parse_json("30.0")->is_number_integer());
}

class MalformedJson : public ::testing::TestWithParam<std::string> {};

TEST_P(MalformedJson, IsRefusedAsMalformed) {
    const auto json = parse_json(GetParam());

    ASSERT_THAT(json, IsError(Errc::invalid_argument));
    EXPECT_EQ(json.error().reason, "malformed_json");
}

INSTANTIATE_TEST_SUITE_P(
    Texts,
    MalformedJson,
    ::testing::Values(
        "",
        "{",
        "nul",
        "{} {}",
        "{\"a\":1,}",
        "[1e999]",
        "\"\\ud800\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
        "[1] // comment"
    )
);

TEST(StrictJson, DepthIsBounded) {
    EXPECT_THAT(parse_json(nested(kMaxJsonDepth)), IsOk());
    EXPECT_THAT(parse_json(nested(kMaxJsonDepth + 1)), IsError(Errc::invalid_argument));
    EXPECT_THAT(parse_json(nested(200000)), IsError(Errc::invalid_argument));
}

TEST(StrictJson, ADuplicateKeyIsNamed) {
    EXPECT_THAT(parse_json(R"({"dup":1,"dup":2})").error().message, HasSubstr("\"dup\""));
}

TEST(StrictJson, TheSameKeyInDifferentObjectsIsFine) {
    EXPECT_THAT(parse_json(R"([{"a":1},{"a":{"a":2}}])"), IsOk());
}

TEST(NulFields, NamesEveryStringAndKeyWithNul) {
    const auto json = parse_json(R"({"a":"x\u0000","b":["ok","\u0000"],"c/d":{"k\u0000":1}})");

    ASSERT_THAT(json, IsOk());
    std::vector<std::string> pointers;
    for (const auto& field : nul_fields(*json)) {
        pointers.push_back(field.field);
    }
    EXPECT_THAT(pointers, ElementsAre("/a", "/b/1", "/c~1d"));
}

TEST(ReadableJson, WhatNoTextMayHoldBecomesTheReplacementCharacter) {
    const std::pair<std::string, std::string> cases[]{
        {R"("a\u0000b")", R"("a\ufffdb")"},
        {R"("\ud800")", R"("\ufffd")"},
        {R"("\uDC80x")", R"("\ufffdx")"},
        {R"("\ud800\ud83d\ude00")", R"("\ufffd\ud83d\ude00")"},
        {R"("\ude00\ud83d")", R"("\ufffd\ufffd")"},
        {"\"\xff\"", "\"\xef\xbf\xbd\""},
        {R"("\ud8")", R"("\ud8")"},
        {R"("\)", R"("\)"},
        {R"("\\u0000 \n\u00e9")", R"("\\u0000 \n\u00e9")"},
    };
    for (const auto& [text, wanted] : cases) {
        EXPECT_EQ(readable_json(text), wanted);
    }
}

TEST(DumpJson, InvalidUtf8BecomesTheReplacementCharacter) {
    EXPECT_EQ(dump_json(Json(std::string("a\xff"))), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace opslab
