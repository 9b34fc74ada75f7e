#pragma once

#include "http/embedded_workers.hpp"
#include "http/message.hpp"
#include "service/worker_service.hpp"

#include <opslab/time.hpp>

namespace opslab {

/// What workers and those who look after them do: decode, one service call, encode. Each method is
/// a `Handler`. Threads: all calls from any.
class WorkerHandlers {
public:
    WorkerHandlers(WorkerService& workers, EmbeddedWorkers& embedded, Clock& clock)
        : workers_(workers), embedded_(embedded), clock_(clock) {}

    void enroll(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void heartbeat(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void list(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void find(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void stats(const HttpRequest& request, const PathParams& params, Responder responder) const;

    // worker_life_handlers.cpp
    void retire(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void release(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void running(const HttpRequest& request, const PathParams& params, Responder responder) const;

    // run_handlers.cpp
    void claim(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void record(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void complete(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void fail(const HttpRequest& request, const PathParams& params, Responder responder) const;

    // embedded_handlers.cpp
    void embedded_status(const HttpRequest& request, const PathParams& params, Responder responder)
        const;
    void embedded_scale(const HttpRequest& request, const PathParams& params, Responder responder)
        const;
    void embedded_start(const HttpRequest& request, const PathParams& params, Responder responder)
        const;
    void embedded_stop(const HttpRequest& request, const PathParams& params, Responder responder)
        const;

private:
    WorkerService& workers_;
    EmbeddedWorkers& embedded_;
    Clock& clock_;
};

}  // namespace opslab
