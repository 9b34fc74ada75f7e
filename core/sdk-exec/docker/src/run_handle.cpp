#include "run_handle.hpp"

#include <nlohmann/json.hpp>

namespace opslab::docker {
namespace {

using Json = nlohmann::json;

}  // namespace

RunHandle ContainerHandle::text() const {
    return RunHandle{
        Json{{"v", 1}, {"container", id}, {"run", run_id}, {"prefix", event_prefix}}.dump()};
}

std::optional<ContainerHandle> ContainerHandle::parse(std::string_view text) {
    constexpr std::size_t kMaxHandle = 4096;
    if (text.size() > kMaxHandle || text.find('[') != std::string_view::npos) {
        return std::nullopt;
    }
    try {
        const Json value = Json::parse(text);
        if (value.at("v") != 1) {
            return std::nullopt;
        }
        ContainerHandle handle;
        handle.id = value.at("container").get<std::string>();
        handle.run_id = value.at("run").get<std::string>();
        handle.event_prefix = value.at("prefix").get<std::string>();
        if (handle.id.empty() || handle.run_id.empty() || handle.event_prefix.empty()) {
            return std::nullopt;
        }
        return handle;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

std::optional<ContainerHandle> ContainerHandle::from_labels(
    const std::string& id, const Labels& labels
) {
    const auto value = [&](const char* name) {
        const auto found = labels.find(name);
        return found == labels.end() ? std::string{} : found->second;
    };
    ContainerHandle handle{id, value(kLabelRun), value(kLabelPrefix)};
    if (value(kLabelManaged) != "true" || handle.run_id.empty() || handle.event_prefix.empty()) {
        return std::nullopt;
    }
    return handle;
}

}  // namespace opslab::docker
