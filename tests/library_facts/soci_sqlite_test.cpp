// What SOCI 4.0.3 over SQLite does that core/sdk-sql and storage-sqlite work around.
#include <gmock/gmock.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SociFacts : public ::testing::Test {
protected:
    SociFacts() {
        std::string folder = ::testing::TempDir() + "soci-facts-XXXXXX";
        folder_ = ::mkdtemp(folder.data());
    }
    ~SociFacts() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string file() const { return (folder_ / "facts.db").string(); }

    std::filesystem::path folder_;
};

TEST_F(SociFacts, OfSeveralStatementsInOneTextOnlyTheFirstRuns) {
    soci::session sql(soci::sqlite3, file());

    sql << "CREATE TABLE one (x); CREATE TABLE two (x)";

    EXPECT_NO_THROW(sql << "INSERT INTO one VALUES (1)");
    EXPECT_THROW(sql << "INSERT INTO two VALUES (1)", soci::soci_error);
}

TEST_F(SociFacts, WhereNoRowComesTheVariableKeepsItsValue) {
    soci::session sql(soci::sqlite3, file());
    int value = 7;

    sql << "SELECT 1 WHERE 0", soci::into(value);

    EXPECT_EQ(value, 7);
    EXPECT_FALSE(sql.got_data());
}

TEST_F(SociFacts, TheTextOfAnErrorHoldsBoundValues) {
    soci::session sql(soci::sqlite3, file());
    sql << "CREATE TABLE one (x UNIQUE)";
    const std::string secret = "hunter2";
    sql << "INSERT INTO one VALUES (:secret)", soci::use(secret, "secret");

    try {
        sql << "INSERT INTO one VALUES (:secret)", soci::use(secret, "secret");
        FAIL() << "a second row was taken";
    } catch (const soci::soci_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("hunter2"));
        EXPECT_THAT(error.get_error_message(), Not(HasSubstr("hunter2")));
        EXPECT_EQ(error.get_error_category(), soci::soci_error::unknown);
    }
}

TEST_F(SociFacts, AVectorOfAnIntegerColumnIsReadIn32Bits) {
    soci::session sql(soci::sqlite3, file());
    sql << "CREATE TABLE one (x INTEGER)";
    sql << "INSERT INTO one VALUES (1732389000123456)";
    std::vector<long long> several(1);
    long long single = 0;

    sql << "SELECT x FROM one", soci::into(several);
    sql << "SELECT x FROM one", soci::into(single);

    EXPECT_EQ(single, 1732389000123456LL);
    EXPECT_EQ(several.front(), 1056379968LL);
}

TEST_F(SociFacts, AReadThatTurnsToWritingAfterAnothersWriteIsBusyWhateverTheTimeOut) {
    soci::session sql(soci::sqlite3, file());
    soci::session other(soci::sqlite3, file());
    sql << "PRAGMA journal_mode = WAL";
    sql << "CREATE TABLE one (x)";
    sql << "PRAGMA busy_timeout = 60000";
    int count = 0;

    sql.begin();
    sql << "SELECT count(*) FROM one", soci::into(count);
    other << "INSERT INTO one VALUES (1)";

    EXPECT_THROW(sql << "INSERT INTO one VALUES (2)", soci::soci_error);
}

TEST_F(SociFacts, ABlankInAnUnquotedPathAmongOptionsCutsItSoThatAnotherFileIsOpened) {
    {
        const std::string path = (folder_ / "with blank.db").string();
        soci::session sql(soci::sqlite3, "dbname=" + path + " timeout=1");
        sql << "CREATE TABLE one (x)";
    }

    EXPECT_FALSE(std::filesystem::exists(folder_ / "with blank.db"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "with"));
}

TEST_F(SociFacts, ForeignKeysAreOffUntilAConnectionSwitchesThemOn) {
    soci::session sql(soci::sqlite3, file());
    int on = 1;

    sql << "PRAGMA foreign_keys", soci::into(on);

    EXPECT_EQ(on, 0);
}

}  // namespace
