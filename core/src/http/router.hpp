#pragma once

#include "http/message.hpp"

#include <opslab/error.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// Where a handler runs. `io` is for answers out of memory (`/live`): they come even when every
/// executor thread is busy and the queue full, and must never block.
enum class Placement : std::uint8_t { executor, io };

/// Whether a route asks for the bearer token, where one is set.
enum class Access : std::uint8_t { token, open };

/// One row of the route table. `pattern` is `/tasks/{id}/logs`: literal segments and whole-segment
/// parameters; it answers at the root and under `/api/v1`.
struct Route {
    HttpMethod method = HttpMethod::get;
    std::string pattern{};
    std::string operation_id{};  ///< as in the OpenAPI document
    Handler handler{};
    Placement placement = Placement::executor;
    Access access = Access::token;
};

/// A target taken apart: decoded segments without the `/api/v1` prefix, and the query.
struct Target {
    std::vector<std::string> segments{};
    std::vector<QueryParam> query{};
    bool api_prefix = false;
};

/// Takes `target` (as sent) apart. `invalid_argument` for a bad percent escape, NUL or invalid
/// UTF-8 after decoding, and for a target that is no path. One slash at the end is ignored; an
/// empty segment elsewhere stays one, and no route matches it.
[[nodiscard]] Result<Target> parse_target(std::string_view target);

/// What the table says to a path.
struct RouteMatch {
    const Route* route = nullptr;  ///< null: unknown path, or known with other methods only
    PathParams params{};
    std::string pattern{};  ///< of the path, empty if unknown; bounded, fit for a metric
    std::vector<HttpMethod> allowed{};  ///< for `Allow`; empty if the path is unknown
};

/// Matches segments, with no regular expression (one long path would overflow its recursion). A
/// literal segment beats a parameter at each place, with a way back. HEAD finds GET's row.
/// Threads: `match` from any thread once the last `add` is done.
class Router {
public:
    Router();
    ~Router();
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// Adds a row. A bad pattern, the same row twice, or two names for one parameter place is
    /// a defect: `std::logic_error`.
    void add(Route route);

    [[nodiscard]] RouteMatch match(HttpMethod method, const std::vector<std::string>& segments)
        const;

    /// All rows, in the order in which they were added.
    [[nodiscard]] std::vector<const Route*> routes() const;

private:
    struct Node;

    std::vector<std::unique_ptr<Route>> routes_{};
    std::unique_ptr<Node> root_;
};

}  // namespace opslab
