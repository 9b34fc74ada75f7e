#include "config/settings.hpp"

#include "config/nearest.hpp"
#include "config/settings_decode.hpp"
#include "config/yaml_reader.hpp"
#include "settings_schema_json.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace opslab::config {

namespace {

const Schema& settings_schema() {
    static const Schema kSchema = [] {
        auto parsed = parse_schema(k_settings_schema_json);
        if (!parsed) {
            throw std::logic_error("settings_schema.json: " + parsed.error().message);
        }
        return std::move(*parsed);
    }();
    return kSchema;
}

/// The plugins' own settings, which our schema knows nothing of, taken out of the tree and put
/// back in after the check.
class PluginBlocks {
public:
    /// A block of `storage` is that of the chosen plugin or of one of ours; anything else there
    /// stays, for the schema to refuse.
    void take_out(Node& root) {
        if (Node* storage = root.find("storage")) {
            const Node* chosen = storage->find("plugin");
            std::vector<std::string> names{"sqlite", "postgres"};
            if (chosen != nullptr && chosen->kind == Node::Kind::string) {
                names.push_back(chosen->text);
            }
            for (const std::string& name : names) {
                move_out(*storage, name, storage_blocks_);
            }
        }
        if (Node* runners = root.find("runners")) {
            runner_blocks_.resize(runners->items.size());
            for (std::size_t i = 0; i < runners->items.size(); ++i) {
                move_out(runners->items[i], "config", runner_blocks_[i]);
            }
        }
    }

    void put_back(Node& root) const {
        if (Node* storage = root.find("storage")) {
            put(*storage, storage_blocks_);
        }
        if (Node* runners = root.find("runners")) {
            for (std::size_t i = 0; i < runners->items.size() && i < runner_blocks_.size(); ++i) {
                put(runners->items[i], runner_blocks_[i]);
            }
        }
    }

private:
    /// Only objects: another kind is a mistake that the schema speaks of. Null is an empty block.
    static void move_out(Node& from, const std::string& key, std::vector<Member>& into) {
        const auto member =
            std::find_if(from.members.begin(), from.members.end(), [&](const Member& candidate) {
                return candidate.key == key;
            });
        if (key == "plugin" || member == from.members.end()) {
            return;
        }
        if (member->value.kind == Node::Kind::null) {
            member->value.kind = Node::Kind::object;
        }
        if (member->value.kind == Node::Kind::object) {
            into.push_back(std::move(*member));
            from.members.erase(member);
        }
    }

    static void put(Node& into, const std::vector<Member>& blocks) {
        for (const Member& block : blocks) {
            if (Node* place = into.find(block.key)) {
                *place = block.value;
            } else {
                into.members.push_back(block);
            }
        }
    }

    std::vector<Member> storage_blocks_{};
    std::vector<std::vector<Member>> runner_blocks_{};
};

/// A file that cannot be read is the one finding there is.
std::optional<std::string> read_file(const std::filesystem::path& file, Findings& findings) {
    const auto refuse = [&](const char* problem) {
        findings.push_back({file.string(), {}, "", problem});
        return std::nullopt;
    };
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        return refuse("expected a file, found a directory");
    }
    std::ifstream stream{file, std::ios::binary};
    if (!stream) {
        return refuse(
            std::filesystem::exists(file, error)
                ? "the file cannot be read: this user may not (look at its owner and mode)"
                : "no such file"
        );
    }
    // one byte more than may be, so that a file which is too large shows
    std::string text(kMaxFileBytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

}  // namespace

const RunnerSettings* Settings::find_runner(std::string_view name) const {
    const auto found = std::find_if(runners.begin(), runners.end(), [&](const auto& runner) {
        return runner.name == name;
    });
    return found == runners.end() ? nullptr : &*found;
}

Examined examine_settings(
    std::string_view text, const std::string& name, const Environment& environment
) {
    Examined examined;
    const Node written = read_yaml(text, name, environment, examined.findings);
    Node ours = written;
    PluginBlocks blocks;
    blocks.take_out(ours);
    Checked checked = check(settings_schema(), ours);
    for (const Fault& fault : checked.faults) {
        examined.findings.push_back({name, fault.mark, fault.path.dotted(), fault.problem});
    }
    blocks.put_back(checked.value);
    examined.settings = decode_settings(checked.value, name);
    check_rules(examined.settings, written, examined.findings);
    sort_findings(examined.findings);
    return examined;
}

Examined examine_settings(
    const std::optional<std::filesystem::path>& file, const Environment& environment
) {
    if (!file) {
        return examine_settings(std::string_view{}, "", environment);
    }
    Findings findings;
    const auto text = read_file(*file, findings);
    if (!text) {
        Examined examined = examine_settings(std::string_view{}, file->string(), environment);
        examined.findings = std::move(findings);
        return examined;
    }
    return examine_settings(*text, file->string(), environment);
}

tl::expected<Settings, Findings> parse_settings(
    std::string_view text, const std::string& name, const Environment& environment
) {
    Examined examined = examine_settings(text, name, environment);
    if (!examined.findings.empty()) {
        return tl::unexpected(std::move(examined.findings));
    }
    return std::move(examined.settings);
}

tl::expected<Settings, Findings> load_settings(
    const std::optional<std::filesystem::path>& file, const Environment& environment
) {
    Examined examined = examine_settings(file, environment);
    if (!examined.findings.empty()) {
        return tl::unexpected(std::move(examined.findings));
    }
    return std::move(examined.settings);
}

std::vector<SettingRow> settings_reference() {
    return rows(settings_schema());
}

}  // namespace opslab::config
