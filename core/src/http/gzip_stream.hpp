#pragma once

#include "http/message.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace opslab {

/// Whether the client takes gzip (RFC 9110, section 12.5.3).
[[nodiscard]] bool accepts_gzip(const HttpHeaders& headers);

/// What `gzip` holds; cut short where it is damaged. For texts of ours: it grows as it must.
[[nodiscard]] std::string gunzipped(std::string_view gzip);

/// The same stream as gzip. Every wait is flushed, so that a follower reads what there is at once;
/// the memory is constant (about 256 KiB for each stream). Null where there is no memory for it.
[[nodiscard]] std::unique_ptr<StreamSource> gzip_stream(std::unique_ptr<StreamSource> plain);

}  // namespace opslab
