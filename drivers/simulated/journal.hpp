#pragma once

#include "task.hpp"

namespace simulated {

/// Where OPSLAB_SIMULATED_JOURNAL names a file, appends `WHAT TASK ATTEMPT PID MONOTONIC_NS` to it
/// in one write: tests read from it which runs overlapped.
void write_journal(const char* what, const Task& task);

}  // namespace simulated
