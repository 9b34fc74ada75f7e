#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opslab::plugin {

/// What a thread is doing in a plugin, for the moment in which that ends the process: a plugin runs
/// within it, and a person must be able to tell which one it was.
class CrashNote {
public:
    /// Noted for this thread until the destructor; the one before comes back then. The texts must
    /// outlive this. Notes are taken back in the reverse order.
    CrashNote(std::string_view plugin, std::string_view doing);
    CrashNote(const CrashNote&) = delete;
    CrashNote& operator=(const CrashNote&) = delete;
    ~CrashNote();

private:
    std::string_view plugin_before_;
    std::string_view doing_before_;
};

/// What all threads are doing in plugins at this moment: `runner-docker: start`. Threads: any.
[[nodiscard]] std::vector<std::string> calls_under_way();

/// From now on a crash that is told on standard error is also written to `descriptor` (the signal,
/// the plugin and what it was doing, a line each); -1: no longer. Threads: one.
void keep_crashes(int descriptor);

/// From now on a deadly signal (SEGV, BUS, FPE, ILL, ABRT) writes a line to standard error that
/// names the plugin in which the thread was, before it ends the process as ever. Once, in main.
void name_plugins_in_crashes();

}  // namespace opslab::plugin
