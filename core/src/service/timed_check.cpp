#include "service/timed_check.hpp"

#include <utility>

namespace opslab {

TimedCheck::~TimedCheck() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
        given_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::vector<std::optional<RunnerStatus>> TimedCheck::ask(
    std::vector<TaskSpec> tasks, SteadyTime deadline
) {
    const auto count = tasks.size();
    const auto round = std::make_shared<Round>(Round{.tasks = std::move(tasks)});
    round->answers.resize(count);
    std::unique_lock lock(mutex_);
    if (paused_until_ && clock_.steady() < *paused_until_) {
        return round->answers;
    }
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { work(); });
    }
    rounds_.push_back(round);
    given_.notify_one();
    while (!round->is_done && clock_.steady() < deadline) {
        clock_.wait_until(lock, answered_, deadline);
    }
    if (round->is_done) {
        return std::move(round->answers);
    }
    round->is_given_up = true;
    paused_until_ = clock_.steady() + kPause;
    auto answers = round->answers;  // the thread may still be at the rest
    lock.unlock();
    log(logger_,
        LogLevel::warning,
        "a runner does not say in time whether it can run tasks; for now they are taken unasked",
        {{"runner", name_}});
    return answers;
}

void TimedCheck::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        given_.wait(lock, [this] { return is_stopping_ || !rounds_.empty(); });
        if (is_stopping_) {
            return;
        }
        const auto round = std::move(rounds_.front());
        rounds_.pop_front();
        answer(lock, *round);
    }
}

void TimedCheck::answer(std::unique_lock<std::mutex>& lock, Round& round) {
    for (std::size_t i = 0; i < round.tasks.size() && !round.is_given_up && !is_stopping_; ++i) {
        lock.unlock();
        auto status = runner_.check(round.tasks[i]);
        lock.lock();
        round.answers[i] = std::move(status);
    }
    round.is_done = true;
    answered_.notify_all();
}

}  // namespace opslab
