#include "config/finding.hpp"

#include <algorithm>
#include <tuple>

namespace opslab::config {

std::string Finding::text() const {
    std::string line = file;
    if (mark.line > 0) {
        line += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
    }
    if (!line.empty()) {
        line += ": ";
    }
    if (!key.empty()) {
        line += key + ": ";
    }
    return line + problem;
}

void sort_findings(Findings& findings) {
    const auto place = [](const Finding& finding) {
        return std::tie(finding.file, finding.mark, finding.key);
    };
    std::stable_sort(findings.begin(), findings.end(), [&](const auto& left, const auto& right) {
        return place(left) < place(right);
    });
    // one place with one key is one mistake, even where two rules see it; the whole file has many
    const auto doubled = [&](const auto& left, const auto& right) {
        return left == right || (left.mark.line > 0 && place(left) == place(right));
    };
    findings.erase(std::unique(findings.begin(), findings.end(), doubled), findings.end());
}

std::string to_text(const Findings& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += finding.text() + "\n";
    }
    return text;
}

}  // namespace opslab::config
