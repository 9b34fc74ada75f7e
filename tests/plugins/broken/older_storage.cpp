// A storage of another opslab: built alike, against headers that were others. Nothing of it may be
// called, since its vtable and structs are not the host's.
#include <opslab/storage_plugin.hpp>

#undef OPSLAB_STORAGE_INTERFACE
#define OPSLAB_STORAGE_INTERFACE "0123456789abcdef"

namespace {

opslab::Result<std::unique_ptr<opslab::Storage>> open_older(
    const opslab::StorageHost& /*host*/, const std::string& /*config_json*/
) {
    return opslab::fail(opslab::Errc::internal, "a refused plugin was called");
}

}  // namespace

OPSLAB_STORAGE_PLUGIN("older", "0.0.9", R"({"type": "object"})", open_older);
