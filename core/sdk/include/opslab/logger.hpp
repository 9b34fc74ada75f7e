#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace opslab {

/// Severity of an entry, in the service's own log and in a task's log alike, lowest first.
enum class LogLevel { debug = 0, info = 1, warning = 2, error = 3, critical = 4 };

[[nodiscard]] constexpr const char* to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
        case LogLevel::critical:
            return "critical";
    }
    return "info";
}

/// One named value of a log line: `{"task", id}`. Values are text; secrets never are.
struct LogField {
    std::string_view name;
    std::string value;
};

/// The service's own log: one constant message and fields (request, task, attempt, worker,
/// runner). Threads: safe from any thread. Never throws, never blocks for long.
class Logger {
public:
    Logger() = default;
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;
    virtual ~Logger() = default;

    virtual void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept = 0;
};

/// Call-site shorthand: `log(logger, LogLevel::info, "task claimed", {{"task", id}});`
inline void log(
    Logger& logger,
    LogLevel level,
    std::string_view message,
    std::initializer_list<LogField> fields = {}
) {
    logger.log(level, message, std::span<const LogField>(fields.begin(), fields.size()));
}

}  // namespace opslab
