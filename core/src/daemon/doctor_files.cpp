#include "daemon/doctor_files.hpp"

#include "callback/secret_file.hpp"
#include "remote/token_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace opslab::daemon {

namespace {

constexpr mode_t kOthersRead = S_IROTH;
constexpr mode_t kOthersWrite = S_IWOTH | S_IWGRP;

Check bad_secret(const std::string& key, const std::string& why) {
    return {
        .name = key,
        .result = CheckResult::failed,
        .found = why,
        .advice = "put the secret alone on the first line, owned by the service's user, mode 0600"};
}

Check good_secret(const std::string& key, const std::string& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & (kOthersRead | kOthersWrite)) != 0) {
        return {
            .name = key,
            .result = CheckResult::warning,
            .found = fmt::format("{}: mode {:04o}", file, facts.st_mode & 07777U),
            .advice = "others may read or change it: chmod 600 (or 640) it"};
    }
    return {.name = key, .found = file};
}

Check check_password_file(const std::string& file) {
    const std::string key = "password_file";
    std::ifstream stream(file);
    std::string line;
    if (!stream || !std::filesystem::is_regular_file(file)) {
        return bad_secret(key, file + " cannot be read: " + std::strerror(errno));
    }
    return std::getline(stream, line) && !line.empty()
               ? good_secret(key, file)
               : bad_secret(key, file + ": its first line is empty");
}

bool holds_password(const nlohmann::json& storage) {
    const auto url = storage.is_object() ? storage.value("url", std::string{}) : std::string{};
    const auto begin = url.find("://");
    const auto at = url.rfind('@');
    return begin != std::string::npos && at != std::string::npos && at > begin + 3 &&
           url.substr(begin + 3, at - begin - 3).find(':') != std::string::npos;
}

}  // namespace

void check_secrets(
    std::vector<Check>& checks, const config::Settings& settings, const nlohmann::json& storage
) {
    if (const auto& file = settings.server.token_file) {
        const auto token = read_token_file(*file);
        checks.push_back(
            token ? good_secret("token_file", *file)
                  : bad_secret("token_file", token.error().message)
        );
    }
    if (const auto& file = settings.callbacks.secret_file) {
        const auto secret = read_secret_file(*file);
        checks.push_back(
            secret ? good_secret("secret_file", *file)
                   : bad_secret("secret_file", secret.error().message)
        );
    }
    const auto password = storage.find("password_file");
    if (password != storage.end() && password->is_string()) {
        checks.push_back(check_password_file(password->get<std::string>()));
    }
}

Check check_config_file(const std::string& file, const nlohmann::json& storage) {
    Check check{.name = "configuration", .found = file.empty() ? "none: the defaults" : file};
    struct stat facts {};
    if (file.empty() || ::stat(file.c_str(), &facts) != 0) {
        return check;
    }
    if ((facts.st_mode & S_IWOTH) != 0) {
        check.result = CheckResult::failed;
        check.found += ": every user of this machine can change it";
        check.advice = "it names the programs that are run: chmod o-w it";
    } else if ((facts.st_mode & kOthersRead) != 0 && holds_password(storage)) {
        check.result = CheckResult::warning;
        check.found += ": every user of this machine can read it, and it holds a password";
        check.advice = "use storage.postgres.password_file, or chmod o-r it";
    }
    return check;
}

Check check_state_folder(const std::string& folder) {
    std::error_code none;
    const auto place = std::filesystem::absolute(folder, none);
    if (!std::filesystem::exists(place, none)) {
        return {.name = "state", .found = "not there yet; the first start makes " + place.string()};
    }
    if (::access(place.c_str(), R_OK | W_OK | X_OK) != 0) {
        return {
            .name = "state",
            .result = CheckResult::failed,
            .found = place.string() + " cannot be used: " + std::strerror(errno),
            .advice = "chown it to the service's user, or choose another plugins.state_path"};
    }
    return {.name = "state", .found = place.string()};
}

Check check_program(const std::string& version) {
    utsname system{};
    ::uname(&system);
    passwd entry{};
    passwd* user = nullptr;
    std::array<char, 4096> buffer{};
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &user);
    const auto who = user == nullptr ? std::to_string(::geteuid()) : std::string{entry.pw_name};
    return {
        .name = "program",
        .found = fmt::format(
            "opslab {}, user {}, {} {} {}",
            version,
            who,
            system.sysname,
            system.release,
            system.machine
        )};
}

}  // namespace opslab::daemon
