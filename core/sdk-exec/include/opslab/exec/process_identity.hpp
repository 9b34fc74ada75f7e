#pragma once

#include <opslab/exec/unique_fd.hpp>

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::exec {

/// Names one process for ever: a pid alone is given to somebody else sooner or later.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  ///< field 22 of /proc/<pid>/stat
    std::string boot_id{};          ///< both of the above begin anew with each boot

    bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of a process that lives (or is a zombie) now.
[[nodiscard]] std::optional<ProcessIdentity> identify(pid_t pid);

/// A pidfd of exactly that process, or nothing where it is gone.
[[nodiscard]] UniqueFd open_process(const ProcessIdentity& identity);

/// One line of text for a record file, and back.
[[nodiscard]] std::string to_text(const ProcessIdentity& identity);
[[nodiscard]] std::optional<ProcessIdentity> identity_from_text(std::string_view text);

/// pidfd_open, pidfd_send_signal (glibc's wrappers came late), and a wait on the result.
[[nodiscard]] UniqueFd open_pidfd(pid_t pid);
void signal_pidfd(int pidfd, int signal);
/// Whether the process ended within `timeout_ms` (-1: waits for ever).
[[nodiscard]] bool wait_pidfd(int pidfd, int timeout_ms);

}  // namespace opslab::exec
