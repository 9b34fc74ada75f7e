#pragma once

#include <opslab/docker/engine.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The engine's answers as values. What is not as it should be is `protocol`.
namespace opslab::docker {

[[nodiscard]] EngineResult<std::string> text_member(std::string_view json, const char* name);
[[nodiscard]] EngineResult<ImageFacts> image_facts(std::string_view json);

[[nodiscard]] EngineResult<ContainerState> container_state(std::string_view json);
[[nodiscard]] EngineResult<std::vector<ContainerSummary>> container_list(std::string_view json);

/// The engine's own words in an error's body, printable, at most 512 bytes; empty if there are
/// none.
[[nodiscard]] std::string engine_words(std::string_view body);

/// Values of the query parameter `filters`.
[[nodiscard]] std::string label_filters(const Labels& labels);
[[nodiscard]] std::string container_filter(std::string_view container);

}  // namespace opslab::docker
