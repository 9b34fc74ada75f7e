#pragma once

#include <opslab/error.hpp>
#include <opslab/storage.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace opslab {

/// Which embedded workers are ours where several coordinators share a database. Each coordinator
/// has a name of its own, kept in its state folder and written into the metadata of its workers: an
/// id that another's worker ever had is never taken, since what that one left behind (containers,
/// say) can be picked up only where it ran; our own are taken back, however long we were away.
/// Coordinators that share a state folder have a name each: the first one that is free.
class EmbeddedIds {
public:
    /// Errors: `unavailable` (the state folder cannot be written).
    [[nodiscard]] static Result<std::unique_ptr<EmbeddedIds>> open(
        const std::filesystem::path& state, WorkerStore& workers, Clock& clock, Entropy& entropy
    );
    EmbeddedIds(const EmbeddedIds&) = delete;
    EmbeddedIds& operator=(const EmbeddedIds&) = delete;
    ~EmbeddedIds();

    /// True: the worker's id is ours, and registered so that nobody else takes it. Errors: those of
    /// the storage; whose the id is cannot be told then, and asking again does no harm.
    [[nodiscard]] Result<bool> take(const NewWorker& worker);

    [[nodiscard]] std::string metadata_json() const;

private:
    EmbeddedIds(WorkerStore& workers, int lock, std::string name)
        : workers_(workers), lock_(lock), name_(std::move(name)) {}

    WorkerStore& workers_;
    int lock_;  // a descriptor: the name is in use as long as it is open
    std::string name_;
};

}  // namespace opslab
