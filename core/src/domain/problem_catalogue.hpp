#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// One problem: of AIOpsLab's registry, or one that a worker told of.
struct CataloguedProblem {
    std::string id{};
    std::string task_type{};           ///< empty: the worker did not say
    std::string application{};         ///< empty: the worker did not say
    std::string deployment{};          ///< kubernetes or docker; empty: the worker did not say
    std::vector<std::string> needs{};  ///< what its fault needs besides, such as chaos-mesh
    std::string told_by{};             ///< the first worker that told of it; empty: built in

    bool operator==(const CataloguedProblem&) const = default;
};

/// What problems there are: the table of AIOpsLab's, generated from its sources at one commit and
/// built in, and behind it what workers told of. Threads: immutable, all calls from any.
class ProblemCatalogue {
public:
    /// Read at the first call, kept for ever.
    [[nodiscard]] static const ProblemCatalogue& aiopslab();

    /// Reads a table as drivers/aiopslab/problems.json has it. Throws where it is none: it is part
    /// of the build.
    explicit ProblemCatalogue(std::string_view table);

    /// This one with those of `told` that it does not hold, the first of equal ids. What it holds
    /// stays as it is: nobody changes the table from outside.
    [[nodiscard]] ProblemCatalogue with(std::vector<CataloguedProblem> told) const;

    [[nodiscard]] bool holds(std::string_view id) const { return ids_.contains(id); }
    /// In the registry's order, then as told.
    [[nodiscard]] const std::vector<CataloguedProblem>& problems() const { return problems_; }
    [[nodiscard]] const std::string& source() const { return source_; }
    [[nodiscard]] const std::string& commit() const { return commit_; }

    /// The values of `application` and `task_type` that there are, in order.
    [[nodiscard]] const std::set<std::string, std::less<>>& applications() const {
        return applications_;
    }
    [[nodiscard]] const std::set<std::string, std::less<>>& task_types() const {
        return task_types_;
    }

private:
    void add(CataloguedProblem problem);

    std::string source_{};
    std::string commit_{};
    std::vector<CataloguedProblem> problems_{};
    std::set<std::string, std::less<>> ids_{};
    std::set<std::string, std::less<>> applications_{};
    std::set<std::string, std::less<>> task_types_{};
};

}  // namespace opslab
