#pragma once

#include "task.hpp"

namespace simulated {

/// Where OPSLAB_SIMULATED_JOURNAL names a file, appends `start TASK ATTEMPT PID MONOTONIC_NS` to it
/// in one write, and before it a line `overlap …` if another run of the same task lives at this
/// moment. That is known by a lock on the file, which goes with the process.
void begin_journal(const Task& task);

/// Appends `end …`. The run counts as alive until the process is gone.
void end_journal(const Task& task);

}  // namespace simulated
