// The in-memory storage of the tests, as somebody else's, under the installed suite.
#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/storage_conformance.hpp>

namespace opslab::testing {
namespace {

class MemoryPlace final : public StoragePlace {
public:
    Result<std::unique_ptr<Storage>> open(const StorageHost& host) override {
        return memory::make_storage(host);
    }
};

INSTANTIATE_TEST_SUITE_P(
    Installed,
    StorageConformance,
    ::testing::Values(StorageCase{
        .name = "memory",
        .place = [] { return std::make_unique<MemoryPlace>(); },
        .survives_reopen = false}),
    storage_case_name
);

}  // namespace
}  // namespace opslab::testing
