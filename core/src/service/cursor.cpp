#include "service/cursor.hpp"

#include "base/digest.hpp"

#include <algorithm>

namespace opslab {

namespace {

// Values are ids and integers: none holds the separator.
constexpr char kSeparator = '.';
constexpr std::size_t kScopeDigits = 16;
constexpr std::size_t kMaxCursor = 256;

std::string scope_mark(std::string_view scope) {
    return sha256_hex(scope).substr(0, kScopeDigits);
}

}  // namespace

std::string seal_cursor(std::string_view scope, const std::vector<std::string>& values) {
    std::string cursor = scope_mark(scope);
    for (const auto& value : values) {
        cursor += kSeparator + value;
    }
    return cursor;
}

std::optional<std::vector<std::string>> open_cursor(
    std::string_view scope, std::string_view cursor, std::size_t count
) {
    if (cursor.size() > kMaxCursor) {
        return std::nullopt;
    }
    std::vector<std::string> parts;
    while (true) {
        const auto end = std::min(cursor.find(kSeparator), cursor.size());
        parts.emplace_back(cursor.substr(0, end));
        if (end == cursor.size()) {
            break;
        }
        cursor.remove_prefix(end + 1);
    }
    if (parts.size() != count + 1 || parts.front() != scope_mark(scope)) {
        return std::nullopt;
    }
    parts.erase(parts.begin());
    return parts;
}

}  // namespace opslab
