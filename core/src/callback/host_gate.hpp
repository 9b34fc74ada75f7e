#pragma once

#include <opslab/time.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace opslab {

/// Host and port of an absolute URL in lower case: what deliveries share a limit by.
[[nodiscard]] std::string host_of(std::string_view url);

/// Keeps slow receivers from taking all places: each host has at most a quarter of them, one whose
/// last post got no answer has one, and all such hosts together have at most half. What finds no
/// place is spread over the time that its host needs. Threads: one.
class HostGate {
public:
    explicit HostGate(int places);

    /// Takes a place for a post to `host`; false where there is none for it now.
    [[nodiscard]] bool enter(const std::string& host);

    /// Gives the place back, and says how the post went.
    void leave(const std::string& host, bool answered, Duration took);

    /// All posts under way were broken off.
    void clear();

    /// When to try again what `enter` refused. Each call reserves a later time.
    [[nodiscard]] Duration pause(const std::string& host, SteadyTime now);

    [[nodiscard]] int free() const { return places_ - active_; }
    [[nodiscard]] std::size_t hosts() const { return hosts_.size(); }

private:
    struct Host {
        int active = 0;
        bool is_failing = false;
        Duration typical = std::chrono::milliseconds{50};  ///< time of a post
        SteadyTime reserved{};
    };
    [[nodiscard]] int limit(const Host& host) const;
    void forget_idle();

    int places_;
    int per_host_;
    int active_ = 0;
    int failing_active_ = 0;
    std::unordered_map<std::string, Host> hosts_;
};

}  // namespace opslab
