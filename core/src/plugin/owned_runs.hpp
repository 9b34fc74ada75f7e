#pragma once

#include <opslab/plugin.h>
#include <opslab/runner.hpp>

#include <cstddef>
#include <vector>

namespace opslab::plugin {

/// Takes what `list_owned` visits, within the bounds.
class OwnedRuns {
public:
    OwnedRuns();
    OwnedRuns(const OwnedRuns&) = delete;
    OwnedRuns& operator=(const OwnedRuns&) = delete;

    [[nodiscard]] const opslab_owned_visitor* table() const { return &table_; }
    [[nodiscard]] std::vector<OwnedRun> take() { return std::move(runs_); }
    /// Entries without a usable handle, and those past the limit (the next call tells of them).
    [[nodiscard]] std::size_t dropped() const { return dropped_; }

private:
    static void visit(void* ctx, const char* run_id, const char* handle);

    std::vector<OwnedRun> runs_{};
    std::size_t dropped_ = 0;
    opslab_owned_visitor table_{};
};

}  // namespace opslab::plugin
