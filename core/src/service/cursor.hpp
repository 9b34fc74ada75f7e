#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// Opaque cursors for clients: values, bound to the query that they belong to. `scope` names the
/// query (sort and filters); a cursor of another scope does not open.
[[nodiscard]] std::string seal_cursor(
    std::string_view scope, const std::vector<std::string>& values
);

/// The values, `count` of them; nothing where the text is no cursor of this scope.
[[nodiscard]] std::optional<std::vector<std::string>> open_cursor(
    std::string_view scope, std::string_view cursor, std::size_t count
);

}  // namespace opslab
