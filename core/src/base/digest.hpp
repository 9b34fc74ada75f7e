#pragma once

#include <string>
#include <string_view>

namespace opslab {

/// SHA-256 of `data` in lower-case hexadecimal (OpenSSL).
[[nodiscard]] std::string sha256_hex(std::string_view data);

/// HMAC (RFC 2104) of `data` with SHA-256, in lower-case hexadecimal (OpenSSL).
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view data);

}  // namespace opslab
