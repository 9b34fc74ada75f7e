#pragma once

#include <opslab/error.hpp>
#include <opslab/time.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::sql {

/// A numbered step of the schema, from 1 without gaps. The same number means the same in every
/// database. Once released its text never changes.
struct Migration {
    int number = 0;
    std::string_view name{};
    std::string_view text{};
};

struct AppliedMigration {
    int number = 0;
    std::string name{};
    std::string checksum{};
};

/// Where migrations go: a database, inside one transaction that keeps others out.
class MigrationTarget {
public:
    MigrationTarget() = default;
    MigrationTarget(const MigrationTarget&) = delete;
    MigrationTarget& operator=(const MigrationTarget&) = delete;
    virtual ~MigrationTarget() = default;

    /// What is recorded, by number; makes the record where there is none.
    [[nodiscard]] virtual Result<std::vector<AppliedMigration>> applied() = 0;

    /// Runs the text and records it.
    [[nodiscard]] virtual Status apply(
        const Migration& migration, const std::string& checksum, Timestamp now
    ) = 0;
};

/// FNV-1a of the text, 16 hexadecimal digits. It tells an edited file, not an attacker.
[[nodiscard]] std::string checksum(std::string_view text);

/// Brings the schema up to the last of `migrations`, in order, and answers its number. Errors:
/// `unsupported` where a recorded migration was changed since or is not known (the database was
/// made by a newer opslab), and those of the target.
[[nodiscard]] Result<int> migrate(
    MigrationTarget& target, std::span<const Migration> migrations, Timestamp now
);

/// Looks and changes nothing. Errors: `unsupported` as above, and where migrations are missing.
[[nodiscard]] Result<int> require_current(
    MigrationTarget& target, std::span<const Migration> migrations
);

}  // namespace opslab::sql
