#include "fake_engine.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/docker/tar_archive.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

namespace opslab::docker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const WorkerId kWorker{"worker-001-docker"};

/// An engine with one image, whose look-containers it makes, shows and forgets.
class LookedInto {
public:
    std::string image = R"({"Id":"sha256:1","Config":{"Labels":)"
                        R"({"opslab.driver.problems":"/opt/problems.json"}}})";
    std::string tar = packed(R"({"problems":[]})");

    static std::string packed(const std::string& text) {
        TarArchive archive({0, 0});
        archive.add_file("problems.json", 0600, text);
        return std::move(archive).finish();
    }

    std::string answer(std::string_view target) {
        const std::lock_guard lock(mutex_);
        if (target.find("/images/") != std::string_view::npos) {
            return image;
        }
        calls_.push_back(std::string(target.substr(target.find('/', 1))));
        if (const auto at = target.find("name=opslab-look-"); at != std::string_view::npos) {
            run_ = target.substr(at + std::string_view("name=opslab-look-").size());
            return R"({"Id":"c1"})";
        }
        if (target.find("/archive") != std::string_view::npos) {
            return tar;
        }
        return R"({"Id":"c1","Name":"/n","Config":{"Labels":{"opslab.managed":"true",)"
               R"("opslab.event-prefix":"p","opslab.run":")" +
               run_ +
               R"("}},"State":{"Running":false,"Paused":false,"Restarting":false,)"
               R"("OOMKilled":false,"ExitCode":0,"StartedAt":"0001-01-01T00:00:00Z","Status":"created"}})";
    }
    std::vector<std::string> calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

private:
    std::mutex mutex_;
    std::string run_;
    std::vector<std::string> calls_;
};

class ContainerProblems : public ::testing::Test {
protected:
    static ContainerSpec spec() {
        ContainerSpec spec;
        spec.image = "driver";
        return spec;
    }

    LookedInto there_;
    FakeEngine engine_{[this](std::string_view target) { return there_.answer(target); }};
    ContainerRuns runs_{engine_.address(), spec()};
};

TEST_F(ContainerProblems, AreReadOutOfAContainerThatIsRemovedAgain) {
    EXPECT_EQ(runs_.problems(kWorker).value(), R"({"problems":[]})");

    EXPECT_THAT(
        there_.calls(),
        ElementsAre(
            HasSubstr("/containers/create?name=opslab-look-"),
            "/containers/c1/archive?path=%2Fopt%2Fproblems.json",
            "/containers/c1/json",
            "/containers/c1?force=1&v=1"
        )
    );
}

TEST_F(ContainerProblems, AreKeptUntilTheImageIsAnotherOne) {
    static_cast<void>(runs_.problems(kWorker));
    static_cast<void>(runs_.problems(kWorker));
    EXPECT_THAT(there_.calls(), SizeIs(4));

    there_.image.replace(there_.image.find("sha256:1"), 8, "sha256:2");
    there_.tar = LookedInto::packed("new");

    EXPECT_EQ(runs_.problems(kWorker).value(), "new");
    EXPECT_THAT(there_.calls(), SizeIs(8));
}

TEST_F(ContainerProblems, OfAnImageThatNamesNoFileAreNotKnown) {
    for (const char* image : {R"({"Id":"sha256:1","Config":{"Labels":null}})", "{}"}) {
        there_.image = image;
        EXPECT_EQ(runs_.problems(kWorker).value(), std::nullopt) << image;
    }
    EXPECT_THAT(there_.calls(), IsEmpty());
}

TEST_F(ContainerProblems, ThatCannotBeReadAreAFailureWithThePathAndLeaveNothing) {
    there_.tar = "no archive";

    const auto read = runs_.problems(kWorker);

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(read.error().message, HasSubstr("/opt/problems.json"));
    EXPECT_THAT(there_.calls().back(), HasSubstr("force=1"));
}

TEST_F(ContainerProblems, AreAFailureWhileTheEngineIsAway) {
    EngineAddress nowhere;
    nowhere.socket_path = "/nonexistent/engine.sock";
    ContainerRuns runs(nowhere, spec());

    EXPECT_FALSE(runs.problems(kWorker));
}

}  // namespace
}  // namespace opslab::docker
