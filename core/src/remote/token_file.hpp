#pragma once

#include <opslab/error.hpp>

#include <string>

namespace opslab {

struct TokenFile {
    std::string token{};
    bool others_can_read = false;  ///< worth a warning: any user of this machine
};

/// Reads a bearer token: one line of 1 to 4096 visible ASCII characters, blanks around it dropped.
/// Errors: `permission_denied` (cannot be read), `invalid_argument`; neither holds its text.
[[nodiscard]] Result<TokenFile> read_token_file(const std::string& path);

}  // namespace opslab
