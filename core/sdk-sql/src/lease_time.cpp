#include "lease_time.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>

namespace opslab::sql {

namespace {

/// Far more than clocks are slewed by.
constexpr Duration kStep = std::chrono::seconds{1};

}  // namespace

Timestamp LeaseTime::now(Session& session) {
    if (!clock_.is_system()) {
        return clock_.now();
    }
    const auto asked = clock_.steady();
    const auto answer = session.row("storage.now", nlohmann::json::object()).at("now");
    if (answer.is_null()) {
        return started_ + (clock_.steady() - started_at_);
    }
    const auto there = from_micros(answer.get<std::int64_t>());
    compare(asked, there, clock_.steady());
    return there;
}

void LeaseTime::compare(SteadyTime asked, Timestamp there, SteadyTime answered) {
    const auto since_epoch = there.time_since_epoch();
    const Lead lead{
        since_epoch - answered.time_since_epoch(), since_epoch - asked.time_since_epoch()};
    Duration step{0};
    {
        const std::scoped_lock guard{mutex_};
        if (lead_ && lead.least > lead_->most + kStep) {
            step = lead.least - lead_->most;
        } else if (lead_ && lead.most < lead_->least - kStep) {
            step = lead.most - lead_->least;
        }
        lead_ = lead;
        if (step != Duration{0}) {
            set_at_ = answered;
        }
    }
    if (step != Duration{0}) {
        log(logger_,
            LogLevel::warning,
            "the clock of the database jumped; leases get one more time-out",
            {{"seconds",
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(step).count())}});
    }
}

bool LeaseTime::settled(Duration length) const {
    const std::scoped_lock guard{mutex_};
    return !set_at_ || clock_.steady() - *set_at_ >= length;
}

bool LeaseTime::is_shared() const {
    const std::scoped_lock guard{mutex_};
    return lead_.has_value();
}

}  // namespace opslab::sql
