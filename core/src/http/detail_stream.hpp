#pragma once

#include "http/message.hpp"
#include "http/piece_buffer.hpp"
#include "service/task_service.hpp"

#include <opslab/ids.hpp>

#include <string>

namespace opslab {

/// A task in detail with all of its logs, as one JSON object, with a page of logs in memory at a
/// time. Cut off where the storage fails on the way.
class DetailStream final : public StreamSource {
public:
    /// `detail` is the task's JSON object without logs.
    DetailStream(TaskService& tasks, TaskId task, std::string detail);

    void start(StreamWaker waker) override;
    [[nodiscard]] StreamStep next() override;

private:
    [[nodiscard]] Status read_page();

    TaskService& tasks_;
    LogQuery query_;
    PieceBuffer pending_;
    bool any_ = false;
    bool done_ = false;
};

}  // namespace opslab
