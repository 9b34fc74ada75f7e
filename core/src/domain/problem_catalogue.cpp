#include "domain/problem_catalogue.hpp"

#include "problems_json.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

const ProblemCatalogue& ProblemCatalogue::aiopslab() {
    static const ProblemCatalogue kTable{k_problems_json};
    return kTable;
}

ProblemCatalogue::ProblemCatalogue(std::string_view table) {
    const auto document = nlohmann::json::parse(table);
    document.at("source").get_to(source_);
    document.at("commit").get_to(commit_);
    for (const auto& entry : document.at("problems")) {
        CataloguedProblem problem;
        entry.at("id").get_to(problem.id);
        entry.at("task_type").get_to(problem.task_type);
        entry.at("application").get_to(problem.application);
        entry.at("deployment").get_to(problem.deployment);
        entry.at("needs").get_to(problem.needs);
        add(std::move(problem));
    }
}

void ProblemCatalogue::add(CataloguedProblem problem) {
    if (!ids_.insert(problem.id).second) {
        return;
    }
    if (!problem.application.empty()) {
        applications_.insert(problem.application);
    }
    if (!problem.task_type.empty()) {
        task_types_.insert(problem.task_type);
    }
    problems_.push_back(std::move(problem));
}

ProblemCatalogue ProblemCatalogue::with(std::vector<CataloguedProblem> told) const {
    auto all = *this;
    for (auto& problem : told) {
        all.add(std::move(problem));
    }
    return all;
}

}  // namespace opslab
