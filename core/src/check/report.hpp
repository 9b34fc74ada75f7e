#pragma once

#include "check/case_process.hpp"
#include "check/subject.hpp"

#include <opslab/error.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace opslab::check {

/// A case and what became of it.
struct Checked {
    std::string name{};  ///< `StopIsPoliteFirst`
    Outcome outcome{};
};

/// The promise of a case in words: `stop is polite first`. A case is named by its promise.
[[nodiscard]] std::string promise_of(std::string_view name);

/// The lines of one case: the verdict and the promise, and why it failed.
[[nodiscard]] std::string text_of(const Checked& checked);

/// What ends the text: how many passed, failed and were skipped, and which promises were broken.
[[nodiscard]] std::string summary_of(const std::vector<Checked>& all);

[[nodiscard]] std::string json_of(const About& about, const std::vector<Checked>& all);
[[nodiscard]] std::string junit_of(const About& about, const std::vector<Checked>& all);

[[nodiscard]] std::size_t count(const std::vector<Checked>& all, Verdict verdict);

}  // namespace opslab::check
