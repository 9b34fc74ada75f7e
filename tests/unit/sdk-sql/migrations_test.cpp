#include <opslab/sql/migrations.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <array>
#include <optional>

namespace opslab::sql {
namespace {

using opslab::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::array kSteps{
    Migration{1, "initial", "CREATE TABLE a"},
    Migration{2, "more", "CREATE TABLE b"},
    Migration{3, "most", "CREATE TABLE c"}};

class FakeTarget final : public MigrationTarget {
public:
    Result<std::vector<AppliedMigration>> applied() override { return records; }

    Status apply(const Migration& migration, const std::string& checksum, Timestamp) override {
        if (migration.number == broken) {
            return fail(Errc::internal, "the disk is full");
        }
        records.push_back({migration.number, std::string{migration.name}, checksum});
        return {};
    }

    std::vector<AppliedMigration> records{};
    std::optional<int> broken{};
};

std::vector<int> numbers(const FakeTarget& target) {
    std::vector<int> all;
    all.reserve(target.records.size());
    for (const auto& record : target.records) {
        all.push_back(record.number);
    }
    return all;
}

TEST(Migrations, AppliesWhatIsMissingInOrderAndOnce) {
    FakeTarget target;
    EXPECT_EQ(migrate(target, std::span{kSteps}.first(1), {}).value(), 1);

    EXPECT_EQ(migrate(target, kSteps, {}).value(), 3);
    EXPECT_EQ(migrate(target, kSteps, {}).value(), 3);

    EXPECT_THAT(numbers(target), ElementsAre(1, 2, 3));
    EXPECT_EQ(require_current(target, kSteps).value(), 3);
}

TEST(Migrations, RefusesADatabaseThatANewerVersionMade) {
    FakeTarget target;
    ASSERT_TRUE(migrate(target, kSteps, {}).has_value());

    const auto refused = migrate(target, std::span{kSteps}.first(2), {});

    EXPECT_THAT(refused, IsError(Errc::unsupported));
    EXPECT_THAT(refused.error().message, HasSubstr("3 \"most\""));
    EXPECT_THAT(refused.error().message, HasSubstr("newer opslab"));
}

TEST(Migrations, RefusesOneThatWasChangedAfterItHadBeenApplied) {
    FakeTarget target;
    ASSERT_TRUE(migrate(target, kSteps, {}).has_value());
    auto edited = kSteps;
    edited[1].text = "CREATE TABLE other";

    EXPECT_THAT(migrate(target, edited, {}), IsError(Errc::unsupported));
    EXPECT_THAT(
        require_current(target, edited).error().message, HasSubstr("2 \"more\" was changed")
    );
}

TEST(Migrations, TellsHowToCompleteAnOlderDatabaseAndChangesNothing) {
    FakeTarget target;

    const auto refused = require_current(target, kSteps);

    EXPECT_THAT(refused.error().message, HasSubstr("0 of 3"));
    EXPECT_THAT(refused.error().message, HasSubstr("opslab db migrate"));
    EXPECT_THAT(target.records, IsEmpty());
}

TEST(Migrations, NamesTheOneThatFailedAndStopsThere) {
    FakeTarget target;
    target.broken = 2;

    const auto failed = migrate(target, kSteps, {});

    EXPECT_THAT(failed.error().message, HasSubstr("migration 2"));
    EXPECT_THAT(numbers(target), ElementsAre(1));
}

}  // namespace
}  // namespace opslab::sql
