#include "verbs.hpp"

#include <algorithm>
#include <limits>

/// One page of tasks at a cost that does not grow with the history: the kept counts say which index
/// has the fewest rows to read, and most totals are kept too.
namespace opslab::sql {

namespace {

struct SortName {
    const char* name;
    bool up;
    bool by_priority;
};

SortName sort_name(TaskSort sort) {
    switch (sort) {
        case TaskSort::created_up:
            return {"created_up", true, false};
        case TaskSort::priority_up:
            return {"priority_up", true, true};
        case TaskSort::priority_down:
            return {"priority_down", false, true};
        case TaskSort::created_down:
            break;
    }
    return {"created_down", false, false};
}

Json page_parameter(const TaskQuery& query, bool up) {
    Json parameter{
        {"status", query.status ? Json(to_string(*query.status)) : Json()},
        {"problem_id", text_or_null(query.problem_id)},
        {"worker_id", id_or_null(query.worker_id)},
        {"backend_type", text_or_null(query.backend_type)},
        {"group_id", text_or_null(query.group_id)},
        {"limit", query.limit + 1},
        {"offset", query.after ? 0 : query.offset}};
    // the first page goes on from beyond any row
    using Limits = std::numeric_limits<std::int64_t>;
    parameter["value"] = query.after ? query.after->value : (up ? Limits::min() : Limits::max());
    parameter["id"] = query.after ? query.after->id.value : std::string{};
    return parameter;
}

std::int64_t pick(const StatusCounts& counts, const std::optional<TaskStatus>& status) {
    if (!status) {
        return counts.pending + counts.running + counts.completed + counts.failed + counts.timeout +
               counts.cancelled;
    }
    switch (*status) {
        case TaskStatus::pending:
            return counts.pending;
        case TaskStatus::running:
            return counts.running;
        case TaskStatus::completed:
            return counts.completed;
        case TaskStatus::failed:
            return counts.failed;
        case TaskStatus::timeout:
            return counts.timeout;
        case TaskStatus::cancelled:
            return counts.cancelled;
    }
    return 0;
}

/// An index that a page can be read from.
struct Way {
    const char* statement = nullptr;  ///< the part of its name that says which
    std::int64_t rows = 0;            ///< tasks in it that its filter lets through
};

/// What the kept counts say of a query.
class Outlines {
public:
    Outlines(Session& session, const TaskQuery& query) : status_(query.status) {
        Json wanted = Json::array();
        const auto want = [&](const char* scope, const std::optional<std::string>& name) {
            if (name) {
                wanted.push_back(Json{{"scope", scope}, {"name", *name}});
            }
        };
        want("all", "");
        want("group", query.group_id);
        want(
            "holder",
            query.worker_id ? std::optional(query.worker_id->value) : std::optional<std::string>{}
        );
        want("problem", query.problem_id);
        want("backend", query.backend_type);
        std::map<std::string, StatusCounts> kept;
        for (const auto& row : session.rows("count.some", Json{{"rows", wanted}})) {
            kept[row.at("scope").get<std::string>()] = status_counts(row);
        }
        all_ = pick(kept["all"], std::nullopt);
        of_status_ = matches_ = pick(kept["all"], status_);
        for (const auto& one : wanted) {
            const auto scope = one.at("scope").get<std::string>();
            if (scope != "all") {
                filters_.push_back({statement_of(scope), pick(kept[scope], std::nullopt)});
                matches_ = std::min(matches_, pick(kept[scope], status_));
            }
        }
    }

    /// No more tasks than these pass all filters; exact unless several filters are given.
    [[nodiscard]] std::int64_t matches() const { return matches_; }
    [[nodiscard]] bool exact() const { return filters_.size() <= 1; }

    /// The way with the fewest rows to read for `wanted` of them in order.
    [[nodiscard]] Way cheapest(bool by_priority, std::int64_t wanted) const {
        const auto share = [&](std::int64_t rows) {
            return std::min<double>(
                static_cast<double>(rows),
                static_cast<double>(wanted) * static_cast<double>(rows) /
                    static_cast<double>(std::max<std::int64_t>(matches_, 1))
            );
        };
        Way best{"any", all_};
        double cost = share(all_);
        const auto consider = [&](Way way) {
            // by priority all of its rows are read and sorted
            const double its = by_priority ? 2 * static_cast<double>(way.rows) : share(way.rows);
            if (its <= cost) {
                best = way;
                cost = its;
            }
        };
        if (status_) {
            consider({"status", of_status_});
        }
        std::for_each(filters_.begin(), filters_.end(), consider);
        return best;
    }

    /// The narrowest filter, to count with; there is one at least.
    [[nodiscard]] Way narrowest() const {
        const auto way =
            *std::min_element(filters_.begin(), filters_.end(), [](const Way& a, const Way& b) {
                return a.rows < b.rows;
            });
        return status_ && of_status_ < way.rows ? Way{"status", of_status_} : way;
    }

private:
    static const char* statement_of(const std::string& scope) {
        return scope == "holder"    ? "worker"
               : scope == "group"   ? "group"
               : scope == "problem" ? "problem"
                                    : "backend";
    }

    std::optional<TaskStatus> status_;
    std::int64_t all_ = 0;
    std::int64_t of_status_ = 0;
    std::int64_t matches_ = 0;
    std::vector<Way> filters_;
};

}  // namespace

Result<TaskPage> SqlTaskStore::list(const TaskQuery& query) {
    return parts_.database.read([&](Session& session) {
        TaskPage page;
        const Outlines outlines{session, query};
        page.total = outlines.matches();
        if (page.total == 0) {
            return page;
        }
        const auto sort = sort_name(query.sort);
        const auto parameter = page_parameter(query, sort.up);
        const auto reach = parameter.at("offset").get<std::int64_t>() + query.limit + 1;
        const auto way = outlines.cheapest(sort.by_priority, reach);
        std::vector<TaskId> ids;
        const auto statement = std::string("task.page_") + way.statement + "_" + sort.name;
        for (const auto& row : session.rows(statement, parameter)) {
            ids.emplace_back(row.get<std::string>());
        }
        page.more = ids.size() > static_cast<std::size_t>(query.limit);
        if (page.more) {
            ids.pop_back();
        }
        const auto tasks = load_tasks(session, ids);
        for (const auto& id : ids) {
            page.tasks.push_back(tasks.at(id).task);
        }
        if (!outlines.exact()) {
            const auto count = std::string("task.count_") + outlines.narrowest().statement;
            page.total = session.row(count, parameter).at("total").get<std::int64_t>();
        }
        return page;
    });
}

}  // namespace opslab::sql
