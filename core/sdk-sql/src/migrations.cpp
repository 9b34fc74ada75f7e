#include <opslab/sql/migrations.hpp>

#include <array>
#include <cstdint>

namespace opslab::sql {

std::string checksum(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
    std::string digits(16, '0');
    for (auto at = digits.rbegin(); at != digits.rend(); ++at) {
        *at = kDigits.at(hash & 0xfU);
        hash >>= 4U;
    }
    return digits;
}

namespace {

/// How many of them the database has.
Result<std::size_t> count_applied(MigrationTarget& target, std::span<const Migration> migrations) {
    auto applied = target.applied();
    if (!applied) {
        return fail(applied.error());
    }
    std::size_t done = 0;
    for (const auto& record : *applied) {
        const auto label = std::to_string(record.number) + " \"" + record.name + "\"";
        if (done == migrations.size() || migrations[done].number != record.number) {
            return fail(
                Errc::unsupported,
                "the database has migration " + label +
                    ", which this version does not know: it was made by a newer opslab"
            );
        }
        if (checksum(migrations[done].text) != record.checksum) {
            return fail(
                Errc::unsupported,
                "migration " + label + " was changed after it had been applied to the database"
            );
        }
        ++done;
    }
    return done;
}

}  // namespace

Result<int> require_current(MigrationTarget& target, std::span<const Migration> migrations) {
    const auto done = count_applied(target, migrations);
    if (!done) {
        return fail(done.error());
    }
    if (*done < migrations.size()) {
        return fail(
            Errc::unsupported,
            "the database has " + std::to_string(*done) + " of " +
                std::to_string(migrations.size()) + " migrations: run \"opslab db migrate\""
        );
    }
    return migrations.empty() ? 0 : migrations.back().number;
}

Result<int> migrate(MigrationTarget& target, std::span<const Migration> migrations, Timestamp now) {
    const auto done = count_applied(target, migrations);
    if (!done) {
        return fail(done.error());
    }
    for (const auto& migration : migrations.subspan(*done)) {
        if (auto status = target.apply(migration, checksum(migration.text), now); !status) {
            return fail(
                within("migration " + std::to_string(migration.number), std::move(status.error()))
            );
        }
    }
    return migrations.empty() ? 0 : migrations.back().number;
}

}  // namespace opslab::sql
