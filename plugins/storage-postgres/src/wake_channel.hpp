#pragma once

#include <opslab/logger.hpp>
#include <opslab/sql/session.hpp>
#include <opslab/storage.hpp>

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

struct pg_conn;

namespace opslab::postgres {

/// LISTEN and NOTIFY on a connection of its own: tells other coordinators of our commits, after
/// them and gathered, and our listener of theirs. Word may be lost with a connection; the listener
/// is then told that anything may have changed, and whoever waits also polls slowly.
/// Threads: any; the listener is called on the channel's thread, which ends with the channel.
class WakeChannel final : public WakeSource {
public:
    WakeChannel(std::string conninfo, Logger& logger);
    ~WakeChannel() override;

    void listen(Listener* listener) override;

    /// Returns at once.
    void tell(const sql::Touched& touched) noexcept;

private:
    struct Outgoing {
        bool pending = false;
        bool anything = false;  ///< more than is worth naming
        std::set<std::string> tasks{};
        std::set<std::string> workers{};

        [[nodiscard]] bool empty() const {
            return !pending && !anything && tasks.empty() && workers.empty();
        }
    };

    void run();
    bool serve(pg_conn* connection);
    bool send(pg_conn* connection, Outgoing outgoing);
    void receive(pg_conn* connection);
    void deliver(const std::string& payload);
    bool pause(int milliseconds);
    [[nodiscard]] bool stopping();
    void ring() const noexcept;

    std::string conninfo_;
    Logger& logger_;
    int bell_;  // an eventfd: something to send, or to stop
    std::mutex outgoing_mutex_;
    Outgoing outgoing_;
    std::condition_variable ended_;
    bool stopping_ = false;
    std::mutex listener_mutex_;  // held while it is called
    Listener* listener_ = nullptr;
    std::thread thread_;
};

}  // namespace opslab::postgres
