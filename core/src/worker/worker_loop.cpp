#include "worker/worker_loop.hpp"

#include "base/log_scope.hpp"
#include "worker/backoff.hpp"

#include <algorithm>
#include <utility>

namespace opslab {

WorkerLoop::WorkerLoop(
    WorkerPort& port, Runner& runner, Clock& clock, Logger& logger, Settings settings
)
    : port_(port),
      runner_(runner),
      clock_(clock),
      logger_(logger),
      settings_(std::move(settings)),
      slots_(static_cast<std::size_t>(settings_.identity.max_parallel_tasks)),
      circuit_(settings_.identity.id.value) {
    if (settings_.runner_label.empty()) {
        settings_.runner_label = "runner \"" + settings_.identity.backend_type + "\"";
    }
}

WorkerLoop::~WorkerLoop() {
    stop();
}

void WorkerLoop::start() {
    running_ = true;
    port_.on_orders(id(), [this] {
        const std::lock_guard lock(mutex_);
        look_ = true;
        wake_.notify_all();
    });
    control_ = std::thread([this] {
        const LogScope scope({{"worker", id().value}});
        control();
    });
    claim_ = std::thread([this] {
        const LogScope scope({{"worker", id().value}});
        claim();
    });
    lease_watch_ = std::thread([this] { watch_leases(); });
}

void WorkerLoop::drain() {
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        wake_.notify_all();
    }
    port_.release(id());
}

bool WorkerLoop::wait_until_idle(SteadyTime deadline) {
    std::unique_lock lock(mutex_);
    while (free_slots() < slots()) {
        if (clock_.steady() >= deadline) {
            return false;
        }
        clock_.wait_until(lock, wake_, deadline);
    }
    return true;
}

void WorkerLoop::stop() {
    if (!running_) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        stopping_ = true;
        for (auto& slot : slots_) {
            if (slot.session) {
                slot.session->stop(StopReason::abandoned);
            }
        }
        wake_.notify_all();
    }
    port_.on_orders(id(), nullptr);
    port_.release(id());
    control_.join();
    claim_.join();
    lease_watch_.join();
    for (auto& slot : slots_) {
        if (slot.thread.joinable()) {
            slot.thread.join();
        }
        slot.session.reset();
    }
    if (enrolled_) {
        if (const auto retired = port_.retire(id()); !retired) {
            note(LogLevel::warning, "worker could not sign off", retired.error().message);
        }
    }
    running_ = false;
}

int WorkerLoop::busy_slots() const {
    const std::lock_guard lock(mutex_);
    return slots() - free_slots();
}

WorkerLoop::Condition WorkerLoop::condition() const {
    const std::lock_guard lock(mutex_);
    return {
        .enrolled = enrolled_,
        .draining = draining_,
        .busy = slots() - free_slots(),
        .circuit_open = circuit_told_};
}

int WorkerLoop::free_slots() const {
    return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
        return slot.session == nullptr;
    }));
}

bool WorkerLoop::pause(std::unique_lock<std::mutex>& lock, Duration length) {
    const auto until = clock_.steady() + length;
    while (!stopping_ && clock_.steady() < until) {
        clock_.wait_until(lock, wake_, until);
    }
    return !stopping_;
}

bool WorkerLoop::pause(Duration length) {
    std::unique_lock lock(mutex_);
    return pause(lock, length);
}

void WorkerLoop::note(LogLevel level, std::string_view message, const std::string& error) {
    if (error.empty()) {
        log(logger_, level, message, {{"worker", id().value}});
    } else {
        log(logger_, level, message, {{"worker", id().value}, {"error", error}});
    }
}

// --- control: enrol, recover, heartbeats ------------------------------------------------------

bool WorkerLoop::enroll() {
    Backoff backoff(kFirstPause, kLongestPause, id().value);
    bool said = false;
    while (true) {
        const auto worker = port_.enroll(settings_.identity);
        if (worker) {
            note(LogLevel::info, "worker enrolled");
            return true;
        }
        if (!std::exchange(said, true)) {
            note(LogLevel::warning, "worker could not enrol; trying on", worker.error().message);
        }
        if (!pause(backoff.next())) {
            return false;
        }
    }
}

bool WorkerLoop::recover() {
    if (listing_crashes()) {
        return false;
    }
    Backoff backoff(kFirstPause, kLongestPause, id().value);
    while (true) {
        const auto attempts = port_.running(id());
        if (attempts && remove_leftovers(*attempts) && adopt(*attempts)) {
            return true;
        }
        if (!pause(backoff.next())) {
            return false;
        }
    }
}

/// Whether the runner cannot even list what is left without ending its process, which may be a
/// whole coordinator. Then this worker takes no task.
bool WorkerLoop::listing_crashes() {
    const auto& crashes = settings_.crashes;
    const auto crash = std::find_if(crashes.begin(), crashes.end(), [&](const PluginCrash& before) {
        return before.was("list_owned", settings_.identity.backend_type);
    });
    if (crash == crashes.end()) {
        return false;
    }
    const RunnerError why{RunnerErrc::internal, settings_.runner_label + ": " + crash->text()};
    note(
        LogLevel::error,
        "this worker takes no task until opslab was stopped in order and starts anew",
        why.message
    );
    tell_once("its runner crashes: ", why);
    return true;
}

bool WorkerLoop::remove_leftovers(const std::vector<RunningAttempt>& attempts) {
    const auto owned = runner_.list_owned(id());
    if (!owned) {
        note(LogLevel::warning, "leftovers cannot be listed yet", owned.error().message);
        tell_once("leftovers cannot be listed yet: ", owned.error());
        return false;
    }
    for (const auto& run : *owned) {
        const bool wanted = std::any_of(attempts.begin(), attempts.end(), [&](const auto& attempt) {
            return attempt.handle && run_id_of(attempt.task.id, attempt.task.attempt) == run.run_id;
        });
        if (wanted) {
            continue;
        }
        if (const auto removed = remove(run); !removed) {
            note(LogLevel::warning, "a leftover cannot be removed", removed.error().message);
            tell_once("a leftover cannot be removed: ", removed.error());
            return false;
        }
    }
    forget_leases_but(attempts);
    return true;
}

void WorkerLoop::forget_leases_but(const std::vector<RunningAttempt>& attempts) {
    if (settings_.notes == nullptr) {
        return;
    }
    for (const auto& note : settings_.notes->list()) {
        const bool wanted = std::any_of(attempts.begin(), attempts.end(), [&](const auto& attempt) {
            return run_id_of(attempt.task.id, attempt.task.attempt) == note.run_id;
        });
        if (!wanted) {
            settings_.notes->forget(note.run_id);
        }
    }
}

bool WorkerLoop::adopt(const std::vector<RunningAttempt>& attempts) {
    for (const auto& attempt : attempts) {
        {
            std::unique_lock lock(mutex_);
            // more than our slots, where the configuration gave us fewer: one after the other
            while (free_slots() == 0 && !stopping_) {
                clock_.wait_until(lock, wake_, SteadyTime::max());
                reap();
            }
            if (stopping_) {
                return false;
            }
        }
        // How much of its lease is left is not known: a little is taken for granted, and renewed at
        // once. What the predecessor noted for the guard stays in force until then.
        begin(
            {attempt.task, attempt.deadline, attempt.last_seq},
            clock_.steady() - settings_.lease / 2,
            true,
            attempt.handle
        );
    }
    return true;
}

void WorkerLoop::control() {
    if (!enroll() || !recover()) {
        return;
    }
    std::unique_lock lock(mutex_);
    enrolled_ = true;
    wake_.notify_all();
    Backoff backoff(kFirstPause, kLongestPause, id().value);
    auto last_beat = clock_.steady();
    std::optional<Duration> retry;  // the coordinator was away: sooner than in the ordinary way
    while (!stopping_) {
        const auto ordinary =
            free_slots() < slots()
                ? std::min(settings_.busy_heartbeat_interval, settings_.heartbeat_interval)
                : settings_.heartbeat_interval;
        const auto next_beat = last_beat + std::min(ordinary, retry.value_or(ordinary));
        if (look_ || clock_.steady() >= next_beat) {
            look_ = false;
            lock.unlock();
            if (beat()) {
                backoff.reset();
                retry.reset();
            } else {
                retry = backoff.next();
            }
            lock.lock();
            last_beat = clock_.steady();
            continue;
        }
        check_deadlines();
        reap();
        const auto next = next_control(next_beat);
        clock_.wait_until(lock, wake_, next);
        note_standstill(clock_.steady() - next);
    }
}

void WorkerLoop::note_standstill(Duration late) {
    // as long as a lease has in reserve between its steps (lease.hpp)
    if (settings_.lease > Duration{0} && late >= settings_.lease / 12) {
        log(logger_,
            LogLevel::warning,
            "this worker stood still for a while (frozen, or a machine that is too busy); leases "
            "may have run out meanwhile",
            {{"worker", id().value}, {"milliseconds", std::to_string(late.count() / 1000)}});
    }
}

SteadyTime WorkerLoop::next_control(SteadyTime next_beat) const {
    auto next = next_beat;
    const auto now = clock_.now();
    for (const auto& slot : slots_) {
        if (slot.session && slot.session->stop_reason() == StopReason::none) {
            next = std::min(
                next, clock_.steady() + std::max(Duration{0}, slot.session->deadline() - now)
            );
        }
    }
    return next;
}

void WorkerLoop::check_deadlines() {
    const auto now = clock_.now();
    for (auto& slot : slots_) {
        if (slot.session && slot.session->stop_reason() == StopReason::none &&
            now >= slot.session->deadline()) {
            log(logger_,
                LogLevel::warning,
                "deadline passed; stopping the run",
                {{"worker", id().value}, {"task", slot.session->task().value}});
            slot.session->stop(StopReason::deadline);
        }
    }
}

void WorkerLoop::watch_leases() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        auto next = SteadyTime::max();
        for (auto& slot : slots_) {
            if (!slot.session || slot.session->stop_reason() != StopReason::none) {
                continue;
            }
            const auto look_at = slot.session->lease().look_at();
            if (clock_.steady() < look_at) {
                next = std::min(next, look_at);
                continue;
            }
            log(logger_,
                LogLevel::warning,
                "the lease could not be renewed in time; stopping the run before the task may be "
                "given to another worker",
                {{"worker", id().value}, {"task", slot.session->task().value}});
            slot.session->stop(StopReason::lapsed);
        }
        clock_.wait_until(lock, wake_, next);
    }
}

bool WorkerLoop::beat() {
    Heartbeat beat{.worker = id()};
    {
        const std::lock_guard lock(mutex_);
        beat.circuit_open = circuit_told_;
        for (const auto& slot : slots_) {
            if (slot.session) {
                beat.status = WorkerStatus::busy;
                beat.current_task = slot.session->task();
                break;
            }
        }
    }
    const auto receipt = port_.heartbeat(beat);
    if (!receipt) {
        note(LogLevel::warning, "heartbeat failed", receipt.error().message);
        if (receipt.error().code == Errc::not_found) {
            return enroll();
        }
        return false;
    }
    const std::lock_guard lock(mutex_);
    for (const auto& task : receipt->cancel) {
        for (auto& slot : slots_) {
            if (slot.session && slot.session->task() == task) {
                slot.session->stop(StopReason::cancelled);
            }
        }
    }
    return true;
}

}  // namespace opslab
