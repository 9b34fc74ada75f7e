// What yaml-cpp 0.7 does that made us read its events instead of its tree.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace {

TEST(YamlCppFacts, OfDuplicateKeysTheFirstWinsInSilence) {
    EXPECT_EQ(YAML::Load("a: 1\na: 2")["a"].as<int>(), 1);
}

TEST(YamlCppFacts, ALeadingZeroMeansOctal) {
    EXPECT_EQ(YAML::Load("a: 010")["a"].as<int>(), 8);
}

TEST(YamlCppFacts, YesAndOnAreTrue) {
    EXPECT_TRUE(YAML::Load("a: yes")["a"].as<bool>());
    EXPECT_TRUE(YAML::Load("a: on")["a"].as<bool>());
}

TEST(YamlCppFacts, AQuotedNumberConvertsLikeAPlainOneAndOnlyItsTagTellsThemApart) {
    const YAML::Node tree = YAML::Load("plain: 4\nquoted: \"4\"");

    EXPECT_EQ(tree["quoted"].as<int>(), 4);
    EXPECT_EQ(tree["plain"].Tag(), "?");
    EXPECT_EQ(tree["quoted"].Tag(), "!");
}

TEST(YamlCppFacts, OnlyTheFirstDocumentIsRead) {
    EXPECT_FALSE(YAML::Load("a: 1\n---\nb: 2")["b"].IsDefined());
}

TEST(YamlCppFacts, MergeKeysAreNotMerged) {
    EXPECT_FALSE(YAML::Load("x: &x {a: 1}\ny: {<<: *x}")["y"]["a"].IsDefined());
}

}  // namespace
