#include "daemon/worker_state.hpp"

#include "plugin/runner_host.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace opslab::daemon {

namespace {

constexpr std::size_t kInstanceLength = 64;

tl::unexpected<Error> failed(const std::filesystem::path& file, int error) {
    return fail(
        Errc::unavailable, "\"" + file.string() + "\": " + std::generic_category().message(error)
    );
}

/// Written whole or not at all, whenever the machine stops.
Status write_private(const std::filesystem::path& file, const std::string& text) {
    auto fresh = file;
    fresh += ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(fresh, errno);
    }
    const auto written = ::write(fd, text.data(), text.size());
    const bool complete = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    const int error = errno;
    ::close(fd);
    if (!complete) {
        return failed(fresh, error);
    }
    if (::rename(fresh.c_str(), file.c_str()) != 0) {
        return failed(file, errno);
    }
    return {};
}

Result<std::string> instance_in(const std::filesystem::path& file, Entropy& entropy) {
    std::string instance;
    std::ifstream(file) >> instance;
    if (instance.size() == kInstanceLength) {
        return instance;
    }
    instance.clear();
    for (int i = 0; i < 4; ++i) {
        instance += fmt::format("{:016x}", entropy.next());
    }
    if (auto written = write_private(file, instance + "\n"); !written) {
        return fail(std::move(written.error()));
    }
    return instance;
}

}  // namespace

Result<WorkerState> WorkerState::open(const std::filesystem::path& folder, Entropy& entropy) {
    if (auto made = plugin::make_private_folder(folder); !made) {
        return fail(std::move(made.error()));
    }
    const auto file = folder / "lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return failed(file, errno);
    }
    WorkerState state(lock, {});
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return fail(
            Errc::conflict,
            "another worker runs with the state directory \"" + folder.string() + "\""
        );
    }
    auto instance = instance_in(folder / "instance", entropy);
    if (!instance) {
        return fail(std::move(instance.error()));
    }
    state.instance_ = std::move(*instance);
    return state;
}

WorkerState::WorkerState(WorkerState&& other) noexcept
    : lock_(std::exchange(other.lock_, -1)), instance_(std::move(other.instance_)) {}

WorkerState::~WorkerState() {
    if (lock_ >= 0) {
        ::close(lock_);
    }
}

}  // namespace opslab::daemon
