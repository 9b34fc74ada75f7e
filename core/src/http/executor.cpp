#include "http/executor.hpp"

#include <pthread.h>

#include <exception>
#include <utility>

namespace opslab {

BoundedExecutor::BoundedExecutor(std::size_t threads, std::size_t capacity, Logger& logger)
    : capacity_(capacity), logger_(logger) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { work(); });
        pthread_setname_np(threads_.back().native_handle(), "http-exec");
    }
}

BoundedExecutor::~BoundedExecutor() {
    stop();
}

bool BoundedExecutor::post(Job& job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_ || jobs_.size() >= capacity_) {
            return false;
        }
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

bool BoundedExecutor::post_admitted(Job job) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) {
            return false;
        }
        admitted_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void BoundedExecutor::stop() {
    std::deque<Job> dropped;
    std::deque<Job> dropped_admitted;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        dropped.swap(jobs_);
        dropped_admitted.swap(admitted_);
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
        if (thread.joinable()) {
            thread.join();
        }
    }
}

std::size_t BoundedExecutor::queued() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size() + admitted_.size();
}

BoundedExecutor::Job BoundedExecutor::take() {
    const bool admitted = jobs_.empty() || (turn_of_admitted_ && !admitted_.empty());
    auto& queue = admitted ? admitted_ : jobs_;
    turn_of_admitted_ = !admitted;
    auto job = std::move(queue.front());
    queue.pop_front();
    return job;
}

void BoundedExecutor::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return stopped_ || !jobs_.empty() || !admitted_.empty(); });
        if (stopped_) {
            return;
        }
        auto job = take();
        lock.unlock();
        try {
            job();
        } catch (const std::exception& error) {
            log(logger_, LogLevel::error, "executor job threw", {{"what", error.what()}});
        } catch (...) {
            log(logger_, LogLevel::error, "executor job threw");
        }
        job = nullptr;
        lock.lock();
    }
}

}  // namespace opslab
