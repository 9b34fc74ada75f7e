#pragma once

#include "service/change_hub.hpp"

#include <opslab/storage.hpp>

namespace opslab {

/// Passes on what other coordinators of the same database changed to the parts of this one, as long
/// as it lives. A storage of one coordinator has nothing to pass on.
class PeerWakes final : public WakeSource::Listener {
public:
    PeerWakes(Storage& storage, ChangeHub& hub) : source_(storage.wake_source()), hub_(hub) {
        if (source_ != nullptr) {
            source_->listen(this);
        }
    }
    PeerWakes(const PeerWakes&) = delete;
    PeerWakes& operator=(const PeerWakes&) = delete;
    ~PeerWakes() override {
        if (source_ != nullptr) {
            source_->listen(nullptr);
        }
    }

    void tasks_pending() noexcept override { hub_.tasks_pending(); }
    void task_changed(const TaskId& task) noexcept override {
        hub_.task_changed(task);
        // it may have ended; those who wait look for themselves
        hub_.attempt_finished();
    }
    void worker_should_look(const WorkerId& worker) noexcept override {
        hub_.worker_should_look(worker);
    }
    void anything_changed() noexcept override { hub_.anything_changed(); }

private:
    WakeSource* source_;
    ChangeHub& hub_;
};

}  // namespace opslab
