#include <opslab/task_state.hpp>

#include <gmock/gmock.h>

#include <map>

namespace opslab {
namespace {

using ::testing::Eq;
using ::testing::UnorderedElementsAre;

TEST(TaskStateTable, TerminalStatusesRejectEveryEvent) {
    for (const auto status : kTaskStatuses) {
        if (!is_terminal(status)) {
            continue;
        }
        for (const auto event : kTaskEvents) {
            EXPECT_THAT(next_status(status, event), Eq(std::nullopt))
                << to_string(status) << " " << to_string(event);
        }
    }
}

TEST(TaskStateTable, OnlyPendingAndRunningCanBeLeft) {
    std::vector<TaskStatus> open;
    for (const auto status : kTaskStatuses) {
        if (!is_terminal(status)) {
            open.push_back(status);
        }
    }

    EXPECT_THAT(open, UnorderedElementsAre(TaskStatus::pending, TaskStatus::running));
}

TEST(TaskStateTable, EveryEventHasASource) {
    for (const auto event : kTaskEvents) {
        EXPECT_FALSE(sources_of(event).empty()) << to_string(event);
    }
}

TEST(TaskStateTable, OnlyAClaimStartsATask) {
    for (const auto& row : kTransitions) {
        EXPECT_THAT(row.to == TaskStatus::running, Eq(row.event == TaskEvent::claimed))
            << to_string(row.from) << " " << to_string(row.event);
    }
}

TEST(TaskStateTable, CancellingNeedsNoLease) {
    EXPECT_THAT(
        sources_of(TaskEvent::cancel_asked),
        UnorderedElementsAre(TaskStatus::pending, TaskStatus::running)
    );
    for (const auto& row : kTransitions) {
        if (row.event == TaskEvent::cancel_asked) {
            EXPECT_THAT(row.authority, Eq(Authority::anyone));
        }
    }
}

TEST(TaskStateTable, NamesReadBackAsTheSameStatus) {
    for (const auto status : kTaskStatuses) {
        EXPECT_THAT(task_status_from(to_string(status)), Eq(status));
    }
    EXPECT_THAT(task_status_from("queued"), Eq(std::nullopt));
}

}  // namespace
}  // namespace opslab
