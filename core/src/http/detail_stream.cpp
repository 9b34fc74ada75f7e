#include "http/detail_stream.hpp"

#include "base/json.hpp"
#include "domain/task_codec.hpp"
#include "http/problem.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

namespace {

// an entry may hold a megabyte
constexpr int kPage = 50;

}  // namespace

DetailStream::DetailStream(TaskService& tasks, TaskId task, std::string detail) : tasks_(tasks) {
    query_.task = std::move(task);
    query_.limit = kPage;
    detail.pop_back();  // its closing brace
    pending_.add(detail);
    pending_.add(R"(,"logs":[)");
}

void DetailStream::start(StreamWaker /*waker*/) {}

Status DetailStream::read_page() {
    const auto logs = tasks_.logs(query_);
    if (!logs) {
        return fail(logs.error());
    }
    for (const auto& entry : *logs) {
        if (std::exchange(any_, true)) {
            pending_.add(",");
        }
        pending_.add(dump_json(to_json(entry)));
        query_.after_seq = entry.seq;
    }
    if (logs->size() < static_cast<std::size_t>(kPage)) {
        pending_.add("]}");
        done_ = true;
    }
    return {};
}

StreamStep DetailStream::next() {
    while (!done_ && pending_.size() < PieceBuffer::kPiece) {
        if (const auto read = read_page(); !read) {
            return StreamStep::abort(in_full(read.error()));
        }
    }
    auto piece = pending_.take();
    return done_ && pending_.empty() ? StreamStep::end(std::move(piece))
                                     : StreamStep::more(std::move(piece));
}

}  // namespace opslab
