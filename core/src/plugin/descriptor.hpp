#pragma once

#include "plugin/library.hpp"

#include <opslab/error.hpp>
#include <opslab/plugin.h>

#include <cstddef>
#include <filesystem>

namespace opslab::plugin {

/// Checks a plugin's descriptor field by field, in the order of plugin.h's promises, and copies it.
/// `symbol_size` is how many bytes the library says that the symbol has (0: not known).
/// Errors: as `Library::open`.
[[nodiscard]] Result<Description> read_descriptor(
    const opslab_plugin_descriptor* descriptor,
    std::size_t symbol_size,
    const std::filesystem::path& file,
    const Expected& expected
);

}  // namespace opslab::plugin
