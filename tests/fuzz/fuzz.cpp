#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace opslab::fuzz {

std::vector<Target>& targets() {
    static std::vector<Target> all;
    return all;
}

void require(bool holds, const char* promise, std::string_view seen) {
    if (holds) {
        return;
    }
    std::fprintf(
        stderr, "broken: %s\nseen: %.*s\n", promise, static_cast<int>(seen.size()), seen.data()
    );
    std::abort();
}

std::vector<std::string_view> pieces_of(std::string_view input) {
    std::uint64_t state = 1469598103934665603ULL;
    for (const char c : input.substr(0, 4096)) {
        state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
    std::vector<std::string_view> pieces;
    while (!input.empty()) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto dice = static_cast<std::size_t>(state >> 40U);
        const std::size_t size = dice % 11 == 0 ? 1 + dice % 5000 : 1 + dice % 16;
        pieces.push_back(input.substr(0, size));
        input.remove_prefix(std::min(size, input.size()));
    }
    return pieces;
}

std::vector<std::string_view> bytes_of(std::string_view input) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < input.size(); ++i) {
        pieces.push_back(input.substr(i, 1));
    }
    return pieces;
}

std::vector<std::string_view> parts_of(std::string_view input) {
    constexpr std::string_view kMark = "\n%%\n";
    std::vector<std::string_view> parts;
    for (auto at = input.find(kMark); at != std::string_view::npos; at = input.find(kMark)) {
        parts.push_back(input.substr(0, at));
        input.remove_prefix(at + kMark.size());
    }
    parts.push_back(input);
    return parts;
}

}  // namespace opslab::fuzz
