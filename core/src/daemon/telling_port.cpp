#include "daemon/telling_port.hpp"

#include <utility>

namespace opslab {

void TellingPort::complain(const WorkerId& worker, const std::string& why) {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(complaint_, why) == why) {
            return;
        }
    }
    log(logger_,
        LogLevel::warning,
        "what problems the driver can play is not known in full; GET /problems lists the rest",
        {{"worker", worker.value}, {"error", why}});
}

/// Nothing where it is not known.
std::optional<DriverProblems> TellingPort::look(const WorkerId& worker) {
    {
        const std::lock_guard lock(mutex_);
        looked_at_ = clock_.steady();
    }
    const auto said = runner_.problems(worker);
    if (!said) {
        complain(worker, said.error().message);
        return std::nullopt;
    }
    if (!*said) {
        return std::nullopt;
    }
    auto problems = read_driver_problems(**said);
    if (!problems) {
        complain(worker, "the driver's table of problems: " + problems.error().message);
        return std::nullopt;
    }
    if (problems->left_out > 0) {
        complain(
            worker,
            std::to_string(problems->left_out) +
                " entries of the driver's table of problems are wrong or too many"
        );
    }
    return std::move(*problems);
}

Result<Worker> TellingPort::enroll(const NewWorker& worker) {
    const auto problems = look(worker.id);
    auto enrolled = port_.enroll(problems ? telling_of(worker, *problems) : worker);
    if (enrolled) {
        const std::lock_guard lock(mutex_);
        identity_ = worker;
        told_ = problems ? problems->problems_json : std::string();
        is_released_ = false;
    }
    return enrolled;
}

void TellingPort::tell_what_changed(const WorkerId& worker) {
    {
        const std::lock_guard lock(mutex_);
        if (!identity_ || is_released_ ||
            (looked_at_ && clock_.steady() - *looked_at_ < kLookAgain)) {
            return;
        }
    }
    const auto problems = look(worker);
    if (!problems) {
        return;  // what was true of the driver may be true still
    }
    {
        const std::lock_guard lock(mutex_);
        if (problems->problems_json == told_) {
            return;
        }
    }
    // registering drops the orders to stop tasks, so there must be none
    const auto running = port_.running(worker);
    if (!running || !running->empty()) {
        return;
    }
    // under the lock: a released worker must not be made to claim again
    const std::lock_guard lock(mutex_);
    if (is_released_ || !port_.enroll(telling_of(*identity_, *problems))) {
        return;
    }
    told_ = problems->problems_json;
    log(logger_,
        LogLevel::info,
        "the driver can play other problems than before; the coordinator knows",
        {{"worker", worker.value}});
}

Result<std::vector<ClaimedTask>> TellingPort::claim(const ClaimRequest& request, Duration wait) {
    tell_what_changed(request.worker);
    return port_.claim(request, wait);
}

void TellingPort::release(const WorkerId& worker) {
    {
        const std::lock_guard lock(mutex_);
        is_released_ = true;
    }
    port_.release(worker);
}

}  // namespace opslab
