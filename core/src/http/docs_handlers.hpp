#pragma once

#include "http/message.hpp"

#include <string>

namespace opslab {

/// `GET /docs`: the API document in a viewer (core/src/http/viewer), with all that it loads from
/// here. Each method is a `Handler`. Threads: all calls from any.
class DocsHandlers {
public:
    DocsHandlers();

    void page(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void script(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void style(const HttpRequest& request, const PathParams& params, Responder responder) const;

private:
    std::string policy_;  // Content-Security-Policy of the page: nothing but what is ours
};

}  // namespace opslab
