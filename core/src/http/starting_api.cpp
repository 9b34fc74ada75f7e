#include "http/starting_api.hpp"

#include "http/request_fields.hpp"

namespace opslab {

Router make_starting_api() {
    Router router;
    router.add(
        {HttpMethod::get,
         "/live",
         "getLive",
         [](const HttpRequest& request, const PathParams& params, Responder responder) {
             if (takes_no_query(request, params, responder)) {
                 responder.respond(json_response(200, R"({"status":"alive"})"));
             }
         },
         Placement::io,
         Access::open}
    );
    return router;
}

Error starting_error() {
    return {
        .code = Errc::unavailable,
        .message = "the coordinator is starting: its storage is not open yet"};
}

}  // namespace opslab
