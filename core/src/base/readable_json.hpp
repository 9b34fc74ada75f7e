#pragma once

#include <string>
#include <string_view>

namespace opslab {

/// A JSON text by a program that may have put any bytes into its strings, as one that can be read:
/// what is no UTF-8, lone surrogates and NUL, also where they are escaped, become U+FFFD.
[[nodiscard]] std::string readable_json(std::string_view text);

}  // namespace opslab
