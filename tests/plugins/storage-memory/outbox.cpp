#include "roles.hpp"

#include <algorithm>

namespace opslab::memory {

Result<std::vector<Delivery>> MemoryOutbox::take_due(int limit, Duration hold) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<DeliveryRow*> due;
    for (auto& [id, row] : rows_.deliveries) {
        if (row.due_at <= now) {
            due.push_back(&row);
        }
    }
    std::stable_sort(due.begin(), due.end(), [](const auto* a, const auto* b) {
        return a->due_at < b->due_at;
    });
    due.resize(std::min(static_cast<std::size_t>(std::max(limit, 0)), due.size()));
    std::vector<Delivery> taken;
    for (auto* row : due) {
        taken.push_back(row->delivery);
        ++row->delivery.tries;
        row->due_at = now + hold;
    }
    return taken;
}

Status MemoryOutbox::settle(std::span<const DeliveryOutcome> outcomes) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    for (const auto& outcome : outcomes) {
        const auto found = rows_.deliveries.find(outcome.id);
        if (found == rows_.deliveries.end()) {
            continue;
        }
        if (outcome.again_after) {
            found->second.due_at = now + *outcome.again_after;
            found->second.delivery.tries = outcome.tries;
        } else {
            rows_.deliveries.erase(found);
        }
    }
    return {};
}

}  // namespace opslab::memory
