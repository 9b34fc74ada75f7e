#include "plugin/run_sink_bridge.hpp"

#include "base/text.hpp"
#include "plugin/guarded_runner.hpp"

#include <chrono>
#include <utility>

namespace opslab::plugin {

namespace {

/// Before each delivery of a call that should have ended.
constexpr Duration kOverduePause = std::chrono::milliseconds{10};

std::string_view view_of(const char* text, std::size_t size) {
    return text == nullptr ? std::string_view{} : std::string_view{text, size};
}

}  // namespace

RunSinkBridge::RunSinkBridge(RunSink& sink, const CallContext& context)
    : sink_(sink), logger_(context.logger), fields_(fields_of(context)), clock_(context.clock) {
    table_.struct_size = sizeof(opslab_sink);
    table_.ctx = this;
    table_.event = [](void* ctx, const char* json, std::size_t size) {
        auto& self = *static_cast<RunSinkBridge*>(ctx);
        return self.deliver([&] { return self.take_event(view_of(json, size)); });
    };
    table_.output = [](void* ctx,
                       std::int32_t stream,
                       const char* text,
                       std::size_t size,
                       std::int32_t truncated) {
        auto& self = *static_cast<RunSinkBridge*>(ctx);
        const auto kind = stream == 2 ? OutputStream::err : OutputStream::out;
        const std::string_view line = view_of(text, size);
        return self.deliver([&] {
            const bool cut = truncated != 0 || line.size() > kMaxLineBytes;
            return self.sink_.output(kind, line.substr(0, kMaxLineBytes), cut);
        });
    };
    table_.position = [](void* ctx, const char* text, std::size_t size) {
        auto& self = *static_cast<RunSinkBridge*>(ctx);
        return self.deliver([&] { return self.take_position(view_of(text, size)); });
    };
}

bool RunSinkBridge::left_off() const {
    const std::lock_guard hold{mutex_};
    return left_off_;
}

bool RunSinkBridge::broke() const {
    const std::lock_guard hold{mutex_};
    return broke_;
}

template <class Call>
std::int32_t RunSinkBridge::deliver(Call&& call) {
    std::unique_lock hold{mutex_};
    if (timer_ != nullptr && timer_->overdue()) {
        slow_down(hold);
    }
    if (left_off_) {
        return 1;
    }
    try {
        left_off_ = std::forward<Call>(call)() == SinkAnswer::leave_off;
    } catch (...) {
        left_off_ = true;
        broke_ = true;
    }
    if (left_off_ && timer_ != nullptr) {
        timer_->asked_to_end(Duration{0});
    }
    return left_off_ ? 1 : 0;
}

void RunSinkBridge::slow_down(std::unique_lock<std::mutex>& lock) {
    const auto until = clock_.steady() + kOverduePause;
    while (clock_.steady() < until) {
        clock_.wait_until(lock, never_, until);
    }
}

void RunSinkBridge::warn(std::string_view what) {
    logger_.log(LogLevel::warning, what, fields_);
}

/// An event that is too long cannot be read: it is shown as the output that it is.
SinkAnswer RunSinkBridge::take_event(std::string_view json) {
    if (json.size() <= kMaxLineBytes) {
        return sink_.event(json);
    }
    warn("an event over 1 MiB was taken as output");
    return sink_.output(OutputStream::out, json.substr(0, kMaxLineBytes), true);
}

SinkAnswer RunSinkBridge::take_position(std::string_view text) {
    const bool good = text.size() <= kMaxHandleBytes && is_utf8(text) &&
                      text.find('\0') == std::string_view::npos;
    if (good) {
        return sink_.position(text);
    }
    warn("a position that is over 4 KiB or no text was dropped");
    return SinkAnswer::go_on;
}

}  // namespace opslab::plugin
