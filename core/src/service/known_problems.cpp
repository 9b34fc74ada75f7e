#include "service/known_problems.hpp"

#include "domain/told_problems.hpp"

#include <string>
#include <utility>

namespace opslab {

namespace {

std::vector<std::size_t> missing_in(
    const ProblemCatalogue& catalogue, const std::vector<std::string_view>& ids
) {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!catalogue.holds(ids[i])) {
            missing.push_back(i);
        }
    }
    return missing;
}

}  // namespace

Result<std::shared_ptr<const ProblemCatalogue>> KnownProblems::not_older_than(Duration age) {
    const std::lock_guard lock(mutex_);
    if (look_again_.exchange(false)) {
        read_at_.reset();
    }
    const auto now = clock_.steady();
    if (kept_ && read_at_ && now - *read_at_ <= age) {
        return kept_;
    }
    const auto workers = workers_.list(WorkerQuery{});
    if (!workers) {
        return fail(workers.error());
    }
    std::vector<CataloguedProblem> told;
    bool is_full = false;
    for (const auto& worker : *workers) {
        for (auto& problem : problems_of(worker)) {
            if (ProblemCatalogue::aiopslab().holds(problem.id)) {
                continue;
            }
            is_full = told.size() == kMaxTold;
            if (is_full) {
                break;
            }
            told.push_back(std::move(problem));
        }
    }
    if (is_full && !is_full_) {
        log(logger_,
            LogLevel::warning,
            "workers tell of more problems than are kept; the rest counts as unknown",
            {{"kept", std::to_string(kMaxTold)}});
    }
    is_full_ = is_full;
    kept_ =
        std::make_shared<const ProblemCatalogue>(ProblemCatalogue::aiopslab().with(std::move(told))
        );
    read_at_ = now;
    return kept_;
}

Result<std::shared_ptr<const ProblemCatalogue>> KnownProblems::all() {
    return not_older_than(kFresh);
}

Result<std::vector<std::size_t>> KnownProblems::unknown_among(
    const std::vector<std::string_view>& ids
) {
    // most ids are AIOpsLab's, and then nobody need be asked
    auto missing = missing_in(ProblemCatalogue::aiopslab(), ids);
    for (const auto age : {kKept, kFresh}) {
        if (missing.empty()) {
            break;
        }
        const auto known = not_older_than(age);
        if (!known) {
            return fail(known.error());
        }
        missing = missing_in(**known, ids);
    }
    return missing;
}

}  // namespace opslab
