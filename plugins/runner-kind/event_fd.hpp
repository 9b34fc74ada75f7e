#pragma once

#include <opslab/exec/unique_fd.hpp>
#include <opslab/runner.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace opslab::runner_kind {

/// A descriptor that becomes readable when set, and stays so until cleared. Threads: any.
class EventFd {
public:
    EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    void set() {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(fd_.get(), &one, sizeof one));
    }
    void clear() {
        std::uint64_t count = 0;
        static_cast<void>(!::read(fd_.get(), &count, sizeof count));
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] Interrupt interrupt() const { return Interrupt{fd_.get()}; }

private:
    exec::UniqueFd fd_;
};

}  // namespace opslab::runner_kind
