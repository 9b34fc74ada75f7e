#pragma once

#include "callback/poster.hpp"

#include <opslab/error.hpp>

#include <memory>

namespace opslab {

struct CurlPosterSettings {
    bool allow_private = false;           ///< permits every address
    std::chrono::milliseconds timeout{};  ///< for one post, from resolving to the answer's end
};

/// Posts with libcurl, all on the thread that calls `wait`. Every address is checked when its
/// socket is made, so a name that resolves anew between a check and a use gains nothing. Proxies,
/// redirects, cookies and netrc are off; of an answer only its status is used, and one with a body
/// over 64 KiB is broken off (its status counts). Errors: libcurl cannot be set up.
[[nodiscard]] Result<std::unique_ptr<Poster>> make_curl_poster(const CurlPosterSettings& settings);

}  // namespace opslab
