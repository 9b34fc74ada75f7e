#include "config/settings_decode.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace opslab::config {

namespace {

/// Reads one object of the checked tree. A wrong kind was a finding already: the default stays.
class Section {
public:
    explicit Section(const Node* node) : node_(node) {}

    void read(const char* key, bool& into) const {
        if (const Node* value = find(key, Node::Kind::boolean)) {
            into = value->boolean;
        }
    }

    void read(const char* key, std::string& into) const {
        if (const Node* value = find(key, Node::Kind::string)) {
            into = value->text;
        }
    }

    void read(const char* key, std::optional<std::string>& into) const {
        if (const Node* value = find(key, Node::Kind::string)) {
            into = value->text;
        }
    }

    void read(const char* key, int& into) const {
        if (const Node* value = find(key, Node::Kind::integer)) {
            into = static_cast<int>(value->integer);
        }
    }

    void read(const char* key, std::int64_t& into) const {
        if (const Node* value = find(key, Node::Kind::integer)) {
            into = value->integer;
        }
    }

    void read(const char* key, std::chrono::seconds& into) const {
        if (const Node* value = find(key, Node::Kind::integer)) {
            into = std::chrono::seconds{value->integer};
        }
    }

    void read(const char* key, std::vector<std::string>& into) const {
        if (const Node* value = find(key, Node::Kind::array)) {
            for (const Node& item : value->items) {
                into.push_back(item.text);
            }
        }
    }

    [[nodiscard]] const Node* find(const char* key, Node::Kind kind) const {
        const Node* value = node_ == nullptr ? nullptr : node_->find(key);
        return value != nullptr && value->kind == kind ? value : nullptr;
    }

    [[nodiscard]] Section section(const char* key) const {
        return Section{find(key, Node::Kind::object)};
    }

    [[nodiscard]] Mark mark_of(const char* key) const {
        const Node* value = node_ == nullptr ? nullptr : node_->find(key);
        return value == nullptr ? Mark{} : value->mark;
    }

private:
    const Node* node_;
};

PluginBlock decode_block(
    const Section& section, const char* key, const Path& path, const std::string& file
) {
    PluginBlock block;
    section.read("plugin", block.plugin);
    const std::string name = key == nullptr ? block.plugin : key;
    block.plugin_mark = section.mark_of("plugin");
    block.plugin_path = path.key("plugin");
    const Node* given = section.find(name.c_str(), Node::Kind::object);
    block.block = given == nullptr ? make_object() : *given;
    if (given == nullptr) {
        block.block.mark = block.plugin_mark;
    }
    block.block_path = path.key(name);
    block.file = file;
    return block;
}

void decode_server(const Section& section, ServerSettings& server) {
    std::string listen;
    section.read("listen", listen);
    server.listen = parse_listen(listen).value_or(ListenAddress{});
    section.read("token_file", server.token_file);
    section.read("allow_unauthenticated", server.allow_unauthenticated);
    section.read("max_body_bytes", server.max_body_bytes);
    section.read("max_connections", server.max_connections);
    section.read("max_streams", server.max_streams);
    section.read("slow_client_seconds", server.slow_client);
    section.read("threads", server.threads);
    section.read("drain_seconds", server.drain);
}

void decode_worker_server(const Section& section, WorkerServerSettings& server) {
    std::optional<std::string> listen;
    section.read("listen", listen);
    if (listen) {
        server.listen = parse_listen(*listen);
    }
}

void decode_tasks(const Section& section, TaskSettings& tasks) {
    section.read("strict_problems", tasks.strict_problems);
    section.read("default_max_retries", tasks.default_max_retries);
    section.read("retry_base_seconds", tasks.retry_base);
    section.read("retry_max_seconds", tasks.retry_max);
    section.read("poll_seconds", tasks.poll_interval);
}

void decode_callbacks(const Section& section, CallbackSettings& callbacks) {
    section.read("allow_private", callbacks.allow_private);
    section.read("secret_file", callbacks.secret_file);
    section.read("max_attempts", callbacks.max_attempts);
    section.read("timeout_seconds", callbacks.timeout);
    section.read("retry_base_seconds", callbacks.retry_base);
    section.read("retry_max_seconds", callbacks.retry_max);
    section.read("max_in_flight", callbacks.max_in_flight);
}

void decode_log(const Section& section, LogSettings& log) {
    std::string format;
    section.read("format", format);
    log.format = format == "json" ? LogFormat::json : LogFormat::human;
    std::string level;
    section.read("level", level);
    for (const LogLevel known :
         {LogLevel::debug,
          LogLevel::info,
          LogLevel::warning,
          LogLevel::error,
          LogLevel::critical}) {
        if (level == to_string(known)) {
            log.level = known;
        }
    }
}

void decode_lists(const Section& root, const std::string& file, Settings& settings) {
    if (const Node* runners = root.find("runners", Node::Kind::array)) {
        for (const Node& item : runners->items) {
            const Path path = Path{}.key("runners").index(settings.runners.size());
            const Section section{&item};
            RunnerSettings runner;
            section.read("name", runner.name);
            runner.plugin = decode_block(section, "config", path, file);
            settings.runners.push_back(std::move(runner));
        }
    }
    if (const Node* workers = root.find("workers", Node::Kind::array)) {
        for (const Node& item : workers->items) {
            const Section section{&item};
            EmbeddedWorkerSettings worker;
            section.read("runner", worker.runner);
            section.read("count", worker.count);
            section.read("max_parallel_tasks", worker.max_parallel_tasks);
            section.read("supported_problems", worker.supported_problems);
            section.read("stop_grace_seconds", worker.stop_grace);
            section.read("max_log_bytes", worker.max_log_bytes);
            settings.workers.push_back(std::move(worker));
        }
    }
}

}  // namespace

std::optional<ListenAddress> parse_listen(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const bool has_colon = host.find(':') != std::string_view::npos;
    constexpr std::string_view kHostCharacters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:%";
    if (has_colon != bracketed ||
        host.find_first_not_of(kHostCharacters) != std::string_view::npos) {
        return std::nullopt;
    }
    ListenAddress address;
    address.host = std::string{host};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size()) {
        return std::nullopt;
    }
    return address;
}

Settings decode_settings(const Node& checked, const std::string& file) {
    const Section root{&checked};
    Settings settings;
    settings.file = file;
    decode_server(root.section("server"), settings.server);
    decode_worker_server(root.section("worker_server"), settings.worker_server);
    root.section("plugins").read("path", settings.plugin_path);
    root.section("plugins").read("state_path", settings.state_path);
    root.section("plugins").read("overdue_seconds", settings.plugin_patience);
    settings.storage = decode_block(root.section("storage"), nullptr, Path{}.key("storage"), file);
    root.section("heartbeat").read("interval_seconds", settings.heartbeat.interval);
    root.section("heartbeat").read("timeout_seconds", settings.heartbeat.timeout);
    root.section("sweep").read("interval_seconds", settings.sweep_interval);
    int days = 0;
    root.section("retention").read("offline_workers_days", days);
    settings.worker_retention = std::chrono::hours{24} * days;
    decode_tasks(root.section("tasks"), settings.tasks);
    decode_callbacks(root.section("callbacks"), settings.callbacks);
    decode_log(root.section("log"), settings.log);
    decode_lists(root, file, settings);
    return settings;
}

}  // namespace opslab::config
