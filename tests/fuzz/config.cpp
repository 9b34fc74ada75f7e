#include "config/node_json.hpp"
#include "config/settings.hpp"
#include "config/yaml_reader.hpp"
#include "fuzz/fuzz.hpp"

/// A configuration file. Promised: good or every finding has a place and words; no finding shows
/// what came from the environment; reading again gives the same; the tree, written as JSON and read
/// again, is the same.
namespace opslab::fuzz {
namespace {

constexpr std::string_view kCanary = "c4n4ry";

std::optional<std::string> canary_environment(const std::string& name) {
    if (name == "SECRET") {
        return std::string(kCanary);
    }
    return name == "EMPTY" ? std::optional<std::string>("") : std::nullopt;
}

void configuration(std::string_view input) {
    const auto examined = config::examine_settings(input, "opslab.yaml", canary_environment);
    const bool planted = input.find(kCanary) != std::string_view::npos;
    for (const auto& finding : examined.findings) {
        require(!finding.problem.empty(), "a finding says what is wrong", finding.text());
        require(finding.mark.line >= 0 && finding.mark.column >= 0, "and where", finding.text());
        require(
            planted || finding.text().find(kCanary) == std::string::npos,
            "no finding shows the environment",
            finding.text()
        );
    }
    const auto again = config::examine_settings(input, "opslab.yaml", canary_environment);
    require(again.findings == examined.findings, "the same file, the same findings", input);

    config::Findings findings;
    const auto node = config::read_yaml(input, "opslab.yaml", canary_environment, findings);
    if (!findings.empty()) {
        return;
    }
    const auto json = config::node_to_json(node);
    const auto read = config::node_from_json(json);
    require(read.has_value(), "a good file can be written as JSON", json);
    require(config::same_value(node, *read), "and says the same there", json);
}

const Registration kConfiguration{"config", configuration};

}  // namespace
}  // namespace opslab::fuzz
