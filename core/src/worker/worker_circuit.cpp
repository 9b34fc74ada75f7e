#include "base/text.hpp"
#include "worker/worker_loop.hpp"

#include <utility>

/// How a worker holds its claims back while runs cannot be started where it starts them.
namespace opslab {

namespace {

constexpr std::size_t kMostCircuitText = 1000;

std::string shown(const RunnerError& error) {
    return std::string(clip_utf8(to_valid_utf8(error.message), kMostCircuitText));
}

}  // namespace

void WorkerLoop::note_start(const RunnerError* error) {
    const std::lock_guard lock(mutex_);
    if (error == nullptr) {
        if (circuit_.is_open()) {
            note(LogLevel::info, "starts work again; tasks are claimed as before");
        }
        circuit_.start_worked();
    } else if (error->code == RunnerErrc::infrastructure || error->code == RunnerErrc::internal) {
        const bool was_open = circuit_.is_open();
        circuit_.start_failed(clock_.steady(), shown(*error));
        doubtful_ = true;
        note_opened(was_open, *error);
    } else {
        circuit_.start_told_nothing();
    }
    wake_.notify_all();
}

void WorkerLoop::open_circuit(const RunnerError& why) {
    const bool was_open = circuit_.is_open();
    circuit_.out_of_order(clock_.steady(), shown(why));
    note_opened(was_open, why);
}

void WorkerLoop::note_opened(bool was_open, const RunnerError& why) {
    if (!was_open && circuit_.is_open()) {
        note(
            LogLevel::warning, "runs cannot be started here; no task is claimed for now", shown(why)
        );
    }
}

bool WorkerLoop::look_at_place(std::unique_lock<std::mutex>& lock) {
    doubtful_ = false;
    lock.unlock();
    const auto health = runner_.health();
    lock.lock();
    if (health || health.error().code != RunnerErrc::infrastructure) {
        return true;
    }
    open_circuit(health.error());
    return false;
}

/// Lets the next heartbeat, at once, say how the circuit stands.
void WorkerLoop::tell_circuit() {
    auto why = circuit_.why_not(clock_.steady());
    if (why != circuit_told_) {
        circuit_told_ = std::move(why);
        look_ = true;
        wake_.notify_all();
    }
}

/// What keeps it from its first claim. Told once: heartbeats that go on would hold the leases of
/// runs that this worker cannot get at.
void WorkerLoop::tell_once(const char* what, const RunnerError& why) {
    {
        const std::lock_guard lock(mutex_);
        if (circuit_told_) {
            return;
        }
        circuit_told_ = what + shown(why);
    }
    static_cast<void>(beat());
}

/// How many tasks may be claimed; after 0 something has changed. A place that failed tasks is asked
/// before another task is tried there.
int WorkerLoop::room(std::unique_lock<std::mutex>& lock) {
    if (!enrolled_) {
        clock_.wait_until(lock, wake_, SteadyTime::max());
        return 0;
    }
    const int free = circuit_.allowed(clock_.steady(), free_slots());
    if (doubtful_) {
        look_at_place(lock);
        return 0;
    }
    if (circuit_.is_open() && free > 0 && !place_is_fine_) {
        place_is_fine_ = look_at_place(lock);
        return 0;
    }
    tell_circuit();
    if (free > 0) {
        return free;
    }
    const bool is_full = free_slots() == 0;
    clock_.wait_until(lock, wake_, is_full ? SteadyTime::max() : circuit_.next_change());
    return 0;
}

}  // namespace opslab
