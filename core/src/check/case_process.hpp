#pragma once

#include "check/request.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace opslab::check {

enum class Verdict : std::uint8_t { passed, failed, skipped };

[[nodiscard]] constexpr const char* to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::passed:
            return "passed";
        case Verdict::skipped:
            return "skipped";
        case Verdict::failed:
            break;
    }
    return "failed";
}

/// What became of a case.
struct Outcome {
    Verdict verdict = Verdict::failed;
    std::chrono::milliseconds took{};
    std::vector<std::string> messages{};  ///< for people: valid UTF-8, no control characters
};

/// What a process said, and how it ended.
struct Said {
    std::string text{};    ///< at most 1 MiB
    std::string errors{};  ///< the end of its standard error
    std::string death{};   ///< why it did not end by itself with 0; empty: it did
    bool is_late = false;  ///< it was killed because its time was over
    std::chrono::milliseconds took{};
};

/// Runs `work` in a child process, which is killed after `patience`: whatever a plugin does there,
/// this process goes on. What `work` answers comes back as text; its standard output goes nowhere.
/// Must be called while this process has one thread.
[[nodiscard]] Said run_apart(
    std::chrono::seconds patience, const std::function<std::string()>& work
);

/// Makes this process the parent of all that its children leave behind.
void adopt_orphans();

/// Kills what children of this process left behind. Must be called while none is under way.
void end_orphans();

}  // namespace opslab::check
