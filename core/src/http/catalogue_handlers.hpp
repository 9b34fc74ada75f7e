#pragma once

#include "http/message.hpp"
#include "service/known_problems.hpp"

namespace opslab {

/// What problems there are. Threads: all calls from any.
class CatalogueHandlers {
public:
    explicit CatalogueHandlers(KnownProblems& problems) : problems_(problems) {}

    void list(const HttpRequest& request, const PathParams& params, Responder responder) const;

private:
    KnownProblems& problems_;
};

}  // namespace opslab
