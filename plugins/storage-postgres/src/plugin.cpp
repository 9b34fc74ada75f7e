#include "config_schema_json.hpp"
#include "postgres_storage.hpp"

#include <opslab/storage_plugin.hpp>

OPSLAB_STORAGE_PLUGIN(
    "postgres",
    OPSLAB_PLUGIN_VERSION,
    opslab::postgres::k_config_schema_json.data(),
    opslab::postgres::open_postgres
);
