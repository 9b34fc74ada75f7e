#pragma once

#include <opslab/error.hpp>
#include <opslab/sql/session.hpp>
#include <opslab/time.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace opslab::sql {

/// A bounded set of sessions, opened when first needed. Threads: any.
class SessionPool {
public:
    using Open = std::function<std::unique_ptr<Session>()>;

    /// A session on loan; it goes back when this ends, or is closed where it was spoilt.
    class Lease {
    public:
        Lease(SessionPool& pool, std::unique_ptr<Session> session)
            : pool_(&pool), session_(std::move(session)) {}
        Lease(Lease&& other) noexcept
            : pool_(std::exchange(other.pool_, nullptr)), session_(std::move(other.session_)) {}
        Lease& operator=(Lease&&) = delete;
        ~Lease();

        [[nodiscard]] Session& operator*() const { return *session_; }
        [[nodiscard]] bool has_session() const { return session_ != nullptr; }
        void fill(std::unique_ptr<Session> session) { session_ = std::move(session); }

        /// Closes the session instead of giving it to the next user: after any error, since what
        /// it left behind (an open transaction, a failed statement) is not worth telling apart.
        void spoil() { session_.reset(); }

    private:
        SessionPool* pool_;
        std::unique_ptr<Session> session_;
    };

    SessionPool(Clock& clock, Open open, int size, Duration patience);

    /// Waits for a free one up to `patience`. Errors: `timeout`. Throws what `open` throws.
    [[nodiscard]] Result<Lease> lease();

    /// Closes the sessions that nobody has: after a restart of the server none of them is alive.
    void drop_idle() noexcept;

private:
    void give_back(std::unique_ptr<Session> session) noexcept;

    Clock& clock_;
    Open open_;
    Duration patience_;
    std::mutex mutex_;
    std::condition_variable freed_;
    int unused_;  ///< sessions that may still be lent: idle or not opened
    std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace opslab::sql
