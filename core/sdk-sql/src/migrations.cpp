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

Result<int> migrate(MigrationTarget& target, std::span<const Migration> migrations, Timestamp now) {
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
    for (const auto& migration : migrations.subspan(done)) {
        if (auto status = target.apply(migration, checksum(migration.text), now); !status) {
            return fail(
                within("migration " + std::to_string(migration.number), std::move(status.error()))
            );
        }
    }
    return migrations.empty() ? 0 : migrations.back().number;
}

}  // namespace opslab::sql
