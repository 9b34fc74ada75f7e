#include "cluster_name.hpp"

#include <algorithm>
#include <cstddef>

namespace opslab::runner_kind {
namespace {

[[nodiscard]] bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

[[nodiscard]] bool ends_in_number(const std::string& id) {
    const auto last = id.find_last_not_of("0123456789");
    return last != std::string::npos && last + 1 < id.size() && id[last] == '-';
}

}  // namespace

bool is_worker_name(const WorkerId& worker) {
    const std::string& id = worker.value;
    return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
    });
}

RunnerResult<std::string> cluster_name(
    const std::string& prefix, const WorkerId& worker, int index
) {
    constexpr std::size_t kMost = 50;  // a node's name must fit into a host name
    const std::string& id = worker.value;
    if (!is_worker_name(worker) || index < 0) {
        return runner_fail(RunnerErrc::invalid, "the worker's id is not of [a-z0-9-]");
    }
    const bool is_plain = index == 0 && !ends_in_number(id);
    std::string name = prefix + id + (is_plain ? "" : "-" + std::to_string(index + 1));
    if (name.size() > kMost) {
        return runner_fail(
            RunnerErrc::invalid,
            "the cluster's name \"" + name + "\" is over " + std::to_string(kMost) +
                " characters, which kind cannot do; use a shorter name_prefix or runner name"
        );
    }
    return name;
}

}  // namespace opslab::runner_kind
