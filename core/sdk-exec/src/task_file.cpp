#include <opslab/exec/task_file.hpp>
#include <opslab/exec/unique_fd.hpp>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace opslab::exec {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

[[nodiscard]] RunnerStatus write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return runner_fail(RunnerErrc::infrastructure, std::strerror(errno));
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

RunnerResult<std::string> task_file_text(
    std::string_view task_json, std::string_view event_prefix
) {
    const std::size_t first = task_json.find_first_not_of(kBlanks);
    const std::size_t last = task_json.find_last_not_of(kBlanks);
    if (first == std::string_view::npos || last <= first || task_json[first] != '{' ||
        task_json[last] != '}') {
        return runner_fail(RunnerErrc::invalid, "task_json is not a JSON object");
    }
    const std::string_view members = task_json.substr(first + 1, last - first - 1);
    const bool is_empty = members.find_first_not_of(kBlanks) == std::string_view::npos;

    std::string text = "{";
    text.reserve(task_json.size() + event_prefix.size() + 24);
    text += is_empty ? std::string_view{} : members;
    text += is_empty ? "\"event_prefix\":\"" : ",\"event_prefix\":\"";
    text += event_prefix;  // of letters, digits and '-': needs no escaping
    text += "\"}\n";
    return text;
}

RunnerStatus write_private_file(const std::string& path, std::string_view text) {
    const UniqueFd file(::open(
        path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR
    ));
    if (!file) {
        return runner_fail(
            RunnerErrc::infrastructure, "cannot create \"" + path + "\": " + std::strerror(errno)
        );
    }
    if (auto written = write_all(file.get(), text); !written) {
        ::unlink(path.c_str());
        return runner_fail(
            RunnerErrc::infrastructure, "cannot write \"" + path + "\": " + written.error().message
        );
    }
    return {};
}

}  // namespace opslab::exec
