#include <opslab/sql/session_pool.hpp>

namespace opslab::sql {

SessionPool::SessionPool(Clock& clock, Open open, int size, Duration patience)
    : clock_(clock), open_(std::move(open)), patience_(patience), unused_(size) {
    idle_.reserve(static_cast<std::size_t>(size));
}

SessionPool::Lease::~Lease() {
    if (pool_ != nullptr) {
        pool_->give_back(std::move(session_));
    }
}

Result<SessionPool::Lease> SessionPool::lease() {
    std::unique_ptr<Session> session;
    {
        std::unique_lock lock{mutex_};
        const auto deadline = clock_.steady() + patience_;
        while (unused_ == 0) {
            if (clock_.steady() >= deadline) {
                return fail(Errc::timeout, "no database session became free in time");
            }
            clock_.wait_until(lock, freed_, deadline);
        }
        --unused_;
        if (!idle_.empty()) {
            session = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    Lease lease{*this, std::move(session)};
    if (!lease.has_session()) {
        lease.fill(open_());
    }
    return lease;
}

void SessionPool::drop_idle() noexcept {
    std::vector<std::unique_ptr<Session>> dropped;
    {
        const std::scoped_lock guard{mutex_};
        // give_back must not allocate: the room stays
        while (!idle_.empty()) {
            dropped.push_back(std::move(idle_.back()));
            idle_.pop_back();
        }
    }
    // closed here, outside the lock
}

void SessionPool::give_back(std::unique_ptr<Session> session) noexcept {
    {
        const std::scoped_lock guard{mutex_};
        ++unused_;
        if (session != nullptr) {
            idle_.push_back(std::move(session));
        }
    }
    freed_.notify_one();
}

}  // namespace opslab::sql
