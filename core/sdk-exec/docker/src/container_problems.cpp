#include "run_handle.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/exec/event_prefix.hpp>

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab::docker {
namespace {

/// Of a container that is only looked into. It is none of a run's, but found and removed like one.
[[nodiscard]] std::string look_body(
    const std::string& image,
    const ContainerSpec& spec,
    const WorkerId& worker,
    const ContainerHandle& look
) {
    using Json = nlohmann::json;
    return Json{
        {"Image", image},
        {"Cmd", {"-"}},  // never run, but engines want one
        {"NetworkDisabled", true},
        {"HostConfig", {{"NetworkMode", "none"}}},
        {"Labels",
         {{kLabelManaged, "true"},
          {kLabelScope, spec.scope},
          {kLabelWorker, worker.value},
          {kLabelRun, look.run_id},
          {kLabelPrefix, look.event_prefix},
          {kLabelRole, "look"}}},
    }
        .dump();
}

}  // namespace

RunnerResult<std::string> ContainerRuns::file_in_image(
    const WorkerId& worker, const std::string& image, const std::string& path
) {
    const auto word = exec::make_event_prefix();
    if (!word) {
        return tl::unexpected(word.error());
    }
    // of the alphabet of run ids, so that the container is removed like a run's
    ContainerHandle look{{}, word->substr(word->rfind('-') + 1), *word};
    auto made = engine_.create("opslab-look-" + look.run_id, look_body(image, spec_, worker, look));
    if (!made) {
        return tl::unexpected(
            infrastructure("look into image \"" + spec_.image + "\"", made.error())
        );
    }
    look.id = *std::move(made);
    auto text = engine_.file(look.id, path);
    if (auto removed = remove_container(look); !removed) {
        return tl::unexpected(removed.error());
    }
    if (!text) {
        return tl::unexpected(infrastructure(
            "read " + path + " of image \"" + spec_.image + "\", which its label " +
                kLabelProblems + " names",
            text.error()
        ));
    }
    return *std::move(text);
}

RunnerResult<std::optional<std::string>> ContainerRuns::problems(const WorkerId& worker) {
    const auto image = engine_.image(spec_.image);
    if (!image && image.error().code == EngineErrc::not_found) {
        return std::nullopt;
    }
    if (!image) {
        return tl::unexpected(infrastructure("look for the image", image.error()));
    }
    const auto path = image->labels.find(kLabelProblems);
    if (path == image->labels.end() || image->id.empty()) {
        return std::nullopt;
    }
    {
        const std::lock_guard lock(mutex_);
        if (known_image_ == image->id) {
            return known_problems_;
        }
    }
    auto text = file_in_image(worker, image->id, path->second);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::lock_guard lock(mutex_);
    known_image_ = image->id;
    known_problems_ = *std::move(text);
    return known_problems_;
}

}  // namespace opslab::docker
