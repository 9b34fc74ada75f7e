#include "daemon/embedded_pool.hpp"

#include "base/json.hpp"
#include "domain/worker_codec.hpp"
#include "worker/backoff.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

/// Between tries while the storage cannot tell which ids are free.
constexpr Duration kFirstTry = std::chrono::milliseconds{200};
constexpr Duration kLongestTry = std::chrono::seconds{5};

}  // namespace

EmbeddedPool::EmbeddedPool(
    WorkerService& workers,
    std::map<std::string, Runner*> runners,
    Clock& clock,
    Logger& logger,
    Settings settings
)
    : clock_(clock),
      logger_(logger),
      settings_(std::move(settings)),
      runners_(std::move(runners)),
      port_(workers) {
    for (const auto& group : settings_.groups) {
        for (int i = 0; i < group.count; ++i) {
            missing_.push_back(group);
        }
    }
}

EmbeddedPool::~EmbeddedPool() {
    drain(SteadyTime::min());
}

NewWorker EmbeddedPool::identity(const Group& group, WorkerId id) const {
    const Json capabilities = {
        {"max_parallel_tasks", group.slots}, {"supported_problems", group.supported_problems}};
    return NewWorker{
        .id = std::move(id),
        .backend_type = group.runner,
        .max_parallel_tasks = group.slots,
        .supported_problems = group.supported_problems,
        .capabilities_json = dump_json(capabilities),
        .metadata_json = settings_.metadata_json,
    };
}

// The lowest number that is neither in use here nor another coordinator's.
Result<WorkerId> EmbeddedPool::free_id(const Group& group) const {
    for (int number = 1;; ++number) {
        auto id = make_worker_id(number, group.runner);
        const bool here = std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
            return member.loop->id() == id;
        });
        if (here) {
            continue;
        }
        const auto taken = settings_.take_id ? settings_.take_id(identity(group, id)) : true;
        if (!taken) {
            return fail(taken.error());
        }
        if (*taken) {
            return id;
        }
    }
}

/// Makes the loops that are missing, as far as their ids can be told.
Status EmbeddedPool::add_missing() {
    while (!missing_.empty()) {
        auto id = free_id(missing_.front());
        if (!id) {
            return fail(std::move(id.error()));
        }
        add_member(missing_.front(), std::move(*id));
        missing_.erase(missing_.begin());
    }
    return {};
}

void EmbeddedPool::keep_adding() {
    if (!missing_.empty()) {
        adder_ = std::thread([this] { add_missing_until_all(); });
    }
}

void EmbeddedPool::add_missing_until_all() {
    Backoff backoff(kFirstTry, kLongestTry, settings_.metadata_json);
    std::unique_lock lock(mutex_);
    while (!stop_adding_) {
        const bool all = add_missing().has_value();
        start_all();
        if (all) {
            log(logger_, LogLevel::info, "the storage answers again; all embedded workers run");
            return;
        }
        const auto next = clock_.steady() + backoff.next();
        while (!stop_adding_ && clock_.steady() < next) {
            clock_.wait_until(lock, adding_, next);
        }
    }
}

void EmbeddedPool::stop_adding() {
    {
        const std::lock_guard lock(mutex_);
        stop_adding_ = true;
        adding_.notify_all();
    }
    if (adder_.joinable()) {
        adder_.join();
    }
    stop_adding_ = false;
}

void EmbeddedPool::add_member(const Group& group, WorkerId id) {
    auto notes = settings_.lease > Duration{0}
                     ? std::make_unique<LeaseNotes>(settings_.leases / id.value)
                     : nullptr;
    auto* const noted = notes.get();
    auto& runner = *runners_.at(group.runner);
    auto port = std::make_unique<TellingPort>(port_, runner, clock_, logger_);
    auto& told = *port;
    members_.push_back(
        {group,
         std::move(notes),
         std::move(port),
         std::make_unique<WorkerLoop>(
             told,
             runner,
             clock_,
             logger_,
             WorkerLoop::Settings{
                 .identity = identity(group, std::move(id)),
                 .runner_label = group.runner_label,
                 .heartbeat_interval = settings_.heartbeat_interval,
                 .stop_grace = group.stop_grace,
                 .max_log_bytes = group.max_log_bytes,
                 .lease = settings_.lease,
                 .notes = noted,
                 .crashes = settings_.crashes,
             }
         )}
    );
}

EmbeddedStatus EmbeddedPool::report() const {
    EmbeddedStatus status;
    for (const auto& member : members_) {
        status.loops.push_back(
            {member.loop->id(),
             member.group.runner,
             member.loop->running(),
             member.loop->slots(),
             member.loop->busy_slots()}
        );
    }
    std::sort(status.loops.begin(), status.loops.end(), [](const auto& a, const auto& b) {
        return a.id < b.id;
    });
    return status;
}

Result<EmbeddedStatus> EmbeddedPool::status() {
    const std::lock_guard lock(mutex_);
    return report();
}

void EmbeddedPool::start_all() {
    for (auto& member : members_) {
        if (!member.loop->running()) {
            member.loop->start();
        }
    }
}

Result<EmbeddedStatus> EmbeddedPool::start() {
    const std::lock_guard steering(steering_);
    stop_adding();
    const std::lock_guard lock(mutex_);
    const auto added = add_missing();
    start_all();
    if (!added) {
        log(logger_,
            LogLevel::warning,
            "which worker ids are free cannot be told; embedded workers wait for the storage",
            {{"error", added.error().message}, {"waiting", std::to_string(missing_.size())}});
        keep_adding();
    }
    return report();
}

Result<EmbeddedStatus> EmbeddedPool::stop() {
    drain(clock_.steady() + settings_.stop_wait);
    return status();
}

Result<EmbeddedStatus> EmbeddedPool::scale(int num_workers) {
    const std::lock_guard steering(steering_);
    stop_adding();
    std::vector<Member> leaving;
    {
        const std::lock_guard lock(mutex_);
        if (num_workers > 0 && runners_.empty()) {
            Error error{
                .code = Errc::invalid_argument,
                .message = "no runner is configured, so this coordinator can run no workers"};
            error.fields.push_back({"/num_workers", "must be 0 where no runner is configured"});
            return fail(std::move(error));
        }
        const auto wanted = static_cast<std::size_t>(num_workers);
        while (members_.size() > wanted) {
            leaving.push_back(std::move(members_.back()));
            members_.pop_back();
        }
        // without a `workers` entry the first runner serves, one slot each
        const Group group = settings_.groups.empty() && !runners_.empty()
                                ? Group{.runner = runners_.begin()->first}
                                : (settings_.groups.empty() ? Group{} : settings_.groups.front());
        auto before = std::exchange(missing_, std::vector<Group>(wanted - members_.size(), group));
        if (const auto added = add_missing(); !added) {
            missing_ = std::move(before);
            keep_adding();
            return fail(added.error());
        }
        start_all();
    }
    stop_members(leaving, clock_.steady() + settings_.stop_wait);
    leaving.clear();
    return status();
}

void EmbeddedPool::drain(SteadyTime deadline) {
    const std::lock_guard steering(steering_);
    stop_adding();
    std::vector<Member> members;
    {
        const std::lock_guard lock(mutex_);
        members.swap(members_);
    }
    stop_members(members, deadline);
    const std::lock_guard lock(mutex_);
    // loops run once: each gets a successor of the same id, ready to be started
    for (const auto& member : members) {
        add_member(member.group, member.loop->id());
    }
}

void EmbeddedPool::stop_members(std::vector<Member>& members, SteadyTime deadline) {
    for (auto& member : members) {
        if (member.loop->running()) {
            member.loop->drain();
        }
    }
    for (auto& member : members) {
        if (member.loop->running() && !member.loop->wait_until_idle(deadline)) {
            log(logger_,
                LogLevel::warning,
                "worker stops with tasks still running; its successor picks them up",
                {{"worker", member.loop->id().value}});
        }
        member.loop->stop();
    }
}

}  // namespace opslab
