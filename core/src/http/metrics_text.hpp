#pragma once

#include <opslab/error.hpp>

#include <string>

namespace opslab {

/// Where `GET /metrics` gets its text from; the telemetry implements it. Threads: from any.
class MetricsText {
public:
    MetricsText() = default;
    MetricsText(const MetricsText&) = delete;
    MetricsText& operator=(const MetricsText&) = delete;
    virtual ~MetricsText() = default;

    /// Prometheus text format, version 0.0.4.
    [[nodiscard]] virtual Result<std::string> metrics_text() = 0;
};

}  // namespace opslab
