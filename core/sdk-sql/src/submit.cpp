#include "verbs.hpp"

namespace opslab::sql {

namespace {

struct KnownKey {
    std::string fingerprint{};
    std::vector<TaskId> tasks{};
};
using KnownKeys = std::map<std::pair<std::string, std::string>, KnownKey>;

const char* name_of(KeySpace space) {
    return space == KeySpace::task ? "task" : "batch";
}

std::pair<std::string, std::string> place_of(const IdempotencyKey& key) {
    return {name_of(key.space), key.key};
}

bool has_nul(const std::optional<std::string>& text) {
    return text && text->find('\0') != std::string::npos;
}

// A NUL would be cut off silently on its way through SQL.
bool has_nul(const NewTask& task) {
    return has_nul(task.id.value) || has_nul(task.problem_id) || has_nul(task.backend_type) ||
           has_nul(task.group_id) || has_nul(task.parameters.agent_config_json) ||
           has_nul(task.parameters.metadata_json) || has_nul(task.parameters.callback_url) ||
           has_nul(task.origin.request_id) || has_nul(task.origin.traceparent);
}

Status check(const Submission& submission) {
    if (submission.tasks.size() > static_cast<std::size_t>(kMaxTasksPerSubmission)) {
        return fail(Errc::invalid_argument, "more than 1000 tasks in one submission");
    }
    for (const auto& task : submission.tasks) {
        if (has_nul(task)) {
            return fail(Errc::invalid_argument, "a task's text holds a NUL character");
        }
    }
    return {};
}

KnownKeys load_keys(Session& session, std::span<const Submission> submissions) {
    Json wanted = Json::array();
    for (const auto& submission : submissions) {
        if (submission.key) {
            wanted.push_back(Json{
                {"space", name_of(submission.key->space)}, {"key", submission.key->key}});
        }
    }
    KnownKeys known;
    for (const auto& row : run_over(session, "key.find", std::move(wanted))) {
        KnownKey key{.fingerprint = row.at("fingerprint").get<std::string>()};
        for (const auto& id : Json::parse(row.at("tasks").get<std::string>())) {
            key.tasks.emplace_back(id.get<std::string>());
        }
        known[{row.at("space").get<std::string>(), row.at("key").get<std::string>()}] =
            std::move(key);
    }
    return known;
}

std::vector<Task> accept(const Submission& submission, Changes& changes) {
    std::vector<Task> tasks;
    tasks.reserve(submission.tasks.size());
    auto at = changes.now();
    for (const auto& given : submission.tasks) {
        // ids need not rise; the order of creation must
        if (!tasks.empty() && given.id <= tasks.back().id) {
            at += Duration{1};
        }
        Task task;
        task.id = given.id;
        task.problem_id = given.problem_id;
        task.parameters = given.parameters;
        task.backend_type = given.backend_type;
        task.group_id = given.group_id;
        task.origin = given.origin;
        task.created_at = at;
        task.updated_at = at;
        changes.insert(task);
        tasks.push_back(std::move(task));
    }
    return tasks;
}

class Submitting {
public:
    Submitting(Session& session, Changes& changes, std::span<const Submission> submissions)
        : session_(session), changes_(changes), known_(load_keys(session, submissions)) {}

    Result<Submitted> one(const Submission& submission) {
        if (auto sane = check(submission); !sane) {
            return fail(std::move(sane.error()));
        }
        if (submission.key) {
            const auto found = known_.find(place_of(*submission.key));
            if (found != known_.end()) {
                return replay(found->second, *submission.key);
            }
        }
        if (submission.refusal) {
            return fail(*submission.refusal);
        }
        Submitted submitted{.replayed = false, .tasks = accept(submission, changes_)};
        if (submission.key) {
            remember(*submission.key, submitted.tasks);
        }
        for (const auto& task : submitted.tasks) {
            fresh_.emplace(task.id, task);
        }
        return submitted;
    }

    Json take_keys() { return std::move(keys_); }

private:
    Result<Submitted> replay(const KnownKey& known, const IdempotencyKey& key) {
        if (known.fingerprint != key.fingerprint) {
            return fail(Error{
                .code = Errc::conflict,
                .message = "the idempotency key was used before with another body",
                .reason = "idempotency_conflict"});
        }
        Submitted submitted{.replayed = true};
        const auto stored = load_tasks(session_, known.tasks);
        for (const auto& id : known.tasks) {
            const auto fresh = fresh_.find(id);  // of this very call: not written yet
            submitted.tasks.push_back(fresh == fresh_.end() ? stored.at(id).task : fresh->second);
        }
        return submitted;
    }

    void remember(const IdempotencyKey& key, const std::vector<Task>& tasks) {
        KnownKey known{.fingerprint = key.fingerprint};
        Json ids = Json::array();
        for (const auto& task : tasks) {
            known.tasks.push_back(task.id);
            ids.push_back(task.id.value);
        }
        keys_.push_back(Json{
            {"space", name_of(key.space)},
            {"key", key.key},
            {"fingerprint", key.fingerprint},
            {"tasks", ids.dump()}});
        known_[place_of(key)] = std::move(known);
    }

    Session& session_;
    Changes& changes_;
    KnownKeys known_;
    std::map<TaskId, Task> fresh_;
    Json keys_ = Json::array();
};

}  // namespace

Result<std::vector<Result<Submitted>>> SqlTaskStore::submit(std::span<const Submission> submissions
) {
    std::vector<Result<Submitted>> none;
    if (submissions.empty()) {
        return none;
    }
    return parts_.database.write([&](Session& session) {
        Changes changes{parts_.host.clock.now(), parts_.host.entropy};
        Submitting submitting{session, changes, submissions};
        std::vector<Result<Submitted>> answers;
        answers.reserve(submissions.size());
        for (const auto& submission : submissions) {
            answers.push_back(submitting.one(submission));
        }
        // first: another that uses the same key is waited for here, with nothing else locked
        run_over(session, "key.insert", submitting.take_keys());
        changes.flush(session);
        return answers;
    });
}

}  // namespace opslab::sql
