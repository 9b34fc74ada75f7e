#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// Reads the fields of a JSON object from outside and notes everything that is wrong with them,
/// instead of stopping at the first: `FieldError`s with JSON pointers. An explicit null is as if
/// absent. Each getter answers nothing where the field is absent or wrong (wrong is noted).
/// `finish` notes the keys that nobody asked for. The object must outlive the reader.
class ObjectReader {
public:
    /// `pointer` is the JSON pointer of `object` itself. What is no object is noted, and then every
    /// field is absent.
    ObjectReader(const Json& object, std::string pointer, std::vector<FieldError>& errors);

    /// Code points from `min` to `max`.
    std::optional<std::string> string(std::string_view key, std::size_t min, std::size_t max);
    /// A number with no fraction part written: `30.0` is refused.
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
    std::optional<double> number(std::string_view key, double min, double max);
    std::optional<bool> boolean(std::string_view key);
    /// One of `allowed`.
    std::optional<std::string> word(std::string_view key, const std::vector<std::string>& allowed);
    /// The object or array itself; null where absent or of another kind.
    const Json* object(std::string_view key);
    const Json* array(std::string_view key);

    /// Notes that a required key is missing, unless it is there (rightly or wrongly).
    void require(std::string_view key);

    /// Notes a mistake of a field that was read, found by a check of the caller's.
    void refuse(std::string_view key, std::string message);

    /// Notes every key that was not read. Call last.
    void finish();

    [[nodiscard]] std::string pointer_to(std::string_view key) const;

private:
    const Json* member(std::string_view key);

    const Json* object_;  // null where there was no object
    std::string pointer_;
    std::vector<FieldError>& errors_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace opslab
