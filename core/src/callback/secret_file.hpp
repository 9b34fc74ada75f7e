#pragma once

#include <opslab/error.hpp>

#include <string>

namespace opslab {

/// The secret in `file` (`callbacks.secret_file`), without blanks and line ends around it. Errors:
/// it cannot be read, is no regular file, others than owner and group may read it or others than
/// the owner write it, or it does not hold 1 to 4096 bytes. No error shows what is in it.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& file);

}  // namespace opslab
