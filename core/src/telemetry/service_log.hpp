#pragma once

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <memory>

namespace opslab {

enum class ServiceLogFormat : std::uint8_t {
    human,  ///< `2026-01-31T08:15:30.123456Z warning worker lost task=… worker=…`
    json,   ///< one object a line: `time`, `level`, `message` and the fields
};

/// The service's own log, on stderr. Text of others (fields) is escaped, so that one entry is one
/// line and nothing of it reaches a terminal as a control sequence.
[[nodiscard]] std::unique_ptr<Logger> make_service_log(
    ServiceLogFormat format, LogLevel level, Clock& clock
);

/// The text of one entry, without the line end. A field with nothing in it is left out.
[[nodiscard]] std::string format_entry(
    ServiceLogFormat format,
    Timestamp at,
    LogLevel level,
    std::string_view message,
    std::span<const LogField> fields
);

}  // namespace opslab
