#pragma once

#include "base/log_scope.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// A call into a plugin that crashed a predecessor of this process. Made again, it would do so
/// again, and take with it all else that runs here.
struct PluginCrash {
    std::string signal{};  ///< `SIGSEGV`
    std::string call{};    ///< `wait`
    std::string whose{};   ///< `wait (runner gpu, worker worker-001-gpu, task 0197…, attempt 1)`

    /// Whether the call was made in this scope.
    [[nodiscard]] bool was_in(const std::vector<LogField>& scope) const {
        return whose.find(LogScope::words(scope) + ")") != std::string::npos;
    }

    /// Whether it was this call into the runner of this name, whatever for.
    [[nodiscard]] bool was(std::string_view verb, const std::string& runner) const {
        const auto words = "(runner " + runner;
        return call == verb && (whose.find(words + ",") != std::string::npos ||
                                whose.find(words + ")") != std::string::npos);
    }

    /// `it crashed its process (SIGSEGV)`, after whose call it was.
    [[nodiscard]] std::string text() const {
        return call + ": it crashed its process (" + signal + ")";
    }
};

/// All since the last orderly stop, the oldest first.
using PluginCrashes = std::vector<PluginCrash>;

}  // namespace opslab
