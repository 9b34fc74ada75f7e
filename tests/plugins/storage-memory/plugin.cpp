#include "memory_storage.hpp"

#include <opslab/storage_plugin.hpp>

namespace {

constexpr const char* kConfigSchema = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Memory storage",
  "description": "Keeps nothing; for tests.",
  "type": "object",
  "additionalProperties": false,
  "properties": {}
})";

}  // namespace

OPSLAB_STORAGE_PLUGIN("memory", OPSLAB_PLUGIN_VERSION, kConfigSchema, opslab::memory::open_memory);
