#include "container_spec.hpp"

#include "private_engine.hpp"
#include "run_handle.hpp"

#include <opslab/docker/tar_archive.hpp>
#include <opslab/exec/task_origin.hpp>

#include <nlohmann/json.hpp>

#include <charconv>
#include <utility>

namespace opslab::docker {
namespace {

using Json = nlohmann::json;

[[nodiscard]] Json labels_of(
    const ContainerSpec& spec,
    const RunExtras& extras,
    const RunRequest& request,
    const std::string& event_prefix
) {
    Json labels = spec.labels;
    for (const auto& [name, value] : extras.labels) {
        labels[name] = value;
    }
    std::string relies_on;
    for (const std::string& container : extras.relies_on) {
        relies_on += (relies_on.empty() ? "" : " ") + container;
    }
    if (!relies_on.empty()) {
        labels[kLabelReliesOn] = relies_on;
    }
    labels[kLabelManaged] = "true";
    labels[kLabelScope] = spec.scope;
    labels[kLabelWorker] = request.slot.worker.value;
    labels[kLabelRun] = request.run_id;
    labels[kLabelTask] = request.task.value;
    labels[kLabelAttempt] = std::to_string(request.attempt);
    labels[kLabelPrefix] = event_prefix;
    return labels;
}

[[nodiscard]] Json environment_of(
    const ContainerSpec& spec, const RunExtras& extras, const RunRequest& request
) {
    auto variables = extras.variables;
    variables.insert(spec.variables.begin(), spec.variables.end());
    const std::string directory = kRunDirectory;
    for (auto& [variable, value] : exec::origin_variables(request.task_json)) {
        variables[variable] = std::move(value);
    }
    variables["OPSLAB_PROTOCOL"] = "1";
    variables["OPSLAB_WORK_DIR"] = directory + "/work";
    variables["OPSLAB_TASK_FILE"] = directory + "/task/task.json";
    Json out = Json::array();
    for (const auto& [name, value] : variables) {
        out.push_back(name + "=" + value);
    }
    return out;
}

// The log has to hold what is written while no worker reads it, and must not fill the disk: while
// one reads, the brake keeps the container within a few MiB of the reader, far below the bound.
// `local` keeps every byte as it was; `json-file` replaces what is no UTF-8.
[[nodiscard]] Json log_config_of(const ContainerSpec& spec) {
    Json options = {{"max-size", "64m"}, {"max-file", "3"}};
    if (spec.log_driver == "local") {
        options["compress"] = "false";
    }
    return {{"Type", spec.log_driver}, {"Config", options}};
}

void set_limits(Json& host, const ContainerSpec& spec) {
    if (spec.memory_bytes > 0) {
        host["Memory"] = spec.memory_bytes;
        host["MemorySwap"] = spec.memory_bytes;  // the sum of both: no swap
    }
    if (spec.nano_cpus > 0) {
        host["NanoCpus"] = spec.nano_cpus;
    }
}

[[nodiscard]] Json host_config_of(const ContainerSpec& spec, const RunExtras& extras) {
    Json host = {
        {"AutoRemove", false},
        {"CapDrop", {"AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"}},
        {"ExtraHosts", spec.extra_hosts},
        {"Init", spec.has_init},
        {"LogConfig", log_config_of(spec)},
        {"NetworkMode", spec.network},
        {"PidsLimit", spec.pids_limit},
        {"ReadonlyRootfs", spec.is_read_only},
        {"RestartPolicy", {{"Name", "no"}}},
        {"SecurityOpt", {"no-new-privileges"}},
    };
    set_limits(host, spec);
    if (!extras.network_of.empty()) {
        host["NetworkMode"] = "container:" + extras.network_of;
        host.erase("ExtraHosts");  // they are of the namespace, and so of the other container
    }
    if (spec.is_read_only) {
        host["Tmpfs"] = {{"/tmp", "rw,nosuid,nodev,mode=1777"}};
    }
    return host;
}

// The owner, where `user` is numbers; names are known inside of the image alone.
[[nodiscard]] std::optional<TarArchive::Owner> owner_of(const std::string& user) {
    constexpr std::uint32_t kMaxInTar = 07777777;
    TarArchive::Owner owner;
    const char* const end = user.data() + user.size();
    auto [rest, failed] = std::from_chars(user.data(), end, owner.uid);
    if (failed != std::errc{} || owner.uid > kMaxInTar) {
        return std::nullopt;
    }
    if (rest != end && *rest == ':') {
        const auto group = std::from_chars(rest + 1, end, owner.gid);
        rest = group.ec == std::errc{} && owner.gid <= kMaxInTar ? group.ptr : nullptr;
    }
    return rest == end ? std::optional{owner} : std::nullopt;
}

}  // namespace

std::string container_body(
    const ContainerSpec& spec,
    const RunExtras& extras,
    const RunRequest& request,
    const std::string& event_prefix
) {
    Json body = {
        {"Image", spec.image},
        {"Env", environment_of(spec, extras, request)},
        {"HostConfig", host_config_of(spec, extras)},
        {"Labels", labels_of(spec, extras, request, event_prefix)},
        {"OpenStdin", false},
        {"Tty", false},
        {"Volumes", {{kRunDirectory, Json::object()}}},
    };
    if (!spec.user.empty()) {
        body["User"] = spec.user;
    }
    if (spec.entrypoint) {
        body["Entrypoint"] = *spec.entrypoint;
    }
    if (spec.command) {
        body["Cmd"] = *spec.command;
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// It runs with all rights, as any engine in a container does: kind's nodes have the same.
std::string private_engine_body(
    const ContainerSpec& spec, const RunRequest& request, const std::string& event_prefix
) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::string host_option = "--host=" + std::string{kPrivateEngineHost};
    RunExtras extras;
    Json labels = labels_of(spec, extras, request, event_prefix);
    labels[kLabelRole] = "docker-engine";
    Json host = {
        {"AutoRemove", false},
        {"ExtraHosts", spec.extra_hosts},
        {"LogConfig", log_config_of(spec)},
        {"NetworkMode", spec.network},
        {"Privileged", true},
        {"RestartPolicy", {{"Name", "no"}}},
    };
    set_limits(host, spec);
    const Json body = {
        {"Image", spec.engine.image},
        {"Cmd", {"dockerd", host_option, "--tls=false"}},
        {"Healthcheck",
         {{"Test", {"CMD", "docker", host_option, "version"}},
          {"Interval", kSecond},
          {"Timeout", 10 * kSecond},
          {"Retries", 3600}}},
        {"HostConfig", host},
        {"Labels", labels},
        {"Volumes", {{"/var/lib/docker", Json::object()}}},
    };
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string run_archive(
    const ContainerSpec& spec, const RunExtras& extras, const std::string& task_file
) {
    const auto owner = owner_of(spec.user);
    // where the driver's user is not known here everyone may write: nobody but the container's own
    // processes gets to its volume
    TarArchive archive(owner.value_or(TarArchive::Owner{}));
    archive.add_directory("work/", owner ? 0700 : 0777);
    archive.add_directory("task/", owner ? 0700 : 0777);
    archive.add_file("task/task.json", owner ? 0600 : 0666, task_file);
    for (const auto& [name, content] : extras.files) {
        archive.add_file("task/" + name, owner ? 0600 : 0666, content);
    }
    return std::move(archive).finish();
}

}  // namespace opslab::docker
