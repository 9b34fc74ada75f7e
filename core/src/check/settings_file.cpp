#include "check/settings_file.hpp"

#include "config/yaml_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

namespace opslab::check {
namespace {

using config::Node;

[[nodiscard]] config::Environment environment_with(const std::string& driver) {
    return [driver, process = config::process_environment()](const std::string& name
           ) -> std::optional<std::string> {
        if (name == "OPSLAB_CHECK_DRIVER") {
            return driver;
        }
        return process(name);
    };
}

[[nodiscard]] bool is_string(const Node* node, const std::string& text) {
    return node != nullptr && node->kind == Node::Kind::string && node->text == text;
}

[[nodiscard]] Result<Node> settings_within(const Node& whole, const std::string& plugin) {
    const Node* runners = whole.find("runners");
    if (runners == nullptr || runners->kind != Node::Kind::array) {
        return whole;
    }
    for (const Node& runner : runners->items) {
        if (runner.kind == Node::Kind::object && is_string(runner.find("plugin"), plugin)) {
            const Node* config = runner.find("config");
            return config == nullptr ? config::make_object() : *config;
        }
    }
    return fail(Errc::invalid_argument, "none of its runners has the plugin \"" + plugin + "\"");
}

void give_driver(Node& settings, const config::Schema& schema, const std::string& driver) {
    const auto command = std::find_if(
        schema.properties.begin(),
        schema.properties.end(),
        [](const config::Property& property) { return property.name == "command"; }
    );
    // one that may be left out means something else without it: the command of an image
    if (settings.kind != Node::Kind::object || command == schema.properties.end() ||
        !command->required || command->schema.type != config::Schema::Type::array ||
        settings.find("command") != nullptr) {
        return;
    }
    Node list;
    list.kind = Node::Kind::array;
    list.items.push_back(config::make_string(driver));
    settings.members.push_back({"command", {}, std::move(list)});
}

}  // namespace

Result<Node> read_settings_file(
    const std::string& file,
    const std::string& plugin,
    const config::Schema& schema,
    const std::string& driver
) {
    Node settings = config::make_object();
    if (!file.empty()) {
        std::error_code failed;
        // each case reads it anew, and a pipe would be empty the second time
        std::ifstream stream;
        if (std::filesystem::is_regular_file(file, failed)) {
            stream.open(file, std::ios::binary);
        }
        if (!stream.is_open()) {
            return fail(Errc::invalid_argument, file + ": no file that can be read");
        }
        const std::string text{
            std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
        config::Findings findings;
        const Node whole = config::read_yaml(text, file, environment_with(driver), findings);
        if (!findings.empty()) {
            return fail(Errc::invalid_argument, config::to_text(findings));
        }
        auto within_file = settings_within(whole, plugin);
        if (!within_file) {
            return fail(within(file, within_file.error()));
        }
        settings = std::move(*within_file);
    }
    give_driver(settings, schema, driver);
    return settings;
}

}  // namespace opslab::check
