#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// One problem of AIOpsLab's registry.
struct CataloguedProblem {
    std::string id{};
    std::string task_type{};
    std::string application{};
    std::string deployment{};          ///< kubernetes or docker
    std::vector<std::string> needs{};  ///< what its fault needs besides, such as chaos-mesh
};

/// The table of AIOpsLab's problems, generated from its sources at one commit and built in.
/// Threads: immutable, all calls from any.
class ProblemCatalogue {
public:
    /// Read at the first call, kept for ever.
    [[nodiscard]] static const ProblemCatalogue& aiopslab();

    /// Reads a table as drivers/aiopslab/problems.json has it. Throws where it is none: it is part
    /// of the build.
    explicit ProblemCatalogue(std::string_view table);

    [[nodiscard]] bool holds(std::string_view id) const { return ids_.contains(id); }
    /// In the registry's order.
    [[nodiscard]] const std::vector<CataloguedProblem>& problems() const { return problems_; }
    [[nodiscard]] const std::string& source() const { return source_; }
    [[nodiscard]] const std::string& commit() const { return commit_; }

    /// The values of `application` and `task_type`, in order.
    [[nodiscard]] const std::set<std::string, std::less<>>& applications() const {
        return applications_;
    }
    [[nodiscard]] const std::set<std::string, std::less<>>& task_types() const {
        return task_types_;
    }

private:
    std::string source_{};
    std::string commit_{};
    std::vector<CataloguedProblem> problems_{};
    std::set<std::string, std::less<>> ids_{};
    std::set<std::string, std::less<>> applications_{};
    std::set<std::string, std::less<>> task_types_{};
};

}  // namespace opslab
