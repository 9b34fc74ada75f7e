#pragma once

#include "http/message.hpp"

#include <cstdint>
#include <string_view>

/// Pages of other sites in the browser of someone who can reach this server. The server asks
/// a program for no proof that it means well; a browser sends what any page tells it to.
namespace opslab {

/// Whose names the server answers to.
enum class HostRule : std::uint8_t {
    any,    ///< a token or a proxy in front guards it
    local,  ///< addresses and `localhost` alone: a name of somebody's may point here tomorrow
};

/// Why a request is taken for a foreign page's, in words for its sender; empty where it is not.
/// A call that changes something must not come from another site (`Sec-Fetch-Site`, else `Origin`);
/// with `HostRule::local` the `Host` of every call must be an address or `localhost`.
[[nodiscard]] std::string_view why_foreign(const HttpRequest& request, HostRule rule);

}  // namespace opslab
