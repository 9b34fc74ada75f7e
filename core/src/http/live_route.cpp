#include "http/live_route.hpp"

#include "http/request_fields.hpp"

#include <utility>

namespace opslab {

Route live_route(std::string operation_id) {
    return {
        HttpMethod::get,
        "/live",
        std::move(operation_id),
        [](const HttpRequest& request, const PathParams& params, Responder responder) {
            if (takes_no_query(request, params, responder)) {
                responder.respond(json_response(200, R"({"status":"alive"})"));
            }
        },
        Placement::io,
        Access::open};
}

}  // namespace opslab
