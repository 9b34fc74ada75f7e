#include "callback/host_gate.hpp"

#include <algorithm>

namespace opslab {

namespace {

constexpr std::size_t kMaxHosts = 1024;
constexpr Duration kShortestPause = std::chrono::milliseconds{1};
constexpr Duration kLongestPause = std::chrono::minutes{1};

}  // namespace

std::string host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
    }
    std::string host(url.substr(0, url.find_first_of("/?#")));
    std::transform(host.begin(), host.end(), host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return host;
}

HostGate::HostGate(int places) : places_(places), per_host_(std::max(1, places / 4)) {}

int HostGate::limit(const Host& host) const {
    return host.is_failing ? 1 : per_host_;
}

bool HostGate::enter(const std::string& name) {
    if (hosts_.size() >= kMaxHosts && hosts_.count(name) == 0) {
        forget_idle();
    }
    auto& host = hosts_[name];
    if (free() <= 0 || host.active >= limit(host) ||
        (host.is_failing && failing_active_ >= std::max(1, places_ / 2))) {
        return false;
    }
    ++host.active;
    ++active_;
    failing_active_ += host.is_failing ? 1 : 0;
    return true;
}

void HostGate::leave(const std::string& name, bool answered, Duration took) {
    auto& host = hosts_[name];
    if (host.is_failing != !answered) {
        host.is_failing = !answered;
        failing_active_ += host.is_failing ? host.active : -host.active;
    }
    --host.active;
    --active_;
    failing_active_ -= host.is_failing ? 1 : 0;
    host.typical = (host.typical * 3 + took) / 4;
}

void HostGate::clear() {
    for (auto& [name, host] : hosts_) {
        host.active = 0;
    }
    active_ = 0;
    failing_active_ = 0;
}

Duration HostGate::pause(const std::string& name, SteadyTime now) {
    auto& host = hosts_[name];
    const auto spacing = std::max(host.typical / limit(host), kShortestPause);
    host.reserved = std::min(std::max(host.reserved, now) + spacing, now + kLongestPause);
    return host.reserved - now;
}

void HostGate::forget_idle() {
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.active == 0; });
}

}  // namespace opslab
