#pragma once

#include "worker/lease_notes.hpp"

#include <opslab/error.hpp>
#include <opslab/ids.hpp>
#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/time.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::daemon {

/// What the guard of leases (lease_guard.hpp) does at each of its looks: reads the notes of all
/// workers, and ends the runs whose time is over. Threads: one.
class LeaseWatch {
public:
    /// Opens a runner that `Knows` knows, at the first of its runs that must be ended. Where that
    /// fails it is tried again.
    using OpenRunner = std::function<Result<std::unique_ptr<Runner>>(const std::string& name)>;
    /// Whether some runner has that name here.
    using Knows = std::function<bool(const std::string& name)>;

    /// How long after the end of its lease a run is still tried to be ended where its worker's
    /// process is gone, so that nobody tries for ever.
    static constexpr Duration kPatience = std::chrono::minutes{10};

    /// `folder` holds a folder of notes for each worker.
    LeaseWatch(
        std::filesystem::path folder, Knows knows, OpenRunner open, Clock& clock, Logger& logger
    );

    /// Ends what has lapsed. True where something is left that is worth waiting for: a run whose
    /// time is not over, or one that could not be ended and has not used up `kPatience`. A note of
    /// a runner that is not known here is left to those who know it, and said once.
    bool look();

    /// How long the next look may wait: 1 to 250 ms.
    [[nodiscard]] std::chrono::milliseconds pause() const;

private:
    struct Run {
        WorkerId worker{};
        std::string run_id{};
        auto operator<=>(const Run&) const = default;
    };
    /// A run whose time is over.
    struct Lapsed {
        LeaseNotes::Note note{};
        SteadyTime since{};
        SteadyTime next_try{};
        Duration wait{};     ///< before the next try but one
        std::string said{};  ///< what its last failure was called
        bool done = false;
    };
    using Entry = std::pair<const Run, Lapsed>;

    /// True where a note's time is to come.
    bool read_notes(SteadyTime now);
    void end_due(SteadyTime now);
    [[nodiscard]] bool take(Entry& entry, Runner*& runner);
    void end_run(Runner& runner, Entry& entry);
    void failed(Entry& entry, std::string_view message, const std::string& error);
    Result<Runner*> runner_of(const std::string& name);

    std::filesystem::path folder_;
    Knows knows_;
    OpenRunner open_runner_;
    Clock& clock_;
    Logger& logger_;
    std::map<std::string, std::unique_ptr<Runner>> open_;  // by name
    std::map<Run, Lapsed> lapsed_;
    std::set<WorkerId> strangers_;  // named in the log
    SteadyTime next_ = SteadyTime::max();
};

}  // namespace opslab::daemon
