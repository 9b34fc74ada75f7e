#include "daemon/worker_server.hpp"

#include <fstream>
#include <system_error>
#include <utility>

namespace opslab::daemon {

namespace {

/// Probes and one scraper: nobody else is expected.
ServerSettings small_server(const config::ListenAddress& listen) {
    ServerSettings server;
    server.address = listen.host;
    server.port = listen.port;
    server.max_body = std::size_t{16} * 1024;
    server.max_bodies_total = std::size_t{1024} * 1024;
    server.max_connections = 64;
    server.max_streams = 1;
    server.executor_threads = 1;
    server.executor_queue = 64;
    return server;
}

}  // namespace

WorkerServer::WorkerServer(const Parts& parts, HostRule hosts)
    : parts_(parts),
      request_log_(parts.metrics, parts.logger),
      dispatcher_(std::make_unique<Dispatcher>(
          make_worker_api(
              {.source = *this,
               .metrics = *this,
               .worker = parts.loop.id().value,
               .coordinator = parts.coordinator,
               .version = OPSLAB_VERSION}
          ),
          DispatcherSettings{.bearer_token = parts.token, .hosts = hosts},
          parts.clock,
          parts.entropy,
          parts.logger,
          &request_log_
      )) {}

WorkerServer::~WorkerServer() {
    std::error_code ignored;
    std::filesystem::remove(parts_.address_file, ignored);
}

Result<std::unique_ptr<WorkerServer>> WorkerServer::start(
    const config::ListenAddress& listen, const Parts& parts
) {
    const bool local = parts.token.empty() && config::is_loopback(listen.host);
    std::unique_ptr<WorkerServer> made(
        new WorkerServer(parts, local ? HostRule::local : HostRule::any)
    );
    auto server =
        HttpServer::start(small_server(listen), *made->dispatcher_, parts.clock, parts.logger);
    if (!server) {
        return fail(within("worker_server.listen", std::move(server.error())));
    }
    made->server_ = std::move(*server);
    std::ofstream(parts.address_file) << "http://" << made->address() << "\n";
    return made;
}

WorkerVitals WorkerServer::vitals() const {
    const auto condition = parts_.loop.condition();
    const auto contact = parts_.port.contact();
    return {
        .enrolled = condition.enrolled,
        .draining = condition.draining,
        .coordinator_answers = contact.answers,
        .last_answer = contact.last,
        .slots = parts_.loop.slots(),
        .busy = condition.busy,
        .circuit_open = condition.circuit_open,
        .overdue_calls = parts_.plugins.overdue_calls(),
    };
}

Result<std::string> WorkerServer::metrics_text() {
    const int busy = parts_.loop.busy_slots();
    parts_.metrics.set_slots(busy, parts_.loop.slots() - busy);
    measure_process(parts_.metrics);
    return parts_.metrics.text();
}

}  // namespace opslab::daemon
