#include "http/starting_api.hpp"

#include "http/live_route.hpp"

namespace opslab {

Router make_starting_api() {
    Router router;
    router.add(live_route("getLive"));
    return router;
}

Error starting_error() {
    return {
        .code = Errc::unavailable,
        .message = "the coordinator is starting: its storage is not open yet"};
}

}  // namespace opslab
