#pragma once

#include <opslab/task.hpp>

#include <cstddef>
#include <string_view>

namespace opslab {

/// What the services tell whoever measures. Calls come from any thread and return at once. The
/// defaults do nothing.
class ServiceObserver {
public:
    ServiceObserver() = default;
    ServiceObserver(const ServiceObserver&) = delete;
    ServiceObserver& operator=(const ServiceObserver&) = delete;
    virtual ~ServiceObserver() = default;

    virtual void tasks_submitted(std::size_t /*count*/) {}
    /// A worker got a task that had waited this long since it became claimable.
    virtual void task_claimed(Duration /*waited*/) {}
    /// An attempt ended as `status` after `ran`; `pending` means that it will be retried.
    virtual void attempt_ended(TaskStatus /*status*/, Duration /*ran*/) {}
    /// The sweep found these.
    virtual void swept(
        std::size_t /*timed_out*/, std::size_t /*lost*/, std::size_t /*offline*/
    ) {}
    virtual void phase_ended(std::string_view /*phase*/, Duration /*took*/) {}
    /// A group commit of `verb` carried `size` requests.
    virtual void committed(std::string_view /*verb*/, std::size_t /*size*/) {}
    /// So many writes of `verb` came from workers that had lost their lease.
    virtual void stale_writes(std::string_view /*verb*/, std::size_t /*count*/) {}
    /// A bound of ours was hit: `bound` names it.
    virtual void bound_hit(std::string_view /*bound*/) {}
};

}  // namespace opslab
