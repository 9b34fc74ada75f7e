#include "remote/answers.hpp"

#include "domain/task_codec.hpp"
#include "domain/worker_codec.hpp"
#include "fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

/// What a coordinator (or a proxy in its place) answers to a worker. Promised: it is understood or
/// an error that says so; what was understood, shown and read again, is the same; an error's answer
/// gives words whatever it holds.
namespace opslab::fuzz {
namespace {

void check_task_answer(const Json& answer, std::string_view input) {
    const auto task = read_task(answer);
    if (!task) {
        require(task.error().code == Errc::unavailable, "a strange answer is no one's fault");
        return;
    }
    const auto again = read_task(to_json(*task));
    require(again && *again == *task, "a task, shown and read, is the same", input);
}

void answers(std::string_view input) {
    for (const long status : {400L, 401L, 404L, 409L, 500L, 503L}) {
        const auto error = read_error(status, std::string(input));
        require(!error.message.empty(), "an error has words", input);
    }
    const auto answer = parse_json(input, kMaxAnswerDepth);
    if (!answer) {
        return;
    }
    check_task_answer(*answer, input);
    if (const auto worker = read_worker(*answer)) {
        const auto again = read_worker(to_json(*worker));
        require(again && again->id == worker->id, "a worker, shown and read, is the same", input);
    }
    static_cast<void>(read_heartbeat(*answer));
    static_cast<void>(read_receipt(*answer));
    static_cast<void>(read_running(*answer));
    if (const auto claimed = read_claimed(*answer)) {
        for (const auto& attempt : *claimed) {
            require(!attempt.task.id.value.empty(), "a claimed task has an id", input);
        }
    }
}

const Registration kAnswers{"answers", answers};

}  // namespace
}  // namespace opslab::fuzz
