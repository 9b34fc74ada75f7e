#include "host_check.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>

namespace opslab::runner_kind {
namespace {

// The number behind `name` in a file of /proc; the first word of it where there is no name.
[[nodiscard]] std::optional<std::uint64_t> number_in(const char* path, const std::string& name) {
    std::ifstream file(path);
    std::string word;
    std::uint64_t value = 0;
    if (name.empty()) {
        return file >> value ? std::optional{value} : std::nullopt;
    }
    while (file >> word) {
        if (word == name) {
            return file >> value ? std::optional{value} : std::nullopt;
        }
    }
    return std::nullopt;
}

struct FreeDisk {
    std::string folder{};
    std::uint64_t free_mb = 0;
};

// Where the engine's images and containers are likely to be.
[[nodiscard]] std::optional<FreeDisk> free_disk(const std::string& state_dir) {
    constexpr unsigned kMib = 20;
    const std::string images = "/var/lib/docker";
    const std::string folder = ::access(images.c_str(), F_OK) == 0 ? images : state_dir;
    struct statvfs info {};
    if (::statvfs(folder.c_str(), &info) != 0) {
        return std::nullopt;
    }
    return FreeDisk{folder, (info.f_bavail * info.f_frsize) >> kMib};
}

[[nodiscard]] std::optional<std::uint64_t> inotify_limit(const std::string& name) {
    return number_in(("/proc/sys/fs/inotify/" + name).c_str(), "");
}

void look_at(const std::string& limit, std::uint64_t wanted, std::vector<std::string>& low) {
    const auto value = inotify_limit(limit);
    if (value && *value < wanted) {
        low.push_back(
            "fs.inotify." + limit + " is " + std::to_string(*value) +
            ", raise it: sysctl fs.inotify." + limit + "=" + std::to_string(wanted)
        );
    }
}

}  // namespace

RunnerStatus check_room(const HostNeeds& needs, const std::string& state_dir) {
    const auto memory = number_in("/proc/meminfo", "MemAvailable:");
    if (needs.memory_mb > 0 && memory && *memory / 1024 < needs.memory_mb) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "no room for a cluster: " + std::to_string(*memory / 1024) +
                " MiB of memory available, min_free_memory_mb is " +
                std::to_string(needs.memory_mb) + "; use fewer slots or more memory"
        );
    }
    const auto disk = free_disk(state_dir);
    if (needs.disk_mb > 0 && disk && disk->free_mb < needs.disk_mb) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "no room for a cluster: " + std::to_string(disk->free_mb) +
                " MiB free on the disk of " + disk->folder + ", min_free_disk_mb is " +
                std::to_string(needs.disk_mb) + "; free some (docker system df)"
        );
    }
    return {};
}

std::vector<std::string> low_limits() {
    // about 12 instances for each node, the machine's own beside them
    constexpr std::uint64_t kInstances = 512;
    constexpr std::uint64_t kWatches = 524'288;
    std::vector<std::string> low;
    look_at("max_user_instances", kInstances, low);
    look_at("max_user_watches", kWatches, low);
    return low;
}

std::string host_text(const std::string& state_dir) {
    constexpr std::uint64_t kForOne =
        1500;  // MiB: a control plane and a worker, AIOpsLab not yet in
    const auto text_of = [](std::optional<std::uint64_t> value) {
        return value ? std::to_string(*value) : std::string{"unknown"};
    };
    const auto memory = number_in("/proc/meminfo", "MemAvailable:");
    std::string text = memory ? std::to_string(*memory / 1024) +
                                    " MiB of memory available (room for about " +
                                    std::to_string(*memory / 1024 / kForOne) + " clusters)"
                              : std::string{"memory unknown"};
    if (const auto disk = free_disk(state_dir)) {
        text += ", " + std::to_string(disk->free_mb) + " MiB free on the disk of " + disk->folder;
    }
    return text + ", inotify " + text_of(inotify_limit("max_user_instances")) + " instances and " +
           text_of(inotify_limit("max_user_watches")) + " watches";
}

std::optional<std::string> address_advice(
    const std::vector<std::string>& networks, const std::string& network
) {
    // an engine's own pools have room for 31 networks, `host` and `none` take none
    constexpr std::size_t kNearlyAll = 30;
    const bool is_there = std::find(networks.begin(), networks.end(), network) != networks.end();
    if (is_there || networks.size() < kNearlyAll) {
        return std::nullopt;
    }
    return "the engine has " + std::to_string(networks.size()) +
           " networks and may have no addresses left for \"" + network +
           "\"; docker network prune, or default-address-pools in daemon.json";
}

}  // namespace opslab::runner_kind
