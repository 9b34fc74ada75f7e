#include "config_schema_json.hpp"
#include "sqlite_storage.hpp"

#include <opslab/storage_plugin.hpp>

OPSLAB_STORAGE_PLUGIN(
    "sqlite",
    OPSLAB_PLUGIN_VERSION,
    opslab::sqlite::k_config_schema_json.data(),
    opslab::sqlite::open_sqlite
);
