#include "config/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace opslab::config {

namespace {

constexpr std::size_t kLongestWord = 64;

/// Insertions, deletions, replacements and swaps of neighbours, each once.
std::size_t edits(std::string_view left, std::string_view right) {
    std::vector<std::size_t> before(right.size() + 1);
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[right.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
    if (word.empty() || word.size() > kLongestWord) {
        return std::nullopt;
    }
    std::optional<std::string> best;
    std::size_t fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : known) {
        if (candidate.size() > kLongestWord) {
            continue;
        }
        const std::size_t count = edits(word, candidate);
        if (count < fewest) {
            fewest = count;
            best = candidate;
        }
    }
    return best;
}

std::string hint(std::string_view word, std::span<const std::string> known) {
    const auto meant = nearest(word, known);
    return meant ? "; did you mean \"" + *meant + "\"?" : std::string{};
}

}  // namespace opslab::config
