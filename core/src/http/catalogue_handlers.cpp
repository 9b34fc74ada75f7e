#include "http/catalogue_handlers.hpp"

#include "base/json.hpp"
#include "http/request_fields.hpp"

#include <nlohmann/json.hpp>

namespace opslab {

namespace {

Json to_json(const CataloguedProblem& problem) {
    const auto known = [](const std::string& word) {
        return word.empty() ? Json(nullptr) : Json(word);
    };
    return {
        {"id", problem.id},
        {"task_type", known(problem.task_type)},
        {"application", known(problem.application)},
        {"deployment", known(problem.deployment)},
        {"needs", problem.needs},
        {"told_by", known(problem.told_by)},
    };
}

std::vector<std::string_view> views(const std::set<std::string, std::less<>>& words) {
    return {words.begin(), words.end()};
}

}  // namespace

void CatalogueHandlers::list(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto known = problems_.all();
    if (!known) {
        responder.fail(known.error());
        return;
    }
    const auto& catalogue = **known;
    RequestFields fields(request, params);
    const auto task_type = fields.word("task_type", views(catalogue.task_types()));
    const auto application = fields.word("app", views(catalogue.applications()));
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    Json found = Json::array();
    for (const auto& problem : catalogue.problems()) {
        if ((!task_type || problem.task_type == *task_type) &&
            (!application || problem.application == *application)) {
            found.push_back(to_json(problem));
        }
    }
    const auto total = found.size();
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"problems", std::move(found)},
            {"total", total},
            {"source", {{"repository", catalogue.source()}, {"commit", catalogue.commit()}}},
        })
    ));
}

}  // namespace opslab
