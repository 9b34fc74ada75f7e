#pragma once

#include "check/request.hpp"
#include "config/schema.hpp"

#include <opslab/error.hpp>
#include <opslab/runner.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace opslab::plugin {
class Library;
}

namespace opslab::check {

/// What is said of a plugin before its cases are tried.
struct About {
    std::string name{};
    std::string version{};
    std::string file{};
    bool can_break = false;  ///< settings are known under which no driver can start
};

/// The plugin under test with its settings. Making one loads the library, so it is done in a
/// process that may die of it.
class Subject {
public:
    /// Opens the library and reads the settings. Errors: what the loader or the settings refuse.
    [[nodiscard]] static Result<std::unique_ptr<Subject>> make(const Request& request);

    ~Subject();
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    [[nodiscard]] const About& about() const { return about_; }
    [[nodiscard]] const config::Schema& schema() const;

    /// The settings as the author gave them, before defaults.
    [[nodiscard]] const config::Node& given() const { return given_; }

    /// A runner over `state_dir` with these settings (JSON).
    [[nodiscard]] Result<std::unique_ptr<Runner>> open(
        const std::string& state_dir, const std::string& config_json
    ) const;

    /// With the settings that were given.
    [[nodiscard]] RunnerResult<std::unique_ptr<Runner>> open(const std::string& state_dir) const;

    /// With those under which no driver can start.
    [[nodiscard]] RunnerResult<std::unique_ptr<Runner>> open_broken(const std::string& state_dir
    ) const;

private:
    Subject(const Request& request, plugin::Library&& library);
    [[nodiscard]] Status read_settings();
    /// With the defaults filled in. Errors: every wrong setting, with its place in `file`.
    [[nodiscard]] Result<std::string> finished(const config::Node& given, const std::string& file)
        const;

    struct Host;

    Request request_;
    About about_{};
    std::unique_ptr<plugin::Library> library_;
    std::unique_ptr<Host> host_;
    config::Node given_{};
    std::string config_json_{};
    std::optional<std::string> broken_json_{};
};

/// The one that the cases of this process are about. Set before they run.
[[nodiscard]] const Subject& subject();
void set_subject(std::unique_ptr<Subject> subject);

/// What the conformance suite must know of the plugin. It opens runners of `subject()`.
[[nodiscard]] testing::RunnerCase runner_case();
/// To be called before the first `runner_case()`.
void describe_runner(const Request& request, const About& about);

}  // namespace opslab::check
