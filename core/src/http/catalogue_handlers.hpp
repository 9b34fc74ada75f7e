#pragma once

#include "http/message.hpp"

namespace opslab {

/// What problems there are. Threads: all calls from any.
class CatalogueHandlers {
public:
    void list(const HttpRequest& request, const PathParams& params, Responder responder) const;
};

}  // namespace opslab
