#include "config/nearest.hpp"
#include "config/settings_decode.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <vector>

namespace opslab::config {

namespace {

/// The rules, each a method; each adds findings at what the user wrote, else at the file.
class Rules {
public:
    Rules(const Settings& settings, const Node& written, Findings& findings)
        : settings_(settings), written_(written), findings_(findings) {}

    void listen() {
        const Node* listen = node({"server", "listen"});
        if (listen == nullptr || listen->kind != Node::Kind::string) {
            return;
        }
        const auto address = parse_listen(listen->text);
        if (!address) {
            return refuse(
                listen->mark,
                "server.listen",
                "expected an address and a port like 127.0.0.1:8000, found " + found(*listen)
            );
        }
        const bool open = !is_loopback(address->host) && !settings_.server.token_file &&
                          !settings_.server.allow_unauthenticated;
        if (open) {
            refuse(
                listen->mark,
                "server.listen",
                "an address that others can reach needs server.token_file, or "
                "server.allow_unauthenticated: true"
            );
        }
    }

    void plugin_folders() {
        const Node* list = node({"plugins", "path"});
        for (std::size_t i = 0; i < settings_.plugin_path.size(); ++i) {
            const std::string& folder = settings_.plugin_path[i];
            if (folder.empty() || folder.front() == '/') {
                continue;
            }
            const Node* written =
                list != nullptr && i < list->items.size() ? &list->items[i] : list;
            refuse(
                mark_of(written),
                "plugins.path[" + std::to_string(i) + "]",
                "expected an absolute path, found " + shown(written, folder)
            );
        }
    }

    /// Whether others may reach it depends on the worker's token too: the worker checks that.
    void worker_listen() {
        const Node* listen = node({"worker_server", "listen"});
        if (listen == nullptr || listen->kind != Node::Kind::string || parse_listen(listen->text)) {
            return;
        }
        refuse(
            listen->mark,
            "worker_server.listen",
            "expected an address and a port like 127.0.0.1:9200, found " + found(*listen)
        );
    }

    void heartbeat() {
        const auto& beat = settings_.heartbeat;
        if (beat.timeout > beat.interval) {
            return;
        }
        const Node* timeout = node({"heartbeat", "timeout_seconds"});
        const Node* interval = node({"heartbeat", "interval_seconds"});
        if (!wrote_numbers(timeout, interval)) {
            return;
        }
        refuse(
            mark_of(timeout != nullptr ? timeout : interval),
            "heartbeat.timeout_seconds",
            "expected more than heartbeat.interval_seconds (" + shown(interval, beat.interval) +
                "), found " + shown(timeout, beat.timeout)
        );
    }

    void retries() {
        retry_order("tasks", settings_.tasks.retry_base, settings_.tasks.retry_max);
        retry_order("callbacks", settings_.callbacks.retry_base, settings_.callbacks.retry_max);
    }

    void postgres_pool() {
        const Node* size = node({"storage", "postgres", "pool_size"});
        if (size != nullptr && size->kind == Node::Kind::integer &&
            (size->integer < 1 || size->integer > 200)) {
            refuse(
                size->mark,
                "storage.postgres.pool_size",
                "expected an integer from 1 to 200, found " + found(*size)
            );
        }
    }

    void runner_names() {
        const Node* runners = node({"runners"});
        for (std::size_t i = 0; i < settings_.runners.size(); ++i) {
            const std::string& name = settings_.runners[i].name;
            const std::string key = "runners[" + std::to_string(i) + "].name";
            const Node* written = member(runners, i, "name");
            const Mark mark = mark_of(written);
            if (name.empty()) {
                continue;  // missing or no text: a finding of the schema
            }
            if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
                std::string::npos) {
                refuse(
                    mark,
                    key,
                    "expected a name of a to z, 0 to 9 and -, found " + shown(written, name)
                );
            }
            for (std::size_t other = 0; other < i; ++other) {
                if (settings_.runners[other].name == name) {
                    refuse(
                        mark,
                        key,
                        "expected a name of its own, found that of runners[" +
                            std::to_string(other) + "]"
                    );
                    break;
                }
            }
        }
    }

    void worker_runners() {
        const Node* runners = node({"runners"});
        std::vector<std::string> names;
        for (std::size_t i = 0; i < settings_.runners.size(); ++i) {
            const Node* written = member(runners, i, "name");
            if (written == nullptr || !written->from_environment) {
                names.push_back(settings_.runners[i].name);
            }
        }
        const Node* workers = node({"workers"});
        for (std::size_t i = 0; i < settings_.workers.size(); ++i) {
            const std::string& name = settings_.workers[i].runner;
            if (name.empty() || settings_.find_runner(name) != nullptr) {
                continue;
            }
            const Node* written = member(workers, i, "runner");
            const bool from_environment = written != nullptr && written->from_environment;
            refuse(
                mark_of(written),
                "workers[" + std::to_string(i) + "].runner",
                "expected the name of one of runners, found " + shown(written, name) +
                    (from_environment ? std::string{} : hint(name, names))
            );
        }
    }

private:
    void refuse(Mark mark, std::string key, std::string problem) {
        findings_.push_back({settings_.file, mark, std::move(key), std::move(problem)});
    }

    /// `retry_max_seconds` of a section is at least its `retry_base_seconds`.
    void retry_order(
        const char* section, std::chrono::seconds first, std::chrono::seconds longest
    ) {
        if (longest >= first) {
            return;
        }
        const Node* longest_node = node({section, "retry_max_seconds"});
        const Node* base = node({section, "retry_base_seconds"});
        if (!wrote_numbers(longest_node, base)) {
            return;
        }
        const std::string name(section);
        refuse(
            mark_of(longest_node != nullptr ? longest_node : base),
            name + ".retry_max_seconds",
            "expected at least " + name + ".retry_base_seconds (" + shown(base, first) +
                "), found " + shown(longest_node, longest)
        );
    }

    [[nodiscard]] const Node* node(std::initializer_list<const char*> keys) const {
        const Node* at = &written_;
        for (const char* key : keys) {
            at = at == nullptr ? nullptr : at->find(key);
        }
        return at;
    }

    /// Whether at least one of two was written, and none as something else than a number (that is
    /// a finding of the schema, and what was decoded in its place says nothing).
    static bool wrote_numbers(const Node* one, const Node* other) {
        const auto fine = [](const Node* node) {
            return node == nullptr || node->kind == Node::Kind::integer;
        };
        return (one != nullptr || other != nullptr) && fine(one) && fine(other);
    }

    static Mark mark_of(const Node* node) { return node == nullptr ? Mark{} : node->mark; }

    static const Node* member(const Node* list, std::size_t i, const char* key) {
        return list == nullptr || i >= list->items.size() ? nullptr : list->items[i].find(key);
    }

    /// A value as findings show it: one from the environment is not shown.
    static std::string shown(const Node* written, const std::string& value) {
        Node node = make_string(value);
        node.from_environment = written != nullptr && written->from_environment;
        return found(node);
    }
    static std::string shown(const Node* written, std::chrono::seconds value) {
        return written != nullptr && written->from_environment ? found(*written)
                                                               : std::to_string(value.count());
    }

    const Settings& settings_;
    const Node& written_;
    Findings& findings_;
};

}  // namespace

bool is_loopback(const std::string& host) {
    in_addr four{};
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) {
        return ntohl(four.s_addr) >> 24U == 127;
    }
    in6_addr six{};
    if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) {
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127;
        return IN6_IS_ADDR_LOOPBACK(&six) || mapped;
    }
    return host == "localhost";
}

void check_rules(const Settings& settings, const Node& written, Findings& findings) {
    Rules rules{settings, written, findings};
    rules.listen();
    rules.plugin_folders();
    rules.worker_listen();
    rules.heartbeat();
    rules.retries();
    rules.postgres_pool();
    rules.runner_names();
    rules.worker_runners();
}

}  // namespace opslab::config
