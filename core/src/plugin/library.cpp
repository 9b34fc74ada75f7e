#include "plugin/library.hpp"

#include "plugin/crash_note.hpp"
#include "plugin/descriptor.hpp"
#include "plugin/file_trust.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <dlfcn.h>
#include <link.h>

#include <exception>
#include <string_view>
#include <utility>

namespace opslab::plugin {

namespace {

constexpr const char* kSymbol = "opslab_plugin";

/// Immediate binding: with lazy binding a plugin that lacks a symbol loads, and kills the process
/// at the first call. Never unloaded: objects, exceptions and threads of its code may live on.
/// Boost.DLL knows no such flag, but hands the mode through (library_facts/boost_dll_test.cpp).
constexpr auto kLoadMode = static_cast<boost::dll::load_mode::type>(
    static_cast<unsigned>(boost::dll::load_mode::rtld_now) | static_cast<unsigned>(RTLD_NODELETE)
);

/// How many bytes the library's symbol table gives the symbol at `address`; 0 where it is none.
std::size_t symbol_size(const void* address) {
    Dl_info info{};
    void* extra = nullptr;
    if (::dladdr1(address, &info, &extra, RTLD_DL_SYMENT) == 0 || extra == nullptr) {
        return 0;
    }
    return static_cast<const ElfW(Sym)*>(extra)->st_size;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
                                std::string_view::npos;
}

std::string subject(const std::filesystem::path& file, const Expected& expected) {
    return file.string() + ": plugin \"" + expected.name + "\": ";
}

/// What the dynamic linker said, out of Boost.DLL's `… failed (FILE: WORDS): an errno's text`: the
/// errno is left over from something else and says nothing true.
std::string linker_words(const std::exception& thrown, const std::filesystem::path& file) {
    std::string words = thrown.what();
    const auto at = words.find(file.string() + ": ");
    if (at == std::string::npos) {
        return words;
    }
    words = words.substr(at + file.string().size() + 2);
    return words.substr(0, words.rfind("): "));
}

}  // namespace

Result<Expected> expected_of(const std::filesystem::path& file) {
    const std::string stem = file.stem().string();
    const auto dash = stem.find('-');
    const std::string prefix = stem.substr(0, dash);
    const std::string name = dash == std::string::npos ? "" : stem.substr(dash + 1);
    if (file.extension() != ".so" || (prefix != "storage" && prefix != "runner") ||
        !is_name(name)) {
        return fail(
            Errc::invalid_argument,
            file.string() + ": expected a file name like storage-NAME.so or runner-NAME.so"
        );
    }
    return Expected{prefix == "storage" ? Kind::storage : Kind::runner, name};
}

Result<Library> Library::open(const std::filesystem::path& file, const Expected& expected) {
    const auto real = trusted_file(file);
    if (!real) {
        return fail(within("plugin \"" + expected.name + "\"", real.error()));
    }
    const std::string name = real->string();
    const CrashNote note{name, "its loading"};
    try {
        boost::dll::shared_library opened{*real, kLoadMode};
        if (!opened.has(kSymbol)) {
            return fail(
                Errc::invalid_argument,
                subject(*real, expected) + "no opslab plugin: it exports no symbol " + kSymbol
            );
        }
        const auto& descriptor = opened.get<const opslab_plugin_descriptor>(kSymbol);
        auto description = read_descriptor(&descriptor, symbol_size(&descriptor), *real, expected);
        if (!description) {
            return fail(description.error());
        }
        Library library;
        library.description_ = std::make_shared<const Description>(std::move(*description));
        library.create_runner_ = expected.kind == Kind::runner ? descriptor.create_runner : nullptr;
        library.create_storage_ = expected.kind == Kind::storage
                                      ? reinterpret_cast<CreateStorageFn>(descriptor.create_storage)
                                      : nullptr;
        return library;
    } catch (const std::exception& thrown) {
        return fail(
            Errc::invalid_argument,
            subject(*real, expected) + "cannot be loaded: " + linker_words(thrown, *real)
        );
    }
}

}  // namespace opslab::plugin
