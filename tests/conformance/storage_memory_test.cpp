#include "plugin/guarded_storage.hpp"
#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/storage_conformance.hpp>

#include <filesystem>

namespace opslab::testing {
namespace {

class LinkedMemory final : public StoragePlace {
public:
    Result<std::unique_ptr<Storage>> open(const StorageHost& host) override {
        return memory::make_storage(host);
    }
};

/// Through the real loader and its guard, which then must change nothing of what is promised.
class LoadedMemory final : public StoragePlace {
public:
    Result<std::unique_ptr<Storage>> open(const StorageHost& host) override {
        const std::filesystem::path file{OPSLAB_TEST_PLUGIN_DIR "/storage-memory.so"};
        return plugin::open_storage(file, host, "{}", nullptr);
    }
};

INSTANTIATE_TEST_SUITE_P(
    Memory,
    StorageConformance,
    ::testing::Values(
        StorageCase{
            .name = "linked",
            .place = [] { return std::make_unique<LinkedMemory>(); },
            .survives_reopen = false},
        StorageCase{
            .name = "loaded",
            .place = [] { return std::make_unique<LoadedMemory>(); },
            .survives_reopen = false}
    ),
    storage_case_name
);

}  // namespace
}  // namespace opslab::testing
