#include "output/table.hpp"

#include "output/escape.hpp"

#include <algorithm>
#include <cstddef>

namespace opslab::cli {
namespace {

constexpr std::size_t kMaxCell = 60;

}  // namespace

std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], std::min(code_points(row[i]), kMaxCell));
        }
    }
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto cell = shortened(row[i], kMaxCell);
            line += cell;
            if (i + 1 < row.size()) {
                line.append(widths[i] - code_points(cell) + 2, ' ');
            }
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace opslab::cli
