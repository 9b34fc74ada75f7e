#include "cluster_record.hpp"

#include <opslab/exec/event_prefix.hpp>
#include <opslab/exec/task_file.hpp>
#include <opslab/exec/tree_removal.hpp>
#include <opslab/exec/unique_fd.hpp>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace opslab::runner_kind {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

[[nodiscard]] bool is_synced(const std::string& path) {
    const exec::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return fd && ::fsync(fd.get()) == 0;
}

[[nodiscard]] std::optional<ClusterRecord> parsed(const std::string& text) {
    try {
        const Json json = Json::parse(text);
        ClusterRecord record;
        record.cluster = json.at("cluster").get<std::string>();
        record.worker = json.at("worker").get<std::string>();
        record.is_made = json.at("made").get<bool>();
        record.is_dirty = json.at("dirty").get<bool>();
        record.uses = json.at("uses").get<int>();
        record.run = json.at("run").get<std::string>();
        record.nodes = json.at("nodes").get<std::vector<std::string>>();
        return record;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

RunnerResult<std::string> ClusterRecords::owner_mark() const {
    const std::string path = root_ + "/owner";
    const auto kept = [&path] {
        std::ifstream file(path, std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(file), {}};
        return text;
    };
    if (std::string text = kept(); !text.empty()) {
        return text;
    }
    std::error_code failed;
    fs::create_directories(root_, failed);
    const auto word = exec::make_event_prefix();
    if (!word) {
        return tl::unexpected(word.error());
    }
    const std::string fresh = root_ + "/" + *word + ".new";
    if (auto written = exec::write_private_file(fresh, *word); !written) {
        return tl::unexpected(written.error());
    }
    // of two processes that get here at once one leaves its word, and both take that one
    const bool is_kept =
        is_synced(fresh) && (::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST);
    ::unlink(fresh.c_str());
    std::string text = kept();
    if (!is_kept || !is_synced(root_) || text.empty()) {
        return runner_fail(RunnerErrc::infrastructure, "cannot write \"" + path + "\"");
    }
    return text;
}

std::string ClusterRecords::directory(const std::string& cluster) const {
    return root_ + "/" + cluster;
}

std::string ClusterRecords::kubeconfig(const std::string& cluster) const {
    return directory(cluster) + "/kubeconfig";
}

std::string ClusterRecords::config_file(const std::string& cluster) const {
    return directory(cluster) + "/config.yaml";
}

RunnerStatus ClusterRecords::keep_internal_kubeconfig(
    const std::string& cluster, const std::string& text
) const {
    return write_file(cluster, directory(cluster) + "/internal.kubeconfig", text);
}

std::optional<std::string> ClusterRecords::internal_kubeconfig(const std::string& cluster) const {
    std::ifstream file(directory(cluster) + "/internal.kubeconfig", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.empty() ? std::nullopt : std::optional{std::move(text)};
}

RunnerStatus ClusterRecords::write_file(
    const std::string& cluster, const std::string& path, const std::string& text
) const {
    std::error_code failed;
    fs::create_directories(directory(cluster), failed);
    ::chmod(directory(cluster).c_str(), S_IRWXU);
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    if (auto written = exec::write_private_file(fresh, text); !written) {
        return written;
    }
    const bool is_there = is_synced(fresh) && std::rename(fresh.c_str(), path.c_str()) == 0;
    if (!is_there || !is_synced(directory(cluster))) {
        return runner_fail(RunnerErrc::infrastructure, "cannot write \"" + path + "\"");
    }
    return {};
}

RunnerStatus ClusterRecords::write(const ClusterRecord& record) const {
    const Json json{
        {"cluster", record.cluster},
        {"worker", record.worker},
        {"made", record.is_made},
        {"dirty", record.is_dirty},
        {"uses", record.uses},
        {"run", record.run},
        {"nodes", record.nodes}};
    return write_file(record.cluster, directory(record.cluster) + "/record.json", json.dump());
}

std::optional<ClusterRecord> ClusterRecords::read(const std::string& cluster) const {
    std::ifstream file(directory(cluster) + "/record.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto record = parsed(text);
    return record && record->cluster == cluster ? record : std::nullopt;
}

std::vector<ClusterRecord> ClusterRecords::all() const {
    std::vector<ClusterRecord> found;
    std::error_code failed;
    for (fs::directory_iterator at(root_, failed), end; !failed && at != end;
         at.increment(failed)) {
        if (auto record = read(at->path().filename().string())) {
            found.push_back(*std::move(record));
        }
    }
    return found;
}

bool ClusterRecords::knows(const std::string& cluster) const {
    std::error_code failed;
    return fs::exists(directory(cluster), failed);
}

RunnerStatus ClusterRecords::remove(const std::string& cluster) const {
    return exec::remove_tree(directory(cluster));
}

}  // namespace opslab::runner_kind
