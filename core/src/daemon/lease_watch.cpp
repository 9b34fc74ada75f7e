#include "daemon/lease_watch.hpp"

#include "domain/worker_codec.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

namespace opslab::daemon {

namespace {

constexpr Duration kLookInterval = std::chrono::milliseconds{250};
constexpr Duration kLongestWait = std::chrono::seconds{10};

std::string runner_name(const WorkerId& worker) {
    const auto name = parse_worker_id(worker.value);
    return name ? name->backend_type : "";
}

}  // namespace

LeaseWatch::LeaseWatch(
    std::filesystem::path folder, Knows knows, OpenRunner open, Clock& clock, Logger& logger
)
    : folder_(std::move(folder)),
      knows_(std::move(knows)),
      open_runner_(std::move(open)),
      clock_(clock),
      logger_(logger) {}

bool LeaseWatch::look() {
    const auto now = clock_.steady();
    const bool some_to_come = read_notes(now);
    end_due(now);
    std::erase_if(lapsed_, [](const Entry& entry) { return entry.second.done; });
    return some_to_come || std::any_of(lapsed_.begin(), lapsed_.end(), [&](const Entry& entry) {
               return now - entry.second.since < kPatience;
           });
}

bool LeaseWatch::read_notes(SteadyTime now) {
    std::error_code error;
    bool some_to_come = false;
    next_ = SteadyTime::max();
    std::set<Run> over;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        const WorkerId worker{entry->path().filename().string()};
        for (auto& note : LeaseNotes(entry->path()).list()) {
            const Run run{worker, note.run_id};
            if (!knows_(runner_name(worker))) {
                if (strangers_.insert(worker).second) {
                    log(logger_,
                        LogLevel::warning,
                        "leases of a worker are not watched: its runner is not configured here",
                        {{"worker", worker.value}});
                }
            } else if (note.ended) {
                over.insert(run);
            } else if (note.until > now) {
                some_to_come = true;
                next_ = std::min(next_, note.until);
            } else {
                over.insert(run);
                lapsed_
                    .try_emplace(run, Lapsed{.since = now, .next_try = now, .wait = kLookInterval})
                    .first->second.note = std::move(note);
            }
        }
    }
    // a note that is gone or was renewed: its worker is at work again
    std::erase_if(lapsed_, [&](const Entry& entry) { return !over.contains(entry.first); });
    return some_to_come;
}

void LeaseWatch::end_due(SteadyTime now) {
    std::vector<std::thread> threads;
    for (auto& entry : lapsed_) {
        Runner* runner = nullptr;
        if (entry.second.next_try <= now && take(entry, runner)) {
            threads.emplace_back([this, runner, &entry] { end_run(*runner, entry); });
        }
    }
    for (auto& thread : threads) {
        thread.join();
    }
}

bool LeaseWatch::take(Entry& entry, Runner*& runner) {
    auto& [run, lapsed] = entry;
    // first the runner: a run that nobody here can end is left as it is
    const auto opened = runner_of(runner_name(run.worker));
    if (!opened) {
        failed(entry, "a lease ran out, and its runner cannot be opened", opened.error().message);
        return false;
    }
    runner = *opened;
    if (!lapsed.note.ended) {
        if (!LeaseNotes(folder_ / run.worker.value).take(lapsed.note)) {
            lapsed.done = true;  // gone or renewed, or another guard's
            return false;
        }
        lapsed.note.ended = true;
    }
    return true;
}

void LeaseWatch::end_run(Runner& runner, Entry& entry) {
    const Run& run = entry.first;
    Lapsed& lapsed = entry.second;
    const auto owned = runner.list_owned(run.worker);
    if (!owned) {
        failed(entry, "a lease ran out, and its run cannot be found", owned.error().message);
        return;
    }
    const auto found = std::find_if(owned->begin(), owned->end(), [&](const OwnedRun& one) {
        return one.run_id == run.run_id;
    });
    if (found == owned->end()) {
        lapsed.done = true;  // it never started, or is gone
        return;
    }
    const auto stopped = runner.stop(found->handle, std::chrono::milliseconds{0});
    if (!stopped) {
        failed(entry, "a lease ran out, and its run cannot be ended", stopped.error().message);
        return;
    }
    lapsed.done = true;
    log(logger_,
        LogLevel::warning,
        "a lease ran out and its worker did not end the run (is it frozen?); ended it",
        {{"worker", run.worker.value}, {"run", run.run_id}});
}

void LeaseWatch::failed(Entry& entry, std::string_view message, const std::string& error) {
    auto& [run, lapsed] = entry;
    lapsed.next_try = clock_.steady() + lapsed.wait;
    lapsed.wait = std::min(lapsed.wait * 2, kLongestWait);
    if (const auto all = std::string{message} + ": " + error; lapsed.said != all) {
        lapsed.said = all;
        log(logger_,
            LogLevel::error,
            message,
            {{"worker", run.worker.value}, {"run", run.run_id}, {"error", error}});
    }
}

Result<Runner*> LeaseWatch::runner_of(const std::string& name) {
    auto& open = open_[name];
    if (!open) {
        auto opened = open_runner_(name);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
        open = std::move(*opened);
    }
    return open.get();
}

std::chrono::milliseconds LeaseWatch::pause() const {
    const auto wait = std::clamp<Duration>(
        next_ == SteadyTime::max() ? kLookInterval : next_ - clock_.steady(),
        std::chrono::milliseconds{1},
        kLookInterval
    );
    return std::chrono::ceil<std::chrono::milliseconds>(wait);
}

}  // namespace opslab::daemon
