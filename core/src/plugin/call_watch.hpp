#pragma once

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace opslab::plugin {

/// When a call into a plugin must have returned.
enum class Due : std::uint8_t {
    soon,        ///< it only looks, or removes
    later,       ///< it waits for the world (an image, a cluster), or until it is asked to end
    when_asked,  ///< it takes as long as a run; until it is asked to end
    never,
};

/// A call that should have returned.
struct OverdueCall {
    std::string plugin{};  ///< `runner-docker`
    std::string runner{};  ///< as configured; empty for a storage
    std::string call{};    ///< `destroy`
    Duration age{0};
    std::vector<LogField> scope{};  ///< whose call it is: worker, task, attempt, where known
};

/// Told when a call becomes overdue, once for each, and when such a one returns. Must not block.
class OverdueListener {
public:
    OverdueListener() = default;
    OverdueListener(const OverdueListener&) = delete;
    OverdueListener& operator=(const OverdueListener&) = delete;
    virtual ~OverdueListener() = default;

    virtual void overdue(std::string_view plugin, std::string_view call) noexcept = 0;
    virtual void returned() noexcept = 0;
};

/// Watches the calls into plugins of a process, as a plugin that sleeps says nothing by itself: a
/// call that has not returned in time is logged, again after twice the time and so on, an hour
/// apart at most. Threads: all calls from any.
class CallWatch {
public:
    /// So many times longer may a call take that waits for the world.
    static constexpr int kLater = 20;
    static constexpr Duration kLongestPause = std::chrono::hours{1};

    /// `patience` is for calls that are due soon, and for others once they are asked to end.
    CallWatch(Clock& clock, Logger& logger, OverdueListener& listener, Duration patience);
    CallWatch(const CallWatch&) = delete;
    CallWatch& operator=(const CallWatch&) = delete;
    /// No call is under way any more.
    ~CallWatch();

    /// Begins to look by itself, on one thread. Once.
    void start();

    /// Looks now. Answers when there is something to see again.
    SteadyTime look();

    [[nodiscard]] std::vector<OverdueCall> overdue() const;

    /// What is watched of one call. The texts outlive it.
    struct Subject {
        std::string_view plugin{};
        std::string_view runner{};
        std::string_view call{};
        Due due = Due::never;
        Duration grace{0};   ///< it may take this much longer, as it was told
        int interrupt = -1;  ///< the call is asked to end once this descriptor is readable
    };

    /// A call that is under way.
    class Watched {
    public:
        /// `watch` may be null.
        Watched(CallWatch* watch, const Subject& subject);
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;
        ~Watched();

        /// It must end by itself within `grace` now. Threads: any.
        void asked_to_end(Duration grace);
        /// Whether it was told of already. Threads: any.
        [[nodiscard]] bool told() const { return told_; }

    private:
        friend class CallWatch;
        CallWatch* watch_;
        Subject subject_;
        std::vector<LogField> scope_{};
        SteadyTime since_{};
        SteadyTime due_{};
        Duration pause_{0};
        std::atomic<bool> told_{false};
        std::list<Watched*>::iterator at_{};
    };

private:
    void add(Watched& call);
    void remove(Watched& call);
    void run();
    void wake();
    [[nodiscard]] OverdueCall seen(const Watched& call, SteadyTime now) const;
    void tell(std::string_view message, const OverdueCall& call);

    Clock& clock_;
    Logger& logger_;
    OverdueListener& listener_;
    const Duration patience_;
    const int wake_fd_;
    mutable std::mutex mutex_{};
    std::list<Watched*> calls_{};
    bool idle_ = false;  // the thread sleeps until a call begins
    bool stopping_ = false;
    std::thread thread_{};
};

}  // namespace opslab::plugin
