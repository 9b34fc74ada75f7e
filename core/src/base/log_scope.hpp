#pragma once

#include <opslab/logger.hpp>

#include <span>
#include <string>
#include <vector>

namespace opslab {

/// What a thread works at, for lines that are told below it: who calls a plugin for a task knows
/// the task, and who guards the plugin tells what went wrong.
class LogScope {
public:
    /// From now on the scope of this thread, instead of the one before, until the destructor. The
    /// names of the fields are constants. Scopes end in the reverse order.
    explicit LogScope(std::vector<LogField> fields);
    LogScope(const LogScope&) = delete;
    LogScope& operator=(const LogScope&) = delete;
    ~LogScope();

    /// The fields of this thread's scope; none without one. Valid until that scope ends.
    [[nodiscard]] static std::span<const LogField> fields();

    /// Fields as words of a text: `worker worker-001-gpu, task 0197…, attempt 1`.
    [[nodiscard]] static std::string words(std::span<const LogField> fields);

private:
    std::vector<LogField> fields_;
    const LogScope* before_;
};

}  // namespace opslab
