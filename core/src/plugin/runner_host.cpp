#include "plugin/runner_host.hpp"

#include "plugin/bounded_text.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace opslab::plugin {

namespace {

constexpr std::size_t kMaxLogBytes = 64 * 1024;

}  // namespace

Status make_private_folder(const std::filesystem::path& folder) {
    const std::string subject = "state directory " + folder.string();
    std::error_code error;
    std::filesystem::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        const int code = errno;
        return fail(
            Errc::unavailable,
            subject + ": cannot be made: " + std::generic_category().message(code)
        );
    }
    struct stat info {};
    if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return fail(
            Errc::permission_denied, subject + ": expected a directory, found something else"
        );
    }
    if (info.st_uid != ::geteuid()) {
        return fail(
            Errc::permission_denied,
            subject + ": owned by user " + std::to_string(info.st_uid) + ", wanted " +
                std::to_string(::geteuid())
        );
    }
    if ((info.st_mode & 0777) != 0700 && ::chmod(folder.c_str(), 0700) != 0) {
        return fail(Errc::permission_denied, subject + ": its mode cannot be set to 0700");
    }
    return {};
}

Result<std::unique_ptr<RunnerHostTable>> RunnerHostTable::make(
    const RunnerHostFacts& facts, const CallContext& context
) {
    std::error_code error;
    const auto root = std::filesystem::absolute(facts.state_root, error);
    const auto folder = root / context.plugin;
    if (const auto made = make_private_folder(folder); !made) {
        return fail(made.error());
    }
    return std::unique_ptr<RunnerHostTable>{
        new RunnerHostTable{context, folder.string(), facts.version}};
}

RunnerHostTable::RunnerHostTable(CallContext context, std::string state_dir, std::string version)
    : context_(std::move(context)), state_dir_(std::move(state_dir)), version_(std::move(version)) {
    table_.struct_size = sizeof(opslab_host);
    table_.abi_minor = OPSLAB_ABI_MINOR;
    table_.ctx = this;
    table_.state_dir = state_dir_.c_str();
    table_.host_version = version_.c_str();
    table_.log = &RunnerHostTable::take_log;
}

void RunnerHostTable::take_log(
    void* ctx, std::int32_t level, const char* message, std::size_t size
) {
    if (message == nullptr) {
        return;
    }
    try {
        const auto& self = *static_cast<const RunnerHostTable*>(ctx);
        const std::string_view bytes{message, std::min(size, kMaxLogBytes)};
        const auto severity = static_cast<LogLevel>(std::clamp<std::int32_t>(level, 0, 4));
        self.context_.logger.log(
            severity,
            "message of a plugin",
            fields_of(self.context_, {{"text", readable_text(bytes, kMaxLogBytes)}})
        );
    } catch (...) {
        // no memory for the line: it is lost, and nothing passes through the plugin's frames
    }
}

}  // namespace opslab::plugin
