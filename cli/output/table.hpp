#pragma once

#include <string>
#include <vector>

namespace opslab::cli {

/// Rows of text in columns as wide as their widest cell, two spaces between them. The first row is
/// the heading. Cells must be `printable`; one over 60 code points is cut.
[[nodiscard]] std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows
);

}  // namespace opslab::cli
