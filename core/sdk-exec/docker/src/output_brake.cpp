#include "output_brake.hpp"

#include <sys/eventfd.h>

#include <chrono>
#include <utility>

namespace opslab::docker {
namespace {

constexpr std::uint64_t kWindow = std::uint64_t{1} << 20U;   // the log may be this far behind
constexpr std::uint64_t kBurst = std::uint64_t{128} << 10U;  // what flows in each kPause at least
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

OutputBrake::OutputBrake(Engine& engine, std::string container)
    : engine_(engine),
      container_(std::move(container)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] {
          if (!stop_) {  // out of descriptors: it could not be ended again
              return;
          }
          const Engine::TakeBytes take_bytes = [this](std::string_view bytes) {
              return take(bytes.size());
          };
          try {
              // without it the container is not slowed down, and that is all
              static_cast<void>(engine_.attach(container_, take_bytes, Interrupt{stop_.get()}));
          } catch (...) {  // out of memory, say: the same, and no reason to end the program
          }
      }) {}

OutputBrake::~OutputBrake() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_all();
    static_cast<void>(::eventfd_write(stop_.get(), 1));
}

void OutputBrake::reader_is_busy() {
    const std::lock_guard lock(mutex_);
    is_reader_waiting_ = false;
}

void OutputBrake::reader_waits(std::uint64_t bytes) {
    {
        const std::lock_guard lock(mutex_);
        is_reader_waiting_ = true;
        read_ += bytes;
    }
    changed_.notify_all();
}

bool OutputBrake::may_flow() const {
    return is_reader_waiting_ && attached_ <= read_ + kWindow;
}

bool OutputBrake::take(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    attached_ += bytes;
    burst_ += bytes;
    if (!may_flow() && burst_ >= kBurst) {
        changed_.wait_for(lock, kPause, [this] { return is_stopping_ || may_flow(); });
    }
    if (burst_ >= kBurst || may_flow()) {
        burst_ = 0;
    }
    return !is_stopping_;
}

}  // namespace opslab::docker
