#include "service/change_hub.hpp"

#include <utility>
#include <vector>

namespace opslab {

ChangeHub::Subscription& ChangeHub::Subscription::operator=(Subscription&& other) noexcept {
    if (this != &other) {
        reset();
        hub_ = std::exchange(other.hub_, nullptr);
        topic_ = std::move(other.topic_);
        id_ = other.id_;
    }
    return *this;
}

void ChangeHub::Subscription::reset() {
    if (auto* hub = std::exchange(hub_, nullptr)) {
        hub->remove(topic_, id_);
    }
}

ChangeHub::Subscription ChangeHub::subscribe(std::string topic, Listener listener) {
    auto entry = std::make_shared<Entry>();
    entry->listener = std::move(listener);
    const std::lock_guard lock(mutex_);
    const auto id = next_id_++;
    topics_[topic].emplace(id, std::move(entry));
    return {*this, std::move(topic), id};
}

void ChangeHub::publish(const std::string& topic) {
    std::vector<std::shared_ptr<Entry>> entries;
    {
        const std::lock_guard lock(mutex_);
        const auto found = topics_.find(topic);
        if (found == topics_.end()) {
            return;
        }
        entries.reserve(found->second.size());
        for (const auto& [id, entry] : found->second) {
            entries.push_back(entry);
        }
    }
    for (const auto& entry : entries) {
        const std::lock_guard calling(entry->calling);
        if (entry->listener) {
            entry->listener();
        }
    }
}

void ChangeHub::anything_changed() {
    std::vector<std::string> topics;
    {
        const std::lock_guard lock(mutex_);
        topics.reserve(topics_.size());
        for (const auto& [topic, entries] : topics_) {
            topics.push_back(topic);
        }
    }
    for (const auto& topic : topics) {
        publish(topic);
    }
}

void ChangeHub::remove(const std::string& topic, std::uint64_t id) {
    std::shared_ptr<Entry> entry;
    {
        const std::lock_guard lock(mutex_);
        const auto found = topics_.find(topic);
        if (found == topics_.end()) {
            return;
        }
        const auto at = found->second.find(id);
        if (at == found->second.end()) {
            return;
        }
        entry = at->second;
        found->second.erase(at);
        if (found->second.empty()) {
            topics_.erase(found);
        }
    }
    const std::lock_guard calling(entry->calling);
    entry->listener = nullptr;
}

}  // namespace opslab
