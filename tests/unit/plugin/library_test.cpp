#include "plugin/library.hpp"

#include "temp_folder.hpp"

#include <opslab/testing/matchers.hpp>

#include <dlfcn.h>

#include <ostream>

namespace opslab::plugin {
namespace {

namespace fs = std::filesystem;
using ::opslab::testing::IsError;
using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;

fs::path file_of(const std::string& stem) {
    return fs::canonical(OPSLAB_TEST_PLUGIN_DIR) / (stem + ".so");
}

Result<Library> open(const fs::path& file) {
    return expected_of(file).and_then([&](const Expected& expected) {
        return Library::open(file, expected);
    });
}

/// What a storage says that was built like this test, but for the headers of the SDK.
std::string toolchain_of(const std::string& interface) {
    const std::string ours{OPSLAB_TOOLCHAIN};
    return ours.substr(0, ours.size() - std::string{OPSLAB_STORAGE_INTERFACE}.size()) + interface;
}

std::string toolchain_wanted() {
    return OPSLAB_TOOLCHAIN
        " (a storage must be built like opslab itself: build it again with the SDK of this "
        "version)";
}

struct Refusal {
    std::string stem;
    std::string name;  // as the host expects it
    Errc code;
    std::string words;  // what was found, and what was wanted
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
    *out << refusal.stem;
}

class RefusedPlugin : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedPlugin, IsNamedWithFileFoundAndWanted) {
    const Refusal& wanted = GetParam();
    const fs::path file = file_of(wanted.stem);
    const Expected expected{
        wanted.stem.starts_with("storage") ? Kind::storage : Kind::runner, wanted.name};

    const auto opened = Library::open(file, expected);

    ASSERT_THAT(opened, IsError(wanted.code));
    EXPECT_EQ(
        opened.error().message, file.string() + ": plugin \"" + wanted.name + "\": " + wanted.words
    );
}

INSTANTIATE_TEST_SUITE_P(
    Descriptor,
    RefusedPlugin,
    ::testing::Values(
        Refusal{
            "runner-symbol",
            "symbol",
            Errc::invalid_argument,
            "no opslab plugin: it exports no symbol opslab_plugin"},
        Refusal{
            "runner-unresolved",
            "unresolved",
            Errc::invalid_argument,
            "cannot be loaded: undefined symbol: opslab_test_function_that_nobody_has"},
        Refusal{
            "runner-short",
            "broken",
            Errc::invalid_argument,
            "the descriptor says that it has 24 bytes, wanted 72"},
        Refusal{
            "runner-long",
            "broken",
            Errc::invalid_argument,
            "the descriptor says that it has 80 bytes, wanted 72"},
        Refusal{
            "runner-abi-kind",
            "broken",
            Errc::unsupported,
            "its ABI is of kind 9, wanted 1 (C, runners) or 2 (C++, storages)"},
        Refusal{"runner-major", "broken", Errc::unsupported, "built for ABI 2.1, wanted 1.x"},
        Refusal{
            "runner-newer",
            "broken",
            Errc::unsupported,
            "built for ABI 1.2, wanted at most 1.1: this opslab is too old for it"},
        Refusal{
            "runner-kind-storage",
            "broken",
            Errc::invalid_argument,
            "it is a storage, wanted a runner"},
        Refusal{
            "runner-kind-unknown",
            "broken",
            Errc::invalid_argument,
            "it is a plugin of kind 7, wanted a runner"},
        Refusal{
            "runner-misnamed",
            "misnamed",
            Errc::invalid_argument,
            "it calls itself \"other\", wanted \"misnamed\" as in the file's name"},
        Refusal{
            "runner-unnamed",
            "unnamed",
            Errc::invalid_argument,
            "it has no name, wanted \"unnamed\""},
        Refusal{
            "runner-unversioned",
            "unversioned",
            Errc::invalid_argument,
            "it has no version, wanted a text like 1.2.3"},
        Refusal{
            "runner-schemaless",
            "schemaless",
            Errc::invalid_argument,
            "it has no settings schema, wanted JSON Schema text"},
        Refusal{
            "runner-schema",
            "schema",
            Errc::invalid_argument,
            "its settings schema is broken, wanted JSON Schema: malformed JSON: not valid JSON at "
            "byte "
            "2"},
        Refusal{
            "runner-keyword",
            "keyword",
            Errc::invalid_argument,
            "its settings schema is broken, wanted JSON Schema: the keyword \"oneOf\" is not "
            "supported"},
        Refusal{
            "runner-createless",
            "createless",
            Errc::invalid_argument,
            "create_runner is null, wanted a function"},
        Refusal{
            "storage-toolchain",
            "broken",
            Errc::unsupported,
            "built with gcc-4 libstdc++-4-abi0 c++199711, wanted " + toolchain_wanted()},
        Refusal{
            "storage-toolless",
            "broken",
            Errc::unsupported,
            "names no toolchain, wanted " + toolchain_wanted()},
        Refusal{
            "storage-older",
            "older",
            Errc::unsupported,
            "built with " + toolchain_of("0123456789abcdef") + ", wanted " + toolchain_wanted()},
        Refusal{
            "storage-c", "broken", Errc::unsupported, "a storage with an ABI of kind 1, wanted 2"}
    ),
    [](const auto& plugin) {
        std::string name = plugin.param.stem;
        for (char& c : name) {
            c = c == '-' ? '_' : c;
        }
        return name;
    }
);

TEST(Library, ARunnerThatSaysStorageIsRefusedByTheNameOfItsFile) {
    // the file's name alone decides what is expected
    const TempFolder folder;
    const auto file = folder.copy_plugin("storage-c", "runner-broken.so");

    EXPECT_THAT(
        open(file),
        IsErrorAnd(
            Errc::invalid_argument,
            file.string() + ": plugin \"broken\": it is a storage, wanted a runner"
        )
    );
}

TEST(Library, AFileThatIsNoLibraryIsRefusedWithTheLinkersReason) {
    const TempFolder folder;
    const auto file = folder.write("runner-text.so", "#!/bin/sh\necho not a library\n");

    EXPECT_THAT(
        open(file),
        IsErrorAnd(
            Errc::invalid_argument,
            file.string() + ": plugin \"text\": cannot be loaded: file too short"
        )
    );
}

TEST(Library, AMissingFileIsNotFound) {
    EXPECT_THAT(
        open("/nowhere/runner-none.so"),
        IsErrorAnd(Errc::not_found, "plugin \"none\": /nowhere/runner-none.so: no such file")
    );
}

TEST(Library, AnAcceptedDescriptorIsCopied) {
    const auto opened = open(file_of("runner-least"));

    ASSERT_THAT(opened, IsOk());
    const Description& plugin = opened->description();
    EXPECT_EQ(plugin.file, file_of("runner-least"));
    EXPECT_EQ(plugin.kind, Kind::runner);
    EXPECT_EQ(plugin.name, "least");
    EXPECT_EQ(plugin.version, "1.2.3");
    EXPECT_EQ(plugin.schema.properties.size(), 1U);
    EXPECT_NE(opened->create_runner(), nullptr);
    EXPECT_EQ(opened->create_storage(), nullptr);
}

TEST(Library, CodeStaysLoadedWhenTheLibraryIsGone) {
    const TempFolder folder;
    const auto file = folder.copy_plugin("runner-least", "runner-least.so");

    ASSERT_THAT(open(file), IsOk());

    void* still_there = ::dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
    EXPECT_NE(still_there, nullptr);
    if (still_there != nullptr) {
        ::dlclose(still_there);
    }
}

TEST(Library, NamesOfFilesSayKindAndName) {
    const auto runner = expected_of("/x/runner-my-own2.so");
    const auto storage = expected_of("storage-sqlite.so");

    ASSERT_THAT(runner, IsOk());
    EXPECT_EQ(runner->kind, Kind::runner);
    EXPECT_EQ(runner->name, "my-own2");
    ASSERT_THAT(storage, IsOk());
    EXPECT_EQ(storage->kind, Kind::storage);
    EXPECT_EQ(storage->name, "sqlite");
}

TEST(Library, OtherNamesOfFilesAreRefused) {
    for (const char* name :
         {"runner-.so",
          "runner.so",
          "librunner-x.so",
          "runner-X.so",
          "runner-x.so.1",
          "runner-x",
          "driver-x.so",
          "runner-a b.so",
          ""}) {
        EXPECT_THAT(
            expected_of(name),
            IsErrorAnd(
                Errc::invalid_argument,
                std::string{name} + ": expected a file name like storage-NAME.so or runner-NAME.so"
            )
        );
    }
}

}  // namespace
}  // namespace opslab::plugin
