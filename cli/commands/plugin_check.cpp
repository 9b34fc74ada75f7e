#include "commands/command.hpp"
#include "output/escape.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace opslab::cli {
namespace {

namespace fs = std::filesystem;

struct PluginCheckOptions {
    std::string file{};
    std::string config_file{};
    std::string broken_file{};
    std::string driver{};
    std::string leftovers{};
    std::string cases{"*"};
    std::string junit_file{};
    bool json = false;
    bool runs_outlive_host = false;
    int patience_seconds = 120;
};

/// Where this program stands, so that what belongs to it is found with no setting.
fs::path own_folder() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::string request_of(const PluginCheckOptions& options, const std::string& driver) {
    return nlohmann::json{
        {"file", options.file},
        {"config_file", options.config_file},
        {"broken_file", options.broken_file},
        {"driver", driver},
        {"leftovers", options.leftovers},
        {"cases", options.cases},
        {"junit_file", options.junit_file},
        {"json", options.json},
        {"runs_outlive_host", options.runs_outlive_host},
        {"patience_seconds", options.patience_seconds}}
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Makes `text` this process's standard input. A file in memory, so that nothing of it is in the
/// arguments, which everyone can see.
bool give_as_input(const std::string& text) {
    const int fd = ::memfd_create("opslab-check-request", MFD_CLOEXEC);
    return fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::lseek(fd, 0, SEEK_SET) == 0 && ::dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

ExitCode check(const PluginCheckOptions& options) {
    auto terminal = Terminal::detect();
    std::error_code error;
    const fs::path file = fs::absolute(options.file, error);
    if (!fs::exists(file, error)) {
        return complain_usage(options.file + ": no such file");
    }
    const fs::path program = (own_folder() / "../lib/opslab/opslab-check").lexically_normal();
    const std::string driver = options.driver.empty()
                                   ? (own_folder() / "opslab-driver-simulated").string()
                                   : fs::absolute(options.driver, error).string();
    if (::access(driver.c_str(), X_OK) != 0) {
        return complain_usage("no driver to check with at " + driver + "; see --driver");
    }
    PluginCheckOptions wanted = options;
    wanted.file = file.string();
    if (!give_as_input(request_of(wanted, driver))) {
        terminal.complain(std::string{"opslab: no memory for a request: "} + std::strerror(errno));
        return ExitCode::refused;
    }
    ::execl(program.c_str(), "opslab-check", static_cast<char*>(nullptr));
    terminal.complain(
        "opslab: " + printable(program.string()) + " cannot be started (" + std::strerror(errno) +
        "); install opslab again"
    );
    return ExitCode::refused;
}

void add_options(CLI::App& command, PluginCheckOptions& options) {
    command.add_option("FILE", options.file, "The plugin's library, runner-NAME.so")->required();
    command
        .add_option(
            "--config",
            options.config_file,
            "The runner's settings in YAML, or a configuration of opslab that has such a runner"
        )
        ->type_name("FILE");
    command
        .add_option(
            "--without-driver",
            options.broken_file,
            "Settings under which no driver can start (default: --config with a driver that is not "
            "there)"
        )
        ->type_name("FILE");
    command
        .add_option(
            "--driver",
            options.driver,
            "The simulated driver (default: the one that is installed with opslab)"
        )
        ->type_name("FILE");
    command
        .add_option(
            "--leftovers",
            options.leftovers,
            "A program that is given a run's id and prints a line for each thing left of that run"
        )
        ->type_name("PROGRAM");
    command.add_flag(
        "--runs-outlive-host",
        options.runs_outlive_host,
        "Runs go on when opslab dies, and its successor picks them up"
    );
    command.add_option("--case", options.cases, "Only the cases of this name; * and ? are wild")
        ->type_name("NAME");
    command.add_option("--timeout", options.patience_seconds, "Seconds for one case (120)")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600));
    command.add_flag("--json", options.json, "Write JSON and nothing else");
    command.add_option("--junit", options.junit_file, "Write a JUnit report too")
        ->type_name("FILE");
}

}  // namespace

void add_plugin_check(CLI::App& plugin, Chosen& chosen) {
    const auto options = std::make_shared<PluginCheckOptions>();
    auto* command =
        plugin.add_subcommand("check", "Hold a runner plugin to what a runner promises");
    add_options(*command, *options);
    command->footer(
        "Each case runs in a process of its own and prints one line: the promise, and whether it\n"
        "was kept. In the settings ${OPSLAB_CHECK_DRIVER} is the path of the simulated driver,\n"
        "which your runner must start, and ${OPSLAB_CHECK_ID} a word of this check alone. A\n"
        "required setting `command` that is not given is that driver.\n"
        "Exit code 1 where a promise was broken or the plugin cannot be loaded.\n"
        "\n"
        "Examples:\n"
        "  opslab plugin check ./runner-mine.so\n"
        "  opslab plugin check ./runner-mine.so --config mine.yaml --junit report.xml\n"
        "  opslab plugin check ./runner-mine.so --case 'Stop*'"
    );
    command->callback([options, &chosen] { chosen.run = [options] { return check(*options); }; });
}

}  // namespace opslab::cli
