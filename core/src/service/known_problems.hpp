#pragma once

#include "domain/problem_catalogue.hpp"
#include "service/change_hub.hpp"

#include <opslab/logger.hpp>
#include <opslab/storage.hpp>
#include <opslab/time.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace opslab {

/// What problems there are for all coordinators on one storage: the table that is built in, and
/// what the registered workers tell of, offline ones too until they are forgotten. Kept in memory:
/// ids that are known cost a read of the workers a minute, others one a second at most.
/// Threads: all calls from any; a read blocks those that want the same.
class KnownProblems {
public:
    /// How old an answer may be: a worker that registered elsewhere is seen within this.
    static constexpr Duration kFresh = std::chrono::seconds{1};
    /// How long an id that was known counts as known.
    static constexpr Duration kKept = std::chrono::minutes{1};
    /// Of all workers; what is beyond is left out, with a warning.
    static constexpr std::size_t kMaxTold = 10'000;

    /// All of it outlives this.
    KnownProblems(WorkerStore& workers, ChangeHub& hub, Clock& clock, Logger& logger)
        : workers_(workers),
          clock_(clock),
          logger_(logger),
          enrolled_(hub.on_worker_enrolled([this] { look_again_ = true; })) {}

    /// Those of AIOpsLab in its order, then those that workers tell of by the workers' ids. Errors:
    /// the storage's.
    [[nodiscard]] Result<std::shared_ptr<const ProblemCatalogue>> all();

    /// Those of `ids` that nobody knows, by their place, in order. Errors: the storage's, where it
    /// had to be asked.
    [[nodiscard]] Result<std::vector<std::size_t>> unknown_among(
        const std::vector<std::string_view>& ids
    );

private:
    [[nodiscard]] Result<std::shared_ptr<const ProblemCatalogue>> not_older_than(Duration age);

    WorkerStore& workers_;
    Clock& clock_;
    Logger& logger_;
    std::atomic<bool> look_again_{false};  // a worker has registered here
    std::mutex mutex_{};
    std::shared_ptr<const ProblemCatalogue> kept_{};  // null: never read
    std::optional<SteadyTime> read_at_{};             // none: read before the next answer
    bool is_full_ = false;                            // and that was said
    ChangeHub::Subscription enrolled_;
};

}  // namespace opslab
