#pragma once

#include <cstdint>

/// What opslab and `opslab-supervise` tell each other, one packet each over a SOCK_SEQPACKET pair.
/// Both are built together, so the packets have no version.
namespace opslab::supervise {

/// Where the supervisor finds its end of the pair.
inline constexpr int kControlFd = 3;

/// Where it finds what interrupts the start, if anything does: readable once no driver may be
/// started any more.
inline constexpr int kInterruptFd = 4;

enum class Word : std::int32_t {
    terminate = 1,  ///< to the supervisor: SIGTERM to the driver's process group
    kill = 2,       ///< to the supervisor: SIGKILL to everything; so does the end of the pair
    started = 3,    ///< from it: the driver runs; a = its pid
    failed = 4,     ///< from it: the driver was not started; a = errno, b = where (FailedAt)
    ended = 5,      ///< from it: driver and descendants are gone; a = status, b = 1 if a signal
};

enum class FailedAt : std::int32_t { fork = 1, set_up = 2, directory = 3, limits = 4, exec = 5 };

struct Packet {
    Word word{};
    std::int32_t a = 0;
    std::int32_t b = 0;
};

}  // namespace opslab::supervise
