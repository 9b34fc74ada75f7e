#include <opslab/exec/program_path.hpp>
#include <opslab/testing/runner_conformance.hpp>

namespace opslab::exec {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ProgramPath, BareNameIsLookedForBesideThenOnPath) {
    EXPECT_EQ(find_program("sh", "/nowhere:/bin", "").value(), "/bin/sh");
    EXPECT_EQ(find_program("sh", "/usr/bin", "/bin").value(), "/bin/sh");
}

TEST(ProgramPath, RelativeAndEmptyPartsOfPathAreNotLookedAt) {
    EXPECT_FALSE(find_program("sh", "::.:bin", "").has_value());
}

TEST(ProgramPath, RefusalNamesTheProgramAndWhatIsWrong) {
    const auto missing = find_program("no-such-driver", "/bin", "/bin");
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(
        missing.error().message, AllOf(HasSubstr("no-such-driver"), HasSubstr("not found"))
    );
    const auto plain = find_program("/etc/passwd", "", "");
    ASSERT_FALSE(plain.has_value());
    EXPECT_THAT(plain.error().message, AllOf(HasSubstr("passwd"), HasSubstr("not an executable")));
}

}  // namespace
}  // namespace opslab::exec
