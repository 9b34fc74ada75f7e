#pragma once

#include <sys/types.h>

/// The driver and everything that descends from it. The supervisor is their subreaper: whoever
/// loses its parent becomes the supervisor's child, so its children plus theirs are all there is.
namespace opslab::supervise {

class Family {
public:
    explicit Family(pid_t leader) : leader_(leader) {}

    /// Reaps orphans that ended. True once the leader has ended (it stays a zombie, which keeps its
    /// pid and process group from being given away).
    [[nodiscard]] bool reap_until_leader_ended() const;

    /// SIGTERM to the leader's process group.
    void terminate() const;

    /// Kills and reaps everything, the leader last seen first; returns when no descendant is left.
    /// Returns the leader's wait status.
    [[nodiscard]] int kill_all() const;

private:
    pid_t leader_;
};

}  // namespace opslab::supervise
