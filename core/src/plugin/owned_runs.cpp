#include "plugin/owned_runs.hpp"

#include "base/text.hpp"
#include "plugin/bounded_text.hpp"
#include "plugin/guarded_runner.hpp"

#include <cstring>
#include <string>
#include <string_view>

namespace opslab::plugin {

namespace {

constexpr std::size_t kMaxRunIdBytes = 64;

}  // namespace

OwnedRuns::OwnedRuns() : table_{sizeof(opslab_owned_visitor), this, &OwnedRuns::visit} {}

void OwnedRuns::visit(void* ctx, const char* run_id, const char* handle) {
    auto& self = *static_cast<OwnedRuns*>(ctx);
    try {
        const std::string_view text{
            handle == nullptr ? "" : handle,
            handle == nullptr ? 0 : ::strnlen(handle, kMaxHandleBytes + 1)};
        const bool good = !text.empty() && text.size() <= kMaxHandleBytes && is_utf8(text);
        if (!good || self.runs_.size() >= kMaxOwnedRuns) {
            ++self.dropped_;
            return;
        }
        OwnedRun run;
        if (run_id != nullptr) {
            const std::string_view id{run_id, ::strnlen(run_id, kMaxRunIdBytes)};
            run.run_id = readable_text(id, kMaxRunIdBytes);
        }
        run.handle.text = std::string{text};
        self.runs_.push_back(std::move(run));
    } catch (...) {
        ++self.dropped_;
    }
}

}  // namespace opslab::plugin
