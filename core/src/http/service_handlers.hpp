#pragma once

#include "http/message.hpp"
#include "http/metrics_text.hpp"
#include "http/overdue_calls.hpp"
#include "service/task_service.hpp"

#include <opslab/storage.hpp>
#include <opslab/time.hpp>

#include <string>

namespace opslab {

/// How the service itself is: health, metrics, its own description. Each method is a `Handler`.
/// Threads: all calls from any.
class ServiceHandlers {
public:
    ServiceHandlers(
        TaskService& tasks,
        Storage& storage,
        MetricsText& metrics,
        Clock& clock,
        std::string version,
        OverdueCallSource overdue_calls
    );

    void health(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void ready(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void metrics(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void openapi(const HttpRequest& request, const PathParams& params, Responder responder) const;

private:
    TaskService& tasks_;
    Storage& storage_;
    MetricsText& metrics_;
    Clock& clock_;
    std::string version_;
    OverdueCallSource overdue_calls_;
};

}  // namespace opslab
