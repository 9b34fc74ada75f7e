#pragma once

#include <string_view>

/// The files of core/src/http/viewer, compressed by gzip as they are there. They live for ever.
namespace opslab {

[[nodiscard]] std::string_view viewer_script();
[[nodiscard]] std::string_view viewer_style();

}  // namespace opslab
