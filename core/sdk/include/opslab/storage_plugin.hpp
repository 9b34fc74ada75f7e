#pragma once

#include <opslab/plugin.h>
#include <opslab/storage.hpp>
#include <opslab/storage_interface.hpp>

#include <exception>
#include <memory>
#include <string>

/// What a storage plugin's author writes beside the class: one macro line.
///
///     OPSLAB_STORAGE_PLUGIN("sqlite", OPSLAB_PLUGIN_VERSION, kConfigSchema, open_sqlite)
///
/// where `open_sqlite` is a `Result<std::unique_ptr<opslab::Storage>>(const opslab::StorageHost&,
/// const std::string& config_json)` that opens the database and brings its schema up to date. It
/// may throw; the shim turns that into an error.
namespace opslab {

/// The C++ ABI of a storage is that of its compiler, its standard library and the very headers that
/// it was built with, so host and plugin must be built alike.
#define OPSLAB_STRINGIFY_2(x) #x
#define OPSLAB_STRINGIFY(x) OPSLAB_STRINGIFY_2(x)
#if defined(__clang__)
#define OPSLAB_TOOLCHAIN_COMPILER "clang-" OPSLAB_STRINGIFY(__clang_major__)
#else
#define OPSLAB_TOOLCHAIN_COMPILER "gcc-" OPSLAB_STRINGIFY(__GNUC__)
#endif
#if defined(_GLIBCXX_USE_CXX11_ABI)
#define OPSLAB_TOOLCHAIN_LIBRARY \
    "libstdc++-" OPSLAB_STRINGIFY(_GLIBCXX_RELEASE) "-abi" OPSLAB_STRINGIFY(_GLIBCXX_USE_CXX11_ABI)
#else
#define OPSLAB_TOOLCHAIN_LIBRARY "libc++"
#endif
#if defined(__SANITIZE_ADDRESS__)
#define OPSLAB_TOOLCHAIN_SANITIZER "+asan"
#elif defined(__SANITIZE_THREAD__)
#define OPSLAB_TOOLCHAIN_SANITIZER "+tsan"
#else
#define OPSLAB_TOOLCHAIN_SANITIZER ""
#endif
#if defined(_GLIBCXX_DEBUG)
#define OPSLAB_TOOLCHAIN_DEBUG "+debug"
#else
#define OPSLAB_TOOLCHAIN_DEBUG ""
#endif
#define OPSLAB_TOOLCHAIN                                                                        \
    OPSLAB_TOOLCHAIN_COMPILER " " OPSLAB_TOOLCHAIN_LIBRARY " c++" OPSLAB_STRINGIFY(__cplusplus) \
        OPSLAB_TOOLCHAIN_SANITIZER OPSLAB_TOOLCHAIN_DEBUG                                       \
        " expected-" OPSLAB_STRINGIFY(TL_EXPECTED_VERSION_MAJOR                                 \
        ) "." OPSLAB_STRINGIFY(TL_EXPECTED_VERSION_MINOR) " storage-" OPSLAB_STORAGE_INTERFACE

/// The create function of a storage. Never throws.
using CreateStorageFn =
    Result<std::unique_ptr<Storage>> (*)(const StorageHost& host, const std::string& config_json);

namespace detail {

using AnyFn = void (*)();

template <auto kOpen>
Result<std::unique_ptr<Storage>> create_storage(
    const StorageHost& host, const std::string& config_json
) noexcept {
    try {
        return kOpen(host, config_json);
    } catch (const std::exception& thrown) {
        return fail(Errc::internal, "the storage failed to open", thrown.what());
    } catch (...) {
        return fail(Errc::internal, "the storage failed to open", "unknown exception");
    }
}

}  // namespace detail
}  // namespace opslab

/// Exports the descriptor of a storage plugin.
#define OPSLAB_STORAGE_PLUGIN(plugin_name, plugin_version, schema_text, open_function)        \
    extern "C" OPSLAB_EXPORT const opslab_plugin_descriptor opslab_plugin = {                 \
        sizeof(opslab_plugin_descriptor),                                                     \
        OPSLAB_ABI_KIND_CXX,                                                                  \
        OPSLAB_ABI_MAJOR,                                                                     \
        OPSLAB_ABI_MINOR,                                                                     \
        OPSLAB_PLUGIN_STORAGE,                                                                \
        0,                                                                                    \
        plugin_name,                                                                          \
        plugin_version,                                                                       \
        OPSLAB_TOOLCHAIN,                                                                     \
        schema_text,                                                                          \
        nullptr,                                                                              \
        reinterpret_cast<::opslab::detail::AnyFn>(                                            \
            static_cast<                                                                      \
                ::opslab::CreateStorageFn>(&::opslab::detail::create_storage<&open_function>) \
        ),                                                                                    \
    }
