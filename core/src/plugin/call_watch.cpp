#include "plugin/call_watch.hpp"

#include "base/log_scope.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace opslab::plugin {

namespace {

int make_wake_fd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    return fd;
}

bool is_readable(int fd) {
    pollfd asked{fd, POLLIN, 0};
    return ::poll(&asked, 1, 0) > 0;
}

}  // namespace

CallWatch::CallWatch(Clock& clock, Logger& logger, OverdueListener& listener, Duration patience)
    : clock_(clock),
      logger_(logger),
      listener_(listener),
      patience_(patience),
      wake_fd_(make_wake_fd()) {}

CallWatch::~CallWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
    ::close(wake_fd_);
}

void CallWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void CallWatch::wake() {
    const std::uint64_t one = 1;
    // fails only where the counter is full, and then it is readable already
    static_cast<void>(!::write(wake_fd_, &one, sizeof one));
}

void CallWatch::add(Watched& call) {
    const Duration patience = call.subject_.due == Due::later ? kLater * patience_ : patience_;
    call.since_ = clock_.steady();
    call.pause_ = patience;
    call.due_ = call.subject_.due == Due::soon || call.subject_.due == Due::later
                    ? call.since_ + call.subject_.grace + patience
                    : SteadyTime::max();
    const std::lock_guard lock(mutex_);
    call.at_ = calls_.insert(calls_.end(), &call);
    // One that is due soon is seen in time by a thread that sleeps no longer than that. So the many
    // short calls of a storage wake nobody.
    if (std::exchange(idle_, false) || call.subject_.interrupt >= 0) {
        wake();
    }
}

void CallWatch::remove(Watched& call) {
    {
        const std::lock_guard lock(mutex_);
        calls_.erase(call.at_);
    }
    if (call.told_) {
        listener_.returned();
        tell("a call into a plugin has returned after all", seen(call, clock_.steady()));
    }
}

SteadyTime CallWatch::look() {
    std::vector<OverdueCall> overdue;
    SteadyTime next = SteadyTime::max();
    {
        const std::lock_guard lock(mutex_);
        const SteadyTime now = clock_.steady();
        for (Watched* const call : calls_) {
            if (call->subject_.interrupt >= 0 && is_readable(call->subject_.interrupt)) {
                call->subject_.interrupt = -1;
                call->due_ = std::min(call->due_, now + patience_);
                call->pause_ = patience_;
            }
            if (now >= call->due_) {
                if (!call->told_.exchange(true)) {
                    listener_.overdue(call->subject_.plugin, call->subject_.call);
                }
                overdue.push_back(seen(*call, now));
                call->due_ = now + call->pause_;
                call->pause_ = std::min(2 * call->pause_, kLongestPause);
            }
            next = std::min(next, call->due_);
        }
    }
    for (const auto& call : overdue) {
        tell("a call into a plugin has not returned", call);
    }
    return next;
}

std::vector<OverdueCall> CallWatch::overdue() const {
    std::vector<OverdueCall> overdue;
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    for (const Watched* const call : calls_) {
        if (call->told_) {
            overdue.push_back(seen(*call, now));
        }
    }
    return overdue;
}

OverdueCall CallWatch::seen(const Watched& call, SteadyTime now) const {
    return {
        .plugin = std::string{call.subject_.plugin},
        .runner = std::string{call.subject_.runner},
        .call = std::string{call.subject_.call},
        .age = now - call.since_,
        .scope = call.scope_};
}

void CallWatch::tell(std::string_view message, const OverdueCall& call) {
    std::vector<LogField> fields{{"plugin", call.plugin}};
    if (!call.runner.empty()) {
        fields.push_back({"runner", call.runner});
    }
    fields.push_back({"call", call.call});
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(call.age);
    fields.push_back({"seconds", std::to_string(age.count())});
    fields.insert(fields.end(), call.scope.begin(), call.scope.end());
    logger_.log(LogLevel::warning, message, fields);
}

void CallWatch::run() {
    bool was_timed = false;
    while (true) {
        const SteadyTime next = look();
        std::vector<pollfd> waits{{wake_fd_, POLLIN, 0}};
        int timeout = -1;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                return;
            }
            for (const Watched* const call : calls_) {
                if (call->subject_.interrupt >= 0) {
                    waits.push_back({call->subject_.interrupt, POLLIN, 0});
                }
            }
            // after a whole sleep without any call: until the next one begins
            idle_ = was_timed && calls_.empty();
            if (!idle_) {
                const SteadyTime now = clock_.steady();
                const Duration sleep = std::clamp(next - now, Duration{0}, patience_);
                const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(sleep);
                timeout = static_cast<int>(rounded.count());
            }
        }
        was_timed = ::poll(waits.data(), waits.size(), timeout) == 0;
        std::uint64_t drained = 0;
        static_cast<void>(!::read(wake_fd_, &drained, sizeof drained));
    }
}

CallWatch::Watched::Watched(CallWatch* watch, const Subject& subject)
    : watch_(watch), subject_(subject) {
    if (watch_ != nullptr) {
        const auto scope = LogScope::fields();
        scope_.assign(scope.begin(), scope.end());
        watch_->add(*this);
    }
}

CallWatch::Watched::~Watched() {
    if (watch_ != nullptr) {
        watch_->remove(*this);
    }
}

void CallWatch::Watched::asked_to_end(Duration grace) {
    if (watch_ == nullptr) {
        return;
    }
    const std::lock_guard lock(watch_->mutex_);
    if (!told_) {
        const auto due = watch_->clock_.steady() + grace + watch_->patience_;
        due_ = std::min(due_, due);
        pause_ = watch_->patience_;
        watch_->wake();
    }
}

}  // namespace opslab::plugin
