#pragma once

#include <opslab/error.hpp>
#include <opslab/time.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace opslab {

/// Until when the runs of one worker may live, in files that outlive it: a small process beside the
/// worker (the guard, daemon/lease_guard.hpp) reads them, and ends a run that nobody renewed,
/// though the worker may be frozen or dead. A file a run: `FOLDER/RUN_ID`; the guard renames it to
/// `RUN_ID.ended` before it ends the run, so that whoever finds the run dead knows why.
/// Times are of the machine's monotonic clock: good until it is started again, and then no run is
/// left either. Threads: any.
class LeaseNotes {
public:
    struct Note {
        std::string run_id{};
        SteadyTime until{};
        bool ended = false;  ///< the guard has ended it, or is about to
    };

    /// Makes nothing yet.
    explicit LeaseNotes(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Errors: `unavailable`. A note that is there is written over in place, which needs no room.
    [[nodiscard]] Status note(const std::string& run_id, SteadyTime until) const;
    /// For the guard: false where the note is gone or was renewed meanwhile.
    [[nodiscard]] bool take(const Note& lapsed) const;
    [[nodiscard]] bool ended(const std::string& run_id) const;
    void forget(const std::string& run_id) const;

    /// In no order; none where there is no folder.
    [[nodiscard]] std::vector<Note> list() const;

private:
    std::filesystem::path folder_;
};

}  // namespace opslab
