#include "worker/reporter.hpp"

#include "worker/backoff.hpp"

#include <utility>

namespace opslab {

namespace {

std::size_t size_of(const RunEvent& event) {
    constexpr std::size_t kOverhead = 128;
    if (const auto* log = std::get_if<LogEvent>(&event)) {
        return kOverhead + log->message.size() + log->context_json.size();
    }
    if (const auto* step = std::get_if<StepEvent>(&event)) {
        return kOverhead + step->body_json.size();
    }
    return kOverhead;
}

bool try_again(const Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::timeout ||
           error.code == Errc::exhausted || error.code == Errc::internal;
}

bool is_loss(const Error& error) {
    return error.code == Errc::stale_attempt || error.code == Errc::not_found;
}

}  // namespace

Reporter::Reporter(
    WorkerPort& port,
    Clock& clock,
    Logger& logger,
    EventReport heading,
    std::int64_t last_seq,
    Limits limits,
    Lease& lease,
    OnLost on_lost
)
    : port_(port),
      clock_(clock),
      logger_(logger),
      heading_(std::move(heading)),
      limits_(limits),
      lease_(lease),
      on_lost_(std::move(on_lost)),
      last_pushed_(last_seq),
      thread_([this] { run(); }) {}

Reporter::~Reporter() {
    end();
}

void Reporter::end() {
    close();
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool Reporter::push(RunEvent event) {
    const auto size = size_of(event);
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] {
        const bool room = buffer_.size() < limits_.events &&
                          (buffer_.empty() || buffered_bytes_ + size <= limits_.bytes);
        return room || lost_ || closed_;
    });
    if (lost_ || closed_) {
        return false;
    }
    buffer_.push_back(std::move(event));
    buffered_bytes_ += size;
    ++last_pushed_;
    wake_.notify_one();
    return true;
}

std::int64_t Reporter::last_pushed() const {
    const std::lock_guard lock(mutex_);
    return last_pushed_;
}

void Reporter::go_on_after(std::int64_t last_seq) {
    const std::lock_guard lock(mutex_);
    last_pushed_ = last_seq;
}

void Reporter::set_handle(std::string handle) {
    const std::lock_guard lock(mutex_);
    handle_ = std::move(handle);
    wake_.notify_one();
}

bool Reporter::flush() {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] {
        return (buffer_.empty() && !handle_ && !sending_) || lost_ || closed_;
    });
    return !lost_ && !closed_;
}

void Reporter::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake_.notify_all();
    moved_.notify_all();
}

bool Reporter::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

std::optional<Error> Reporter::refusal() const {
    const std::lock_guard lock(mutex_);
    return refusal_;
}

EventReport Reporter::take_batch() {
    EventReport report = heading_;
    report.first_seq = last_pushed_ - static_cast<std::int64_t>(buffer_.size()) + 1;
    report.handle = std::exchange(handle_, std::nullopt);
    while (!buffer_.empty() && report.events.size() < limits_.events) {
        buffered_bytes_ -= size_of(buffer_.front());
        report.events.push_back(std::move(buffer_.front()));
        buffer_.pop_front();
    }
    return report;
}

void Reporter::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        while (!closed_ && buffer_.empty() && !handle_ && clock_.steady() < lease_.renew_at()) {
            clock_.wait_until(lock, wake_, lease_.renew_at());
        }
        if (closed_) {
            return;
        }
        const auto report = take_batch();
        sending_ = true;
        moved_.notify_all();  // there is room again
        lock.unlock();
        const auto sent = send(report);
        lock.lock();
        sending_ = false;
        if (!sent) {
            lost_ = true;
            if (!is_loss(sent.error())) {
                refusal_ = sent.error();
            }
            lock.unlock();
            on_lost_();
            lock.lock();
        }
        moved_.notify_all();
        if (lost_) {
            return;
        }
    }
}

Status Reporter::send(const EventReport& report) {
    Backoff backoff(std::chrono::milliseconds{100}, lease_.longest_pause(), report.task.value);
    bool said = false;
    while (true) {
        const auto asked = clock_.steady();
        const auto receipt = port_.report(report);
        if (receipt) {
            lease_.renewed(asked, receipt->lease);
            return {};
        }
        if (!try_again(receipt.error())) {
            return fail(receipt.error());
        }
        if (!std::exchange(said, true)) {
            log(logger_,
                LogLevel::warning,
                "events wait until the coordinator answers",
                {{"task", report.task.value}, {"error", receipt.error().message}});
        }
        std::unique_lock lock(mutex_);
        const auto until = clock_.steady() + backoff.next();
        while (!closed_ && clock_.steady() < until) {
            clock_.wait_until(lock, wake_, until);
        }
        if (closed_) {
            return {};  // given up by the owner, not lost to another
        }
    }
}

}  // namespace opslab
