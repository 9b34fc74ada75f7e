#pragma once

#include "http/message.hpp"

#include <opslab/error.hpp>
#include <opslab/ids.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// Reads a request's query and path parameters and notes everything that is wrong with them,
/// instead of stopping at the first. Each getter answers nothing where the parameter is absent or
/// wrong (wrong is noted). `finish_query` notes parameters that nobody asked for, or that came
/// twice. Request and parameters outlive the reader.
class RequestFields {
public:
    RequestFields(const HttpRequest& request, const PathParams& params)
        : request_(request), params_(params) {}

    /// Code points from `min` to `max`.
    std::optional<std::string> text(std::string_view name, std::size_t min, std::size_t max);
    /// Decimal digits with perhaps a minus.
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
    /// One of `allowed`.
    std::optional<std::string> word(
        std::string_view name, const std::vector<std::string_view>& allowed
    );
    /// `true` or `false`.
    std::optional<bool> boolean(std::string_view name);
    /// RFC 3339.
    std::optional<Timestamp> time(std::string_view name);
    /// Of the form `worker-NNN-BACKEND`.
    std::optional<WorkerId> worker(std::string_view name);

    /// A UUID of the path, in lower case; empty where it is none.
    TaskId path_task(std::string_view name = "id");
    /// A worker's id of the path; empty where it is none.
    WorkerId path_worker(std::string_view name = "id");

    /// The client's `Idempotency-Key`: 1 to 255 printable ASCII characters.
    std::optional<std::string> idempotency_key();

    void refuse(std::string_view field, std::string message);

    /// Notes the query's unknown and repeated parameters. Call after the last query getter.
    void finish_query();

    /// For readers of the body, so that all mistakes of a request come together.
    [[nodiscard]] std::vector<FieldError>& errors() { return errors_; }
    [[nodiscard]] bool good() const { return errors_.empty(); }
    /// All that was noted as one `invalid_argument`.
    [[nodiscard]] Error error() const;

private:
    std::optional<std::string_view> value(std::string_view name);

    const HttpRequest& request_;
    const PathParams& params_;
    std::set<std::string, std::less<>> known_{};
    std::vector<FieldError> errors_{};
};

/// For a route that takes no query: true where there is none, else `responder` has refused it.
[[nodiscard]] bool takes_no_query(
    const HttpRequest& request, const PathParams& params, Responder& responder
);

}  // namespace opslab
