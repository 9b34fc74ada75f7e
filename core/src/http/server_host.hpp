#pragma once

#include "http/exchange.hpp"
#include "http/executor.hpp"
#include "http/server.hpp"

#include <asio.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

/// Everything under way in one server: who is to be answered, by when, and how many streams there
/// are. For `restinio_server.cpp` alone.
namespace opslab {

/// Shared with every exchange: handlers may keep responders longer than the server lives.
class ServerHost final : public ExchangeHost {
public:
    ServerHost(
        asio::io_context& io,
        BoundedExecutor& executor,
        Clock& clock,
        Logger& logger,
        const ServerSettings& settings
    )
        : io_(&io),
          executor_(executor),
          clock_(clock),
          logger_(logger),
          max_streams_(settings.max_streams),
          deadline_(settings.request_deadline) {}

    bool run_on_io(std::function<void()> job) override {
        if (std::this_thread::get_id() == io_thread_) {
            job();
            return true;
        }
        const std::lock_guard lock(mutex_);
        if (io_ == nullptr) {
            return false;
        }
        asio::post(*io_, std::move(job));
        return true;
    }

    [[nodiscard]] bool draining() const override { return draining_; }

    [[nodiscard]] bool admit_stream() override {
        if (streams_ >= max_streams_) {
            return false;
        }
        ++streams_;
        return true;
    }

    void release_stream() override { --streams_; }

    void stream_failed(const std::string& request_id, const std::string& cause) override {
        log(logger_,
            LogLevel::error,
            "a stream was cut",
            {{"request", request_id}, {"cause", cause}});
    }

    void release(const std::shared_ptr<Exchange>& exchange) override {
        {
            const std::lock_guard lock(mutex_);
            live_.erase(exchange);
        }
        idle_.notify_all();
    }

    [[nodiscard]] BoundedExecutor& executor() override { return executor_; }

    void add(const std::shared_ptr<Exchange>& exchange) {
        deadlines_.emplace_back(clock_.steady() + deadline_, exchange);
        const std::lock_guard lock(mutex_);
        live_.insert(exchange);
    }

    /// Answers what is overdue; the deadline is one for all, so the oldest is due first.
    int expire_due() {
        int expired = 0;
        while (!deadlines_.empty()) {
            const auto exchange = deadlines_.front().second.lock();
            if (exchange && deadlines_.front().first > clock_.steady()) {
                break;
            }
            deadlines_.pop_front();
            expired += exchange && exchange->expire() ? 1 : 0;
        }
        return expired;
    }

    void begin_drain() {
        draining_ = true;
        for (const auto& exchange : live()) {
            exchange->drain();
        }
    }

    void abandon_all() {
        for (const auto& exchange : live()) {
            exchange->abandon();
        }
        const std::lock_guard lock(mutex_);
        live_.clear();
    }

    void wait_idle(SteadyTime deadline) {
        std::unique_lock lock(mutex_);
        while (!live_.empty() && clock_.steady() < deadline) {
            clock_.wait_until(lock, idle_, deadline);
        }
    }

    void close() {
        const std::lock_guard lock(mutex_);
        io_ = nullptr;
        io_thread_ = std::thread::id();
    }

    void set_io_thread(std::thread::id id) { io_thread_ = id; }

    [[nodiscard]] std::size_t requests() const {
        const std::lock_guard lock(mutex_);
        return live_.size();
    }
    [[nodiscard]] std::size_t streams() const { return streams_; }

private:
    [[nodiscard]] std::vector<std::shared_ptr<Exchange>> live() const {
        const std::lock_guard lock(mutex_);
        return {live_.begin(), live_.end()};
    }

    mutable std::mutex mutex_;
    std::condition_variable idle_;
    asio::io_context* io_;  // under mutex_, as is live_
    std::unordered_set<std::shared_ptr<Exchange>> live_{};
    BoundedExecutor& executor_;
    Clock& clock_;
    Logger& logger_;
    const std::size_t max_streams_;
    const Duration deadline_;
    std::atomic<std::thread::id> io_thread_{};
    // the rest belongs to the I/O thread
    std::deque<std::pair<SteadyTime, std::weak_ptr<Exchange>>> deadlines_{};
    std::atomic<std::size_t> streams_{0};
    bool draining_ = false;
};

}  // namespace opslab
