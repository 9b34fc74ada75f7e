#pragma once

#include "worker/plugin_crash.hpp"

#include <opslab/logger.hpp>

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace opslab::daemon {

/// Tells a start after a kill from one after an orderly stop: a file `running.N` that is there, and
/// locked, as long as the process is at work. Beside it `crash.N` takes which plugin crashed it,
/// and keeps that until an orderly stop. One at a time in a process. Threads: one.
class RunMark {
public:
    /// Several processes may use one `folder`, which is made where it is missing. Where no file can
    /// be made (a full disk) there is no mark, and the next start can tell nothing.
    [[nodiscard]] static RunMark leave(const std::filesystem::path& folder);

    RunMark(RunMark&& other) noexcept;
    RunMark& operator=(RunMark&& other) noexcept;
    RunMark(const RunMark&) = delete;
    RunMark& operator=(const RunMark&) = delete;
    /// Removes the file: the stop was orderly.
    ~RunMark();

    /// Whether a process that was at work there ended without removing its mark.
    [[nodiscard]] bool predecessor_was_killed() const { return predecessor_was_killed_; }
    /// The calls into plugins that ended processes here since the last orderly stop.
    [[nodiscard]] const PluginCrashes& crashes() const { return crashes_; }
    /// Says so where it was. `who`: coordinator or worker.
    void tell_of_killed(
        std::string_view who, Logger& logger, std::initializer_list<LogField> fields = {}
    ) const;

private:
    RunMark() = default;
    void read_crashes(const std::filesystem::path& file);
    void keep_crashes();

    int lock_ = -1;
    std::filesystem::path file_{};
    bool predecessor_was_killed_ = false;
    bool predecessor_crashed_ = false;  // by the last of them
    PluginCrashes crashes_{};
    std::filesystem::path crash_file_{};
    int crash_ = -1;
};

}  // namespace opslab::daemon
