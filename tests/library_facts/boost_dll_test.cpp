// What Boost.DLL 1.81 does that our loader relies on, tried on a real plugin of this build.
#include <boost/dll/shared_library.hpp>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

namespace {

namespace dll = boost::dll;

const std::string kPlugin = std::string(OPSLAB_TEST_PLUGIN_DIR) + "/runner-fake.so";

TEST(BoostDllFacts, AForeignModeFlagIsHandedThroughAndTheLibraryOutlivesItsHandle) {
    const void* symbol = nullptr;
    {
        const dll::shared_library library(
            kPlugin,
            static_cast<dll::load_mode::type>(
                static_cast<unsigned>(dll::load_mode::rtld_now) |
                static_cast<unsigned>(RTLD_NODELETE)
            )
        );
        symbol = &library.get<const char>("opslab_plugin");
    }

    Dl_info info{};
    EXPECT_NE(::dladdr(symbol, &info), 0);
}

TEST(BoostDllFacts, ASymbolIsGivenAsWhateverTypeIsAskedFor) {
    const dll::shared_library library(kPlugin, dll::load_mode::rtld_now);

    EXPECT_NO_THROW(static_cast<void>(library.get<const double>("opslab_plugin")));
}

TEST(BoostDllFacts, WhatIsMissingIsAnException) {
    EXPECT_ANY_THROW(dll::shared_library("/nowhere/runner-x.so", dll::load_mode::rtld_now));
    const dll::shared_library library(kPlugin, dll::load_mode::rtld_now);
    EXPECT_FALSE(library.has("no_such_symbol"));
}

}  // namespace
