#pragma once

#include <opslab/logger.hpp>
#include <opslab/sql/session.hpp>
#include <opslab/time.hpp>

#include <mutex>
#include <optional>

namespace opslab::sql {

/// The time that leases and heartbeats are written and judged in. It is the database's own where it
/// has one (coordinators whose clocks differ must not take each other's leases), and otherwise the
/// host's as of our start, counted on by its monotonic clock, so that nothing changes where the
/// machine's clock is set. Threads: any.
class LeaseTime {
public:
    LeaseTime(Clock& clock, Logger& logger)
        : clock_(clock), logger_(logger), started_(clock.now()), started_at_(clock.steady()) {}

    /// Throws as `session` does.
    [[nodiscard]] Timestamp now(Session& session);

    /// False where the database's clock was set within so long: leases then look over, or far from
    /// it, that are not.
    [[nodiscard]] bool settled(Duration length) const;

    /// Whether others write in this time too.
    [[nodiscard]] bool is_shared() const;

private:
    void compare(SteadyTime asked, Timestamp there, SteadyTime answered);

    Clock& clock_;
    Logger& logger_;
    Timestamp started_;
    SteadyTime started_at_;
    mutable std::mutex mutex_;
    /// How far the database's clock is ahead of our monotonic one: between the two.
    struct Lead {
        Duration least{};
        Duration most{};
    };
    std::optional<Lead> lead_;
    std::optional<SteadyTime> set_at_;
};

/// The time of leases in one transaction: asked for where it is first wanted, and then kept.
/// Threads: one.
class LeaseMoment {
public:
    /// Both outlive it.
    LeaseMoment(LeaseTime& time, Session& session) : time_(time), session_(session) {}

    /// Throws as the session does.
    [[nodiscard]] Timestamp now() {
        if (!now_) {
            now_ = time_.now(session_);
        }
        return *now_;
    }

private:
    LeaseTime& time_;
    Session& session_;
    std::optional<Timestamp> now_{};
};

}  // namespace opslab::sql
