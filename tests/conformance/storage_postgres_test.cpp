#include "plugin/guarded_storage.hpp"
#include "postgres_storage.hpp"
#include "support/postgres_server.hpp"

#include <opslab/sql/database.hpp>
#include <opslab/testing/matchers.hpp>
#include <opslab/testing/storage_conformance.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <array>
#include <fstream>
#include <set>
#include <thread>

namespace opslab::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Through the real loader and its guard, as the coordinator does.
class PostgresPlace final : public StoragePlace {
public:
    Result<std::unique_ptr<Storage>> open(const StorageHost& host) override {
        const nlohmann::json config{{"url", schema_.url()}};
        const std::filesystem::path file{OPSLAB_PLUGIN_DIR "/storage-postgres.so"};
        return plugin::open_storage(file, host, config.dump(), nullptr);
    }

private:
    PostgresSchema schema_;
};

INSTANTIATE_TEST_SUITE_P(
    Postgres,
    StorageConformance,
    ::testing::Values(StorageCase{
        .name = "postgres", .place = [] { return std::make_unique<PostgresPlace>(); }}),
    storage_case_name
);

class PostgresDatabase : public ::testing::Test {
protected:
    StorageHost host() { return StorageHost{clock_, entropy_, logger_}; }

    Result<std::unique_ptr<Storage>> open() {
        return postgres::open_postgres(host(), nlohmann::json{{"url", schema_.url()}}.dump());
    }

    Result<std::unique_ptr<sql::Database>> open_with(std::span<const sql::Migration> steps) {
        auto settings = postgres::read_settings(nlohmann::json{{"url", schema_.url()}}.dump());
        return postgres::open_database(host(), *settings, steps);
    }

    static Submission one_task(const std::string& id) {
        NewTask task;
        task.id = TaskId{id};
        task.problem_id = "pod_failure-detection-1";
        return Submission{.tasks = {task}};
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    PostgresServer& server_ = PostgresServer::shared();
    PostgresSchema schema_;
};

TEST_F(PostgresDatabase, EveryStatementPrepares) {
    const auto database = open_with(postgres::migrations());

    ASSERT_THAT(database, IsOk());
    EXPECT_THAT((*database)->prepare_all(), IsOk());
    EXPECT_GT((*database)->statements().names().size(), 50U);
}

TEST_F(PostgresDatabase, AMigrationThatWasChangedStopsTheStart) {
    ASSERT_THAT(open(), IsOk());
    const std::array changed{sql::Migration{1, "initial", "SELECT 1"}};

    EXPECT_THAT(open_with(changed), IsErrorAnd(Errc::unsupported, HasSubstr("was changed after")));
}

TEST_F(PostgresDatabase, ADatabaseOfANewerVersionStopsTheStart) {
    std::vector<sql::Migration> newer{postgres::migrations().begin(), postgres::migrations().end()};
    newer.push_back(
        {newer.back().number + 1, "from_the_future", "CREATE TABLE from_the_future (a INT)"}
    );
    ASSERT_THAT(open_with(newer), IsOk());

    EXPECT_THAT(open(), IsErrorAnd(Errc::unsupported, HasSubstr("newer opslab")));
}

TEST_F(PostgresDatabase, AFailedMigrationLeavesNothingBehind) {
    std::vector<sql::Migration> broken{
        postgres::migrations().begin(), postgres::migrations().end()};
    broken.push_back({broken.back().number + 1, "broken", "CREATE TABLE half (a INT); SELECT 1/0"});

    EXPECT_FALSE(open_with(broken).has_value());
    EXPECT_EQ(server_.run("SELECT to_regclass('" + schema_.name() + ".tasks')"), "");
}

TEST_F(PostgresDatabase, CoordinatorsThatStartAtOnceMigrateOnce) {
    std::array<bool, 4> opened{};
    std::vector<std::jthread> starts;
    for (auto& good : opened) {
        starts.emplace_back([&] { good = open().has_value(); });
    }
    starts.clear();

    EXPECT_THAT(opened, ::testing::Each(true));
    EXPECT_EQ(
        server_.run("SELECT count(*) FROM " + schema_.name() + ".schema_migrations"),
        std::to_string(postgres::migrations().size())
    );
}

TEST_F(PostgresDatabase, SessionsThatTheServerEndedAreReplacedUnseen) {
    const auto storage = open();
    ASSERT_THAT(storage, IsOk());
    const std::array first{one_task("018f0000-0000-7000-8000-000000000001")};
    ASSERT_THAT((*storage)->tasks().submit(first), IsOk());

    server_.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
        "application_name = 'opslab'"
    );

    const std::array second{one_task("018f0000-0000-7000-8000-000000000002")};
    EXPECT_THAT((*storage)->tasks().submit(second), IsOk());
    EXPECT_THAT((*storage)->ping(), IsOk());
}

TEST_F(PostgresDatabase, AServerThatIsDownIsUnavailableAndBackWhenItIsBack) {
    const auto storage = open();
    ASSERT_THAT(storage, IsOk());
    const std::array task{one_task("018f0000-0000-7000-8000-000000000003")};
    ASSERT_THAT((*storage)->tasks().submit(task), IsOk());

    server_.kill();
    EXPECT_THAT((*storage)->ping(), IsErrorAnd(Errc::unavailable, HasSubstr("the database")));
    EXPECT_FALSE((*storage)->tasks().counts().has_value());
    server_.start();

    EXPECT_THAT((*storage)->ping(), IsOk());
    const auto counts = (*storage)->tasks().counts();
    ASSERT_THAT(counts, IsOk());
    EXPECT_EQ(counts->tasks.pending, 1);
}

TEST_F(PostgresDatabase, ThePasswordIsInNoErrorAndNoLocation) {
    const auto& secret = server_.password();
    auto wrong = server_.url();
    wrong.replace(wrong.find("opslab:"), 7, "nobody:");
    for (const auto& url :
         {wrong,
          "postgres://opslab:" + secret + "@127.0.0.1:1/x",
          "postgres://opslab:" + secret + "@127.0.0.1:5432/x?nonsense=" + secret}) {
        const auto refused = postgres::open_postgres(host(), nlohmann::json{{"url", url}}.dump());
        ASSERT_FALSE(refused.has_value());
        EXPECT_THAT(refused.error().message, Not(HasSubstr(secret)));
        EXPECT_THAT(refused.error().detail, Not(HasSubstr(secret)));
    }
    const auto storage = open();
    ASSERT_THAT(storage, IsOk());
    EXPECT_THAT((*storage)->info().location, Not(HasSubstr(secret)));
}

TEST_F(PostgresDatabase, ThePasswordMayStandInAFile) {
    auto url = schema_.url();
    url.erase(url.find(":" + server_.password()), server_.password().size() + 1);
    auto file = (std::filesystem::temp_directory_path() / "opslab-pw-XXXXXX").string();
    ::close(::mkstemp(file.data()));
    std::ofstream{file} << server_.password() << "\n";
    const nlohmann::json with_file{{"url", url}, {"password_file", file}};

    EXPECT_THAT(postgres::open_postgres(host(), with_file.dump()), IsOk());
    EXPECT_THAT(
        postgres::open_postgres(host(), nlohmann::json{{"url", url}}.dump()),
        IsErrorAnd(Errc::unavailable, HasSubstr("cannot be reached"))
    );
    std::filesystem::remove(file);
}

}  // namespace
}  // namespace opslab::testing
