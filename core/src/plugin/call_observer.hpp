#pragma once

#include <opslab/time.hpp>

#include <string_view>

namespace opslab::plugin {

class CallWatch;

/// Told of every call into a plugin, for metrics. Threads: any. Must not throw.
class CallObserver {
public:
    CallObserver() = default;
    CallObserver(const CallObserver&) = delete;
    CallObserver& operator=(const CallObserver&) = delete;
    virtual ~CallObserver() = default;

    /// `plugin` is `storage-sqlite` or `runner-docker`; `call` a verb (`tasks.submit`, `start`).
    /// `ok` is false where the plugin or what is behind it failed, not where it answered that a
    /// thing does not exist or is in conflict.
    virtual void observe(
        std::string_view plugin, std::string_view call, Duration took, bool ok
    ) noexcept = 0;

    /// Where calls are watched while they are under way; null: nowhere.
    [[nodiscard]] virtual CallWatch* watch() noexcept { return nullptr; }
};

}  // namespace opslab::plugin
