#include <opslab/exec/child_environment.hpp>

#include <gmock/gmock.h>

#include <cstdlib>

namespace opslab::exec {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ChildEnvironment, PassesOnlyWhatIsNamedAndWhatIsSet) {
    ::setenv("OPSLAB_TEST_SECRET", "hidden", 1);
    ::setenv("OPSLAB_TEST_ALLOWED", "seen", 1);
    ChildEnvironment environment({"OPSLAB_TEST_ALLOWED", "OPSLAB_TEST_ABSENT"}, {{"MINE", "1"}});
    environment.set("OPSLAB_WORK_DIR", "/w");

    const auto entries = environment.entries();

    EXPECT_THAT(
        entries,
        AllOf(
            Contains("OPSLAB_TEST_ALLOWED=seen"), Contains("MINE=1"), Contains(StartsWith("PATH="))
        )
    );
    EXPECT_THAT(entries, Each(Not(StartsWith("OPSLAB_TEST_SECRET"))));
    EXPECT_THAT(entries, Each(Not(StartsWith("OPSLAB_TEST_ABSENT"))));
    EXPECT_THAT(entries.front(), StartsWith("OPSLAB_"));
}

TEST(ChildEnvironment, KnowsWhatCanBeAName) {
    EXPECT_TRUE(is_variable_name("A_1"));
    for (const char* name : {"", "1A", "A=B", "A B", "A-B"}) {
        EXPECT_FALSE(is_variable_name(name)) << name;
    }
}

}  // namespace
}  // namespace opslab::exec
