#include "domain/told_problems.hpp"

#include "base/object_reader.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace opslab {

namespace {

constexpr const char* kMember = "problems";
constexpr std::size_t kMaxId = 255;
constexpr std::size_t kMaxWord = 63;
constexpr std::size_t kMaxNeeds = 16;

/// Words that filters and tables show: `hotel-reservation`.
bool is_plain_word(std::string_view text) {
    return !text.empty() && text.size() <= kMaxWord &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

std::string read_word(ObjectReader& reader, const char* key) {
    const auto word = reader.string(key, 1, kMaxWord);
    if (word && !is_plain_word(*word)) {
        reader.refuse(key, "must be of lower-case letters, digits and hyphens");
    }
    return word.value_or("");
}

std::vector<std::string> read_needs(ObjectReader& reader) {
    std::vector<std::string> needs;
    const Json* const given = reader.array("needs");
    if (given == nullptr) {
        return needs;
    }
    for (const auto& need : *given) {
        if (!need.is_string() || !is_plain_word(need.get_ref<const std::string&>()) ||
            needs.size() == kMaxNeeds) {
            reader.refuse(
                "needs",
                fmt::format("must be at most {} words of lower-case letters and digits", kMaxNeeds)
            );
            break;
        }
        needs.push_back(need.get<std::string>());
    }
    return needs;
}

/// Nothing where something is wrong with it, which is noted.
std::optional<CataloguedProblem> read_problem(
    const Json& entry, const std::string& pointer, std::vector<FieldError>& errors
) {
    const auto before = errors.size();
    ObjectReader reader(entry, pointer, errors);
    reader.require("id");
    CataloguedProblem problem;
    problem.id = reader.string("id", 1, kMaxId).value_or("");
    problem.task_type = read_word(reader, "task_type");
    problem.application = read_word(reader, "application");
    problem.deployment = read_word(reader, "deployment");
    problem.needs = read_needs(reader);
    if (errors.size() == before) {
        return problem;
    }
    // the first mistake of an entry tells enough
    errors.erase(errors.begin() + static_cast<std::ptrdiff_t>(before) + 1, errors.end());
    return std::nullopt;
}

Json stored(const CataloguedProblem& problem) {
    Json entry = {{"id", problem.id}};
    const auto put = [&entry](const char* key, const std::string& value) {
        if (!value.empty()) {
            entry[key] = value;
        }
    };
    put("task_type", problem.task_type);
    put("application", problem.application);
    put("deployment", problem.deployment);
    if (!problem.needs.empty()) {
        entry["needs"] = problem.needs;
    }
    return entry;
}

/// The array `problems` of what may be an object; null where there is none.
const Json* array_of(const Result<Json>& document) {
    if (!document || !document->is_object()) {
        return nullptr;
    }
    const auto given = document->find(kMember);
    return given != document->end() && given->is_array() ? &*given : nullptr;
}

std::vector<CataloguedProblem> readable_of(const Json& given) {
    std::vector<CataloguedProblem> problems;
    for (const auto& entry : given) {
        std::vector<FieldError> mistakes;
        if (problems.size() == kMaxToldProblems) {
            break;
        }
        if (auto problem = read_problem(entry, "", mistakes)) {
            problems.push_back(std::move(*problem));
        }
    }
    return problems;
}

bool is_pattern(std::string_view glob) {
    return glob.find_first_of("*?") != std::string_view::npos;
}

}  // namespace

void check_told_problems(
    const Json& problems, const std::string& pointer, std::vector<FieldError>& errors
) {
    if (problems.size() > kMaxToldProblems) {
        errors.push_back({pointer, fmt::format("must have at most {} problems", kMaxToldProblems)});
        return;
    }
    for (std::size_t i = 0; i < problems.size(); ++i) {
        static_cast<void>(read_problem(problems[i], fmt::format("{}/{}", pointer, i), errors));
    }
}

NewWorker with_new_problems_alone(NewWorker worker) {
    auto capabilities = parse_json(worker.capabilities_json);
    const Json* const told = array_of(capabilities);
    if (told == nullptr) {
        return worker;
    }
    Json kept = Json::array();
    std::set<std::string, std::less<>> ids;
    for (const auto& problem : readable_of(*told)) {
        if (!ProblemCatalogue::aiopslab().holds(problem.id) && ids.insert(problem.id).second) {
            kept.push_back(stored(problem));
        }
    }
    (*capabilities)[kMember] = std::move(kept);
    worker.capabilities_json = dump_json(*capabilities);
    return worker;
}

Result<DriverProblems> read_driver_problems(std::string_view text) {
    const auto document = parse_json(text);
    if (!document) {
        return fail(document.error());
    }
    const Json* const told = array_of(document);
    if (told == nullptr) {
        return fail(Errc::invalid_argument, "it is no object with an array \"problems\"");
    }
    Json problems = Json::array();
    for (const auto& problem : readable_of(*told)) {
        problems.push_back(stored(problem));
    }
    const auto left_out = told->size() - problems.size();
    return DriverProblems{.problems_json = dump_json(problems), .left_out = left_out};
}

NewWorker telling_of(NewWorker worker, const DriverProblems& problems) {
    auto capabilities = parse_json(worker.capabilities_json).value_or(Json::object());
    capabilities[kMember] = parse_json(problems.problems_json).value_or(Json::array());
    worker.capabilities_json = dump_json(capabilities);
    return worker;
}

std::vector<CataloguedProblem> problems_of(const Worker& worker) {
    const auto capabilities = parse_json(worker.capabilities_json);
    const Json* const told = array_of(capabilities);
    auto problems = told == nullptr ? std::vector<CataloguedProblem>{} : readable_of(*told);
    for (const auto& glob : worker.supported_problems) {
        if (!is_pattern(glob)) {
            problems.push_back({.id = glob});
        }
    }
    for (auto& problem : problems) {
        problem.told_by = worker.id.value;
    }
    return problems;
}

}  // namespace opslab
