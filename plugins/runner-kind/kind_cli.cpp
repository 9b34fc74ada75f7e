#include "kind_cli.hpp"

#include <opslab/exec/marked_processes.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace opslab::runner_kind {
namespace {

constexpr std::size_t kMostWords = 600;

// The tool's own reason: from its line "ERROR: …" on, else its last words; one printable line.
[[nodiscard]] std::string reason_in(const std::string& err) {
    const auto at = err.rfind("ERROR: ");
    std::string text = at == std::string::npos ? err : err.substr(at + 7);
    if (text.size() > kMostWords) {
        // a child's output is behind kind's own line, and ends with what matters
        const std::string head = text.substr(0, kMostWords / 2);
        text = head + " … " + text.substr(text.size() - kMostWords / 2);
    }
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    const auto last = text.find_last_not_of(' ');
    return last == std::string::npos ? "no reason given" : text.substr(0, last + 1);
}

[[nodiscard]] std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        if (!line.empty()) {
            lines.emplace_back(line);
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

}  // namespace

class KindCli::NameLease {
public:
    NameLease(KindCli& cli, const std::string& name) : cli_(cli), name_(name) {
        std::unique_lock lock(cli_.mutex_);
        // every call has a bound on its time, so this wait has one
        cli_.freed_.wait(lock, [&] { return !cli_.names_.contains(name_); });
        cli_.names_.insert(name_);
    }
    NameLease(const NameLease&) = delete;
    NameLease& operator=(const NameLease&) = delete;
    ~NameLease() {
        const std::lock_guard lock(cli_.mutex_);
        cli_.names_.erase(name_);
        cli_.freed_.notify_all();
    }

private:
    KindCli& cli_;
    std::string name_;
};

std::string KindCli::mark_of(const std::string& cluster) const {
    return mark_ + " " + cluster;
}

exec::Commands KindCli::on(const std::string& cluster) const {
    return commands_.with_variable(mark_of(cluster));
}

RunnerStatus KindCli::kill_calls(const std::vector<std::string>& clusters) const {
    std::vector<std::string> marks;
    marks.reserve(clusters.size());
    for (const std::string& cluster : clusters) {
        marks.push_back(mark_of(cluster));
    }
    return exec::kill_all_marked(marks);
}

RunnerResult<std::string> KindCli::output_of(
    const exec::Commands& commands,
    const std::vector<std::string>& words,
    std::chrono::milliseconds timeout,
    Interrupt interrupt
) {
    auto outcome = commands.run(words, timeout, interrupt);
    if (!outcome) {
        return tl::unexpected(outcome.error());
    }
    if (!outcome->has_succeeded) {
        return runner_fail(RunnerErrc::infrastructure, reason_in(outcome->err));
    }
    return std::move(outcome->out);
}

RunnerResult<std::string> KindCli::version() {
    return output_of({tools_.kind, "version"}, tools_.quick, {}).map([](const std::string& out) {
        const auto lines = lines_of(out);
        return lines.empty() ? std::string{"kind of an unknown version"} : lines.front();
    });
}

RunnerResult<std::string> KindCli::docker_version() {
    return output_of(
               {tools_.docker, "version", "--format", "{{.Client.Version}}"}, tools_.quick, {}
    )
        .map([](const std::string& out) {
            const auto lines = lines_of(out);
            return "docker command " + (lines.empty() ? std::string{"unknown"} : lines.front());
        });
}

RunnerResult<std::vector<std::string>> KindCli::networks() {
    return output_of({tools_.docker, "network", "ls", "--format", "{{.Name}}"}, tools_.quick, {})
        .map([](const std::string& out) { return lines_of(out); });
}

RunnerResult<std::vector<NodeContainer>> KindCli::nodes(const std::string& cluster) {
    const auto out = output_of(
        {tools_.docker,
         "ps",
         "--all",
         "--no-trunc",
         "--filter",
         "label=io.x-k8s.kind.cluster=" + cluster,
         "--format",
         "{{.ID}} {{.Names}}"},
        tools_.quick,
        {}
    );
    if (!out) {
        return tl::unexpected(out.error());
    }
    std::vector<NodeContainer> found;
    for (const std::string& line : lines_of(*out)) {
        const auto blank = line.find(' ');
        if (blank == std::string::npos) {
            return runner_fail(RunnerErrc::infrastructure, "docker ps answered \"" + line + "\"");
        }
        found.push_back({line.substr(0, blank), line.substr(blank + 1)});
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.name < b.name;
    });
    return found;
}

RunnerResult<bool> KindCli::carry(
    const std::vector<NodeContainer>& nodes, const std::string& word
) {
    std::vector<std::string> words{
        tools_.docker, "inspect", "--type", "container", "--format", "{{json .Config.Env}}"};
    for (const NodeContainer& node : nodes) {
        words.push_back(node.id);
    }
    return output_of(words, tools_.quick, {}).map([&](const std::string& out) {
        const auto lines = lines_of(out);
        return lines.size() == nodes.size() &&
               std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
                   return line.find(word) != std::string::npos;
               });
    });
}

RunnerResult<bool> KindCli::has_image(const std::string& image) {
    const auto outcome = commands_.run(
        {tools_.docker, "image", "inspect", "--format", "{{.Id}}", image}, tools_.quick, {}
    );
    if (!outcome) {
        return tl::unexpected(outcome.error());
    }
    if (outcome->has_succeeded || outcome->err.find("o such image") != std::string::npos) {
        return outcome->has_succeeded;
    }
    return runner_fail(RunnerErrc::infrastructure, reason_in(outcome->err));
}

RunnerStatus KindCli::pull_image(const std::string& image, Interrupt interrupt) {
    return output_of({tools_.docker, "pull", "--quiet", image}, tools_.pull, interrupt)
        .map([](const std::string&) {});
}

RunnerStatus KindCli::create(const NewCluster& cluster, Interrupt interrupt) {
    const NameLease lease(*this, cluster.name);
    ::unlink((cluster.kubeconfig + ".lock").c_str());  // a killed kind's lock is never given up
    std::vector<std::string> words{
        tools_.kind,
        "create",
        "cluster",
        "--retain",  // else kind removes by name what it failed over, a rival's containers too
        "--name",
        cluster.name,
        "--config",
        cluster.config_file,
        "--kubeconfig",
        cluster.kubeconfig};
    if (!cluster.image.empty()) {
        words.insert(words.end(), {"--image", cluster.image});
    }
    return output_of(on(cluster.name), words, tools_.create, interrupt).map([](const std::string&) {
    });
}

RunnerStatus KindCli::remove(const std::string& cluster, const std::string& kubeconfig) {
    const NameLease lease(*this, cluster);
    ::unlink((kubeconfig + ".lock").c_str());
    return output_of(
               on(cluster),
               {tools_.kind, "delete", "cluster", "--name", cluster, "--kubeconfig", kubeconfig},
               tools_.remove,
               {}
    )
        .map([](const std::string&) {});
}

RunnerStatus KindCli::load_image(
    const std::string& cluster, const std::string& image, Interrupt interrupt
) {
    const NameLease lease(*this, cluster);
    return output_of(
               on(cluster),
               {tools_.kind, "load", "docker-image", image, "--name", cluster},
               tools_.create,
               interrupt
    )
        .map([](const std::string&) {});
}

RunnerResult<std::string> KindCli::internal_kubeconfig(const std::string& cluster) {
    const NameLease lease(*this, cluster);
    return output_of(
        on(cluster),
        {tools_.kind, "get", "kubeconfig", "--internal", "--name", cluster},
        tools_.quick,
        {}
    );
}

std::vector<std::string> KindCli::kubectl_get(
    const std::string& cluster, std::vector<std::string> what
) const {
    std::vector<std::string> words{
        tools_.docker,
        "exec",
        cluster + "-control-plane",
        "kubectl",
        "--kubeconfig=/etc/kubernetes/admin.conf",
        "get"};
    words.insert(words.end(), what.begin(), what.end());
    return words;
}

RunnerResult<std::vector<std::string>> KindCli::data_in_use(const std::string& cluster) {
    auto ask = [&](std::vector<std::string> what) {
        return output_of(on(cluster), kubectl_get(cluster, std::move(what)), tools_.quick, {});
    };
    // a volume stays bound until no pod has its claim any more
    const auto volumes = ask(
        {"persistentvolumes",
         "-o=jsonpath={range .items[?(@.status.phase==\"Bound\")]}{.spec.hostPath.path}{\"\\n\"}"
         "{.spec.local.path}{\"\\n\"}{end}"}
    );
    if (!volumes) {
        return tl::unexpected(volumes.error());
    }
    const auto pods = ask(
        {"pods",
         "--all-namespaces",
         "-o=jsonpath={range .items[*].spec.volumes[*]}{.hostPath.path}{\"\\n\"}{end}"}
    );
    if (!pods) {
        return tl::unexpected(pods.error());
    }
    return lines_of(*volumes + "\n" + *pods);
}

RunnerResult<std::vector<std::string>> KindCli::mounts(const std::vector<std::string>& node_ids) {
    std::vector<std::string> words{
        tools_.docker,
        "inspect",
        "--type",
        "container",
        "--format",
        "{{range .Mounts}}{{if eq .Type \"bind\"}}{{println .Destination}}{{end}}{{end}}"};
    words.insert(words.end(), node_ids.begin(), node_ids.end());
    return output_of(words, tools_.quick, {}).map(lines_of);
}

RunnerStatus KindCli::remove_files(
    const std::string& cluster, const std::string& node_id, const std::vector<std::string>& paths
) {
    std::vector<std::string> words{
        tools_.docker, "exec", node_id, "rm", "-rf", "--one-file-system", "--"};
    words.insert(words.end(), paths.begin(), paths.end());
    return output_of(on(cluster), words, tools_.remove, {}).map([](const std::string&) {});
}

RunnerResult<bool> KindCli::is_ready(
    const std::string& cluster, std::size_t nodes, Interrupt interrupt
) {
    auto ask = [&](std::vector<std::string> what) {
        return on(cluster).run(kubectl_get(cluster, std::move(what)), tools_.quick, interrupt);
    };
    const auto api = ask({"--raw=/readyz"});
    if (!api) {
        return tl::unexpected(api.error());
    }
    if (!api->has_succeeded || lines_of(api->out) != std::vector<std::string>{"ok"}) {
        return false;
    }
    const auto states = ask(
        {"nodes",
         "-o=jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}"
         "{end}"}
    );
    if (!states) {
        return tl::unexpected(states.error());
    }
    const auto all = lines_of(states->out);
    return states->has_succeeded && all.size() == nodes &&
           std::all_of(all.begin(), all.end(), [](const auto& state) { return state == "True"; });
}

}  // namespace opslab::runner_kind
