#include "base/log_scope.hpp"
#include "worker/backoff.hpp"
#include "worker/worker_loop.hpp"

#include <algorithm>
#include <utility>

/// The slots of a worker: how they are filled, by claims and by what claims left unanswered, and
/// how they become free.
namespace opslab {

void WorkerLoop::begin(
    ClaimedTask claimed, SteadyTime asked, bool resumed, std::optional<std::string> bookmark
) {
    const std::lock_guard lock(mutex_);
    const auto free = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
        return slot.session == nullptr;
    });
    if (free == slots_.end()) {
        // never: claims ask for no more than the free slots, and only this thread fills them
        note(LogLevel::critical, "a claimed task has no slot; its lease will run out");
        return;
    }
    const RunSession::Context context{
        port_,
        runner_,
        clock_,
        logger_,
        id(),
        settings_.stop_grace,
        settings_.max_log_bytes,
        settings_.runner_label,
        settings_.crashes,
        settings_.notes,
        [this](const RunnerError* error) { note_start(error); }};
    if (claimed.lease == Duration{0} || settings_.lease == Duration{0}) {
        claimed.lease = settings_.lease;
    }
    if (!resumed) {
        // by our own clock, where it is ahead of the coordinator's; what the sweep says counts
        claimed.deadline = std::max(
            claimed.deadline,
            clock_.now() + std::chrono::minutes{claimed.task.parameters.timeout_minutes}
        );
    }
    const auto index = static_cast<int>(free - slots_.begin());
    free->session = std::make_unique<RunSession>(context, std::move(claimed), index, asked);
    free->done = false;
    free->thread = std::thread([this, index, resumed, bookmark = std::move(bookmark)] {
        auto& slot = slots_[static_cast<std::size_t>(index)];
        auto& session = *slot.session;
        if (resumed) {
            session.resume(bookmark);
        } else {
            session.run();
        }
        const std::lock_guard guard(mutex_);
        slot.done = true;
        wake_.notify_all();
    });
    if (stopping_) {
        free->session->stop(StopReason::abandoned);
    }
    wake_.notify_all();
}

void WorkerLoop::reap() {
    for (auto& slot : slots_) {
        if (slot.done && slot.thread.joinable()) {
            slot.thread.join();  // it has nothing left to do but to return
            untidy_ = untidy_ || slot.session->left_something();
            slot.session.reset();
            slot.done = false;
            wake_.notify_all();
        }
    }
}

bool WorkerLoop::runs(const Task& task) const {
    return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
        return slot.session && slot.session->task() == task.id &&
               slot.session->attempt() == task.attempt;
    });
}

/// A claim whose answer was lost may have given us attempts that nobody runs, and our heartbeats
/// would keep them so. False where that cannot be told yet.
bool WorkerLoop::pick_up_unanswered() {
    std::vector<Task> before;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& slot : slots_) {
            if (slot.session) {
                before.push_back(slot.session->claimed().task);
            }
        }
    }
    const auto attempts = port_.running(id());
    if (!attempts) {
        return false;
    }
    for (const auto& attempt : *attempts) {
        {
            const std::lock_guard lock(mutex_);
            const bool some_ended =
                std::any_of(before.begin(), before.end(), [&](const Task& task) {
                    return !runs(task);  // the answer may be older than its end
                });
            // past its deadline it was stopped here, perhaps, and is the sweep's
            if (runs(attempt.task) || attempt.deadline <= clock_.now()) {
                continue;
            }
            if (some_ended || free_slots() == 0) {
                return false;
            }
        }
        log(logger_,
            LogLevel::warning,
            "picking up an attempt whose claim was not answered",
            {{"worker", id().value}, {"task", attempt.task.id.value}});
        begin(
            {attempt.task, attempt.deadline, attempt.last_seq},
            clock_.steady() - (attempt.handle ? settings_.lease / 2 : settings_.lease),
            attempt.handle.has_value(),
            attempt.handle
        );
    }
    return true;
}

/// Removes what is there of runs that ended here. Fails where that cannot be done yet.
RunnerStatus WorkerLoop::tidy() {
    const auto owned = runner_.list_owned(id());
    if (!owned) {
        return tl::unexpected(owned.error());
    }
    RunnerStatus all;
    for (const auto& run : *owned) {
        {
            const std::lock_guard lock(mutex_);
            // a run id never comes again, so what has no session now will have none
            if (std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
                    return slot.session && slot.session->run_id() == run.run_id;
                })) {
                continue;
            }
        }
        if (auto removed = remove(run); !removed) {
            all = std::move(removed);
        }
    }
    return all;
}

/// Removes what is there of a run that ended. Where that crashed a predecessor it is left, or it
/// would end this worker, too, and again and again all that it runs.
RunnerStatus WorkerLoop::remove(const OwnedRun& run) {
    const auto scope = scope_of(id(), run.run_id);
    const bool would_crash = std::any_of(
        settings_.crashes.begin(),
        settings_.crashes.end(),
        [&](const PluginCrash& crash) { return crash.call == "destroy" && crash.was_in(scope); }
    );
    if (would_crash) {
        if (left_.insert(run.run_id).second) {
            logger_.log(
                LogLevel::error,
                "a run whose removal crashed the last worker is left until opslab was stopped in "
                "order and starts anew",
                scope
            );
        }
        return {};
    }
    const LogScope while_removing(scope);
    if (auto destroyed = runner_.destroy(run.handle); !destroyed) {
        return destroyed;
    }
    logger_.log(LogLevel::info, "removed what an ended run left", scope);
    if (settings_.notes != nullptr) {
        settings_.notes->forget(run.run_id);
    }
    return {};
}

void WorkerLoop::claim() {
    bool unanswered = false;
    Backoff backoff(kFirstPause, kLongestPause, id().value);
    std::unique_lock lock(mutex_);
    while (!draining_) {
        reap();
        const int free = room(lock);
        if (free == 0) {
            continue;
        }
        if (untidy_) {
            // nothing is claimed meanwhile: what cannot remove runs can hardly start them
            untidy_ = false;
            lock.unlock();
            const auto done = tidy();
            lock.lock();
            if (!done) {
                untidy_ = true;
                open_circuit(done.error());
            }
            continue;
        }
        lock.unlock();
        if (unanswered) {
            unanswered = !pick_up_unanswered();
            lock.lock();
            if (unanswered) {
                [[maybe_unused]] const bool go_on = pause(lock, backoff.next());
            }
            continue;
        }
        place_is_fine_ = false;
        const auto asked = clock_.steady();
        auto claimed = port_.claim({id(), free}, settings_.claim_wait);
        // Nothing, and at once: for the coordinator our slots are full. Whatever fills them there
        // is looked for, and it is not asked again and again meanwhile.
        const bool full =
            claimed && claimed->empty() && clock_.steady() - asked < settings_.claim_wait / 2;
        if (claimed) {
            if (!full) {
                backoff.reset();
            }
            if (!claimed->empty()) {
                const std::lock_guard guard(mutex_);
                circuit_.begin_trial();
            }
            for (auto& task : *claimed) {
                begin(std::move(task), asked, false, std::nullopt);
            }
        } else {
            note(LogLevel::warning, "claim failed", claimed.error().message);
        }
        lock.lock();
        if (full && !draining_) {
            unanswered = true;
            [[maybe_unused]] const bool go_on = pause(lock, backoff.next());
        }
        if (!claimed) {
            unanswered = claimed.error().code != Errc::conflict;
            look_ =
                claimed.error().code == Errc::conflict || look_;  // offline: a beat brings us back
            wake_.notify_all();
            [[maybe_unused]] const bool go_on = pause(lock, backoff.next());
        }
    }
    // drained: whoever waits for idle slots needs them reaped
    while (!stopping_) {
        reap();
        if (std::exchange(untidy_, false)) {
            lock.unlock();
            static_cast<void>(tidy());  // or the successor, at its start
            lock.lock();
        }
        if (free_slots() == slots()) {
            wake_.notify_all();
        }
        clock_.wait_until(lock, wake_, SteadyTime::max());
    }
}

}  // namespace opslab
