#pragma once

#include <opslab/sql/database.hpp>
#include <opslab/storage.hpp>

#include <memory>

namespace opslab::sql {

/// A storage over a migrated database whose statement table has every name that the verbs use
/// (storage-sqlite's `sql/` is the list). The verbs decide in C++ on rows that the transaction has
/// locked, and write with one statement for each kind of row, whatever the size of the batch.
[[nodiscard]] std::unique_ptr<Storage> make_sql_storage(
    StorageHost host,
    std::unique_ptr<Database> database,
    StorageInfo info,
    std::shared_ptr<WakeSource> wake_source = nullptr
);

}  // namespace opslab::sql
