#pragma once

#include <opslab/error.hpp>
#include <opslab/storage.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::sql {

/// Named statements out of `.sql` files. A statement begins with a line `-- name: area.verb` and
/// ends at the next one; any other line that begins with `--` is a comment and is left out, since
/// SOCI's scanner does not know comments and an apostrophe in one hides the parameters after it.
/// Immutable after `parse`, so any thread may read it.
class StatementTable {
public:
    /// Errors: `internal`, naming the offending statement: a name given twice, text before the
    /// first name, an empty statement, or what SOCI misreads (a dollar quote, a `;`, a comment
    /// after code).
    [[nodiscard]] static Result<StatementTable> parse(std::span<const std::string_view> files);

    /// Null where there is no such statement.
    [[nodiscard]] const std::string* find(std::string_view name) const;

    /// All names, sorted: two databases must carry the same list.
    [[nodiscard]] std::vector<std::string> names() const;

    /// Has every run of a statement told to `host.statements`, if that is there; before any session
    /// uses the table. Both outlive it.
    void report_to(const StorageHost& host);
    [[nodiscard]] StatementObserver* observer() const { return observer_; }
    /// Only where there is an observer.
    [[nodiscard]] Clock& clock() const { return *clock_; }

private:
    std::map<std::string, std::string, std::less<>> texts_;
    StatementObserver* observer_ = nullptr;
    Clock* clock_ = nullptr;
};

}  // namespace opslab::sql
