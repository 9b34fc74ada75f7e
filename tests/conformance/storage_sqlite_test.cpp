#include "plugin/guarded_storage.hpp"
#include "sqlite_storage.hpp"

#include <opslab/sql/database.hpp>
#include <opslab/testing/matchers.hpp>
#include <opslab/testing/storage_conformance.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace opslab::testing {
namespace {

using ::testing::HasSubstr;

/// A folder of its own with a blank in its name, gone at the end.
class Folder {
public:
    Folder() {
        auto pattern = (std::filesystem::temp_directory_path() / "opslab db XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("no temporary folder");
        }
        path_ = pattern;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::filesystem::path database() const { return path_ / "opslab.db"; }

private:
    std::filesystem::path path_;
};

/// Through the real loader and its guard, as the coordinator does.
class SqlitePlace final : public StoragePlace {
public:
    Result<std::unique_ptr<Storage>> open(const StorageHost& host) override {
        const nlohmann::json config{{"path", folder_.database().string()}};
        const std::filesystem::path file{OPSLAB_PLUGIN_DIR "/storage-sqlite.so"};
        return plugin::open_storage(file, host, config.dump(), nullptr);
    }

private:
    Folder folder_;
};

INSTANTIATE_TEST_SUITE_P(
    Sqlite,
    StorageConformance,
    ::testing::Values(StorageCase{
        .name = "sqlite", .place = [] { return std::make_unique<SqlitePlace>(); }}),
    storage_case_name
);

class SqliteFile : public ::testing::Test {
protected:
    StorageHost host() { return StorageHost{clock_, entropy_, logger_}; }

    Result<std::unique_ptr<Storage>> open() {
        return sqlite::open_sqlite(
            host(), nlohmann::json{{"path", folder_.database().string()}}.dump()
        );
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    Folder folder_;
};

TEST_F(SqliteFile, EveryStatementPrepares) {
    const auto database = sqlite::open_database(host(), folder_.database(), sqlite::migrations());

    ASSERT_THAT(database, IsOk());
    EXPECT_THAT((*database)->prepare_all(), IsOk());
    EXPECT_GT((*database)->statements().names().size(), 50U);
}

TEST_F(SqliteFile, ASecondCoordinatorOnTheSameFileIsRefused) {
    const auto first = open();
    ASSERT_THAT(first, IsOk());

    EXPECT_THAT(open(), IsErrorAnd(Errc::conflict, HasSubstr(folder_.database().string())));
    EXPECT_THAT(open(), IsErrorAnd(Errc::conflict, HasSubstr("in use by another")));
}

TEST_F(SqliteFile, NobodyElseMayReadTheFiles) {
    const auto storage = open();
    ASSERT_THAT(storage, IsOk());
    ASSERT_THAT((*storage)->ping(), IsOk());

    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
        const auto mode =
            std::filesystem::status(folder_.database().string() + suffix).permissions();
        EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
            << suffix;
    }
}

TEST_F(SqliteFile, AMigrationThatWasChangedStopsTheStart) {
    ASSERT_THAT(open(), IsOk());
    const std::array changed{sql::Migration{1, "initial", "SELECT 1"}};

    EXPECT_THAT(
        sqlite::open_database(host(), folder_.database(), changed),
        IsErrorAnd(Errc::unsupported, HasSubstr("was changed after"))
    );
}

TEST_F(SqliteFile, ADatabaseOfANewerVersionStopsTheStart) {
    std::vector<sql::Migration> newer{sqlite::migrations().begin(), sqlite::migrations().end()};
    newer.push_back({newer.back().number + 1, "from_the_future", "CREATE TABLE t (a)"});
    ASSERT_THAT(sqlite::open_database(host(), folder_.database(), newer), IsOk());

    EXPECT_THAT(open(), IsErrorAnd(Errc::unsupported, HasSubstr("newer opslab")));
}

TEST_F(SqliteFile, AFileThatIsNoDatabaseIsRefusedInWords) {
    std::ofstream{folder_.database()} << std::string(8192, 'x');

    EXPECT_THAT(open(), IsErrorAnd(Errc::unavailable, HasSubstr("is not an SQLite file")));
}

TEST_F(SqliteFile, AFolderThatIsNotThereIsRefusedInWords) {
    EXPECT_THAT(
        sqlite::open_sqlite(host(), R"({"path":"/nonexistent-opslab/x.db"})"),
        IsErrorAnd(Errc::unavailable, HasSubstr("/nonexistent-opslab/x.db"))
    );
}

}  // namespace
}  // namespace opslab::testing
