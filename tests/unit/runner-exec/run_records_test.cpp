#include "run_records.hpp"

#include <opslab/testing/runner_conformance.hpp>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace opslab::runner_exec {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FailsAs;
using ::testing::IsEmpty;
using testing::Succeeds;

class RunRecordsTest : public ::testing::Test {
protected:
    void SetUp() override {
        root_ = (fs::temp_directory_path() / "opslab-records-XXXXXX").string();
        ASSERT_NE(::mkdtemp(root_.data()), nullptr);
        root_ += "/calls";
    }
    void TearDown() override { fs::remove_all(fs::path(root_).parent_path()); }

    [[nodiscard]] RunRecords records() const { return RunRecords{root_}; }
    [[nodiscard]] static RunRequest request(const std::string& task_json) {
        RunRequest run;
        run.run_id = "ab.2";
        run.attempt = 2;
        run.slot = SlotSpec{WorkerId{"worker-001-lab"}, 3};
        run.task = TaskId{"ab"};
        run.problem_id = "p";
        run.task_json = task_json;
        return run;
    }

    std::string root_{};
    RunName name_{"worker-001-lab", "ab.2"};
};

TEST_F(RunRecordsTest, RequestIsThereForTheProgramsAndForNobodyElse) {
    ASSERT_THAT(records().make(name_, request(R"({"max_steps":3})")), Succeeds());

    std::ifstream file(records().request_file(name_));
    EXPECT_EQ(
        nlohmann::json::parse(file),
        (nlohmann::json{
            {"run_id", "ab.2"},
            {"worker_id", "worker-001-lab"},
            {"slot", 3},
            {"attempt", 2},
            {"task_id", "ab"},
            {"problem_id", "p"},
            {"task", {{"max_steps", 3}}}})
    );
    struct stat info {};
    ASSERT_EQ(::stat(records().request_file(name_).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0077U, 0U);
    ASSERT_EQ(::stat(records().shared_directory(name_).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0077U, 0U);
}

TEST_F(RunRecordsTest, RunIsOwnedFromMakeToRemove) {
    EXPECT_THAT(*records().list(name_.worker), IsEmpty());
    ASSERT_THAT(records().make(name_, request("{}")), Succeeds());

    EXPECT_TRUE(records().exists(name_));
    EXPECT_THAT(*records().list(name_.worker), ElementsAre("ab.2"));
    EXPECT_THAT(*records().list("worker-002-lab"), IsEmpty());
    EXPECT_THAT(records().make(name_, request("{}")), FailsAs(RunnerErrc::invalid));

    EXPECT_THAT(records().remove(name_), Succeeds());
    EXPECT_THAT(records().remove(name_), Succeeds());
    EXPECT_FALSE(records().exists(name_));
    EXPECT_THAT(*records().list(name_.worker), IsEmpty());
}

TEST_F(RunRecordsTest, TaskThatIsNoObjectMakesNothing) {
    for (const char* text : {"", "[]", "{", "7"}) {
        EXPECT_THAT(records().make(name_, request(text)), FailsAs(RunnerErrc::invalid)) << text;
    }
    EXPECT_FALSE(fs::exists(root_));
}

TEST_F(RunRecordsTest, PlaceThatCannotBeIsNamed) {
    std::ofstream(root_) << "a file where the directory would be";

    const auto made = records().make(name_, request("{}"));

    ASSERT_THAT(made, FailsAs(RunnerErrc::infrastructure));
    EXPECT_THAT(made.error().message, ::testing::HasSubstr(root_));
    const auto listed = records().list(name_.worker);
    ASSERT_THAT(listed, FailsAs(RunnerErrc::infrastructure));
    EXPECT_EQ(
        listed.error().message, "cannot list \"" + root_ + "/worker-001-lab\": Not a directory"
    );
}

TEST(ExecHandle, GivesItsPartsBack) {
    const auto parts = parts_of(to_handle({"worker-001-lab", "ab.2"}));

    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->worker, "worker-001-lab");
    EXPECT_EQ(parts->run, "ab.2");
}

TEST(ExecHandle, OfAnotherRunnerOrFormIsRefused) {
    for (const char* text : {"", "exec:1:", "exec:1:w", "exec:2:w:r", "process:1:w:r"}) {
        EXPECT_THAT(parts_of(RunHandle{text}), FailsAs(RunnerErrc::invalid)) << text;
    }
}

}  // namespace
}  // namespace opslab::runner_exec
