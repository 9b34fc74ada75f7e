#pragma once

#include "worker/lease_notes.hpp"
#include "worker/wake_fd.hpp"

#include <opslab/time.hpp>

#include <mutex>
#include <string>
#include <utility>

namespace opslab {

/// What the holder of a lease may count on, by its own monotonic clock: from the moment before it
/// asked for the last renewal that was granted. The coordinator counts from later, so here the
/// lease is over first. A run is stopped politely at three quarters of it and by force at eleven
/// twelfths, so that nothing of the run is alive when the task may be given to someone else.
/// Threads: any.
class Lease {
public:
    /// `notes` may be null. With a `length` of 0 it is held for ever: nobody else can take the
    /// task. `start_until`, where given, becomes readable at `stop_at`, from `begin` on: a start
    /// that is under way then must not go on.
    Lease(
        Clock& clock,
        LeaseNotes* notes,
        std::string run_id,
        SteadyTime asked,
        Duration length,
        WakeFd* start_until = nullptr
    )
        : clock_(clock),
          notes_(notes),
          start_until_(start_until),
          lapses_(length > Duration{0}),
          run_id_(std::move(run_id)),
          asked_(asked),
          length_(length) {}

    /// A lease of `length` that was asked for at `asked`; an earlier one than known is ignored. The
    /// length counts from now on.
    void renewed(SteadyTime asked, Duration length);

    /// Something is about to run under it: writes down until when it may live. Errors:
    /// `unavailable` where that cannot be written; then nothing may be started.
    [[nodiscard]] Status begin();
    /// A predecessor's run goes on under it: what that one wrote down holds until it is renewed.
    void take_over();

    /// The run is over and removed: nothing is to be watched.
    void forget();

    /// Whether something may be started now.
    [[nodiscard]] bool held() const { return clock_.steady() < stop_at(); }
    /// True where the guard ended the run since nobody renewed its lease (lease_notes.hpp).
    [[nodiscard]] bool ended_by_guard() const { return notes_ && notes_->ended(run_id_); }

    [[nodiscard]] SteadyTime renew_at() const { return part(2); }
    [[nodiscard]] SteadyTime stop_at() const { return part(9); }
    /// When whoever stops the run must look again: `stop_at`, or soon where nothing runs yet.
    [[nodiscard]] SteadyTime look_at() const;
    /// The longest pause between two tries to renew it.
    [[nodiscard]] Duration longest_pause() const;
    [[nodiscard]] SteadyTime kill_at() const { return part(11); }

private:
    /// So many twelfths of the lease after it was asked for.
    [[nodiscard]] SteadyTime part(int twelfths) const;
    [[nodiscard]] SteadyTime part_unlocked(int twelfths) const {
        return lapses_ ? asked_ + length_ * twelfths / 12 : SteadyTime::max();
    }

    /// When the guard ends the run: after the worker would have, had it been able to.
    [[nodiscard]] SteadyTime guard_at() const { return asked_ + length_ * 23 / 24; }

    void set_alarm();

    Clock& clock_;
    LeaseNotes* notes_;
    WakeFd* start_until_;
    bool lapses_;
    std::string run_id_;
    mutable std::mutex mutex_;
    SteadyTime asked_;
    Duration length_;
    bool in_force_ = false;
    SteadyTime noted_until_{};
};

}  // namespace opslab
