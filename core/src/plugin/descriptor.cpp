#include "plugin/descriptor.hpp"

#include "base/text.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::plugin {

namespace {

/// The size of the first descriptor ever; members beyond are read only where the plugin has them.
constexpr std::size_t kFirstSize = offsetof(opslab_plugin_descriptor, create_storage) +
                                   sizeof(opslab_plugin_descriptor::create_storage);
/// Larger than any descriptor will grow: such a size is something else's bytes.
constexpr std::size_t kSaneSize = 4096;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxVersionBytes = 64;
constexpr std::size_t kMaxToolchainBytes = 256;
constexpr std::size_t kMaxSchemaBytes = 1024 * 1024;

std::string number(std::uint32_t value) {
    return std::to_string(value);
}

/// Text of the plugin's, or nothing where it is null, too long or not UTF-8.
std::optional<std::string> text_of(const char* text, std::size_t max_bytes) {
    if (text == nullptr) {
        return std::nullopt;
    }
    const std::string_view view{text, ::strnlen(text, max_bytes + 1)};
    if (view.empty() || view.size() > max_bytes || !is_utf8(view)) {
        return std::nullopt;
    }
    return std::string{view};
}

/// The checks of one descriptor; each method is one or two fields.
class DescriptorReader {
public:
    DescriptorReader(
        const opslab_plugin_descriptor& given,
        const std::filesystem::path& file,
        const Expected& expected
    )
        : given_(given), expected_(expected), file_(file) {
        subject_ = file.string() + ": plugin \"" + expected.name + "\": ";
    }

    Status size(std::size_t symbol_size) const {
        const std::size_t size = given_.struct_size;
        if (size < kFirstSize || size > kSaneSize || (symbol_size != 0 && size > symbol_size)) {
            return refuse(
                Errc::invalid_argument,
                "the descriptor says that it has " + std::to_string(size) + " bytes, wanted " +
                    std::to_string(kFirstSize) +
                    (symbol_size > kFirstSize ? " to " + std::to_string(symbol_size) : "")
            );
        }
        return {};
    }

    Status abi_kind() const {
        if (given_.abi_kind != OPSLAB_ABI_KIND_C && given_.abi_kind != OPSLAB_ABI_KIND_CXX) {
            return refuse(
                Errc::unsupported,
                "its ABI is of kind " + number(given_.abi_kind) +
                    ", wanted 1 (C, runners) or 2 (C++, storages)"
            );
        }
        return {};
    }

    Status toolchain() const {
        if (given_.abi_kind != OPSLAB_ABI_KIND_CXX) {
            return {};
        }
        const auto built_with = text_of(given_.toolchain, kMaxToolchainBytes);
        if (!built_with || *built_with != OPSLAB_TOOLCHAIN) {
            return refuse(
                Errc::unsupported,
                (built_with ? "built with " + *built_with : std::string{"names no toolchain"}) +
                    ", wanted " OPSLAB_TOOLCHAIN
                    " (a storage must be built like opslab itself: build it again "
                    "with the SDK of this version)"
            );
        }
        return {};
    }

    Status abi_version() const {
        if (given_.abi_major != OPSLAB_ABI_MAJOR) {
            return refuse(
                Errc::unsupported,
                "built for ABI " + version() + ", wanted " + number(OPSLAB_ABI_MAJOR) + ".x"
            );
        }
        if (given_.abi_minor > OPSLAB_ABI_MINOR) {
            return refuse(
                Errc::unsupported,
                "built for ABI " + version() + ", wanted at most " + number(OPSLAB_ABI_MAJOR) +
                    "." + number(OPSLAB_ABI_MINOR) + ": this opslab is too old for it"
            );
        }
        return {};
    }

    Status kind() const {
        if (given_.kind != static_cast<std::uint32_t>(expected_.kind)) {
            return refuse(
                Errc::invalid_argument,
                "it is a " + kind_name() + ", wanted a " + to_string(expected_.kind)
            );
        }
        const std::uint32_t wanted =
            expected_.kind == Kind::storage ? OPSLAB_ABI_KIND_CXX : OPSLAB_ABI_KIND_C;
        if (given_.abi_kind != wanted) {
            return refuse(
                Errc::unsupported,
                std::string{"a "} + to_string(expected_.kind) + " with an ABI of kind " +
                    number(given_.abi_kind) + ", wanted " + number(wanted)
            );
        }
        return {};
    }

    Status name() const {
        const auto name = text_of(given_.name, kMaxNameBytes);
        if (!name) {
            return refuse(
                Errc::invalid_argument, "it has no name, wanted \"" + expected_.name + "\""
            );
        }
        if (*name != expected_.name) {
            return refuse(
                Errc::invalid_argument,
                "it calls itself \"" + *name + "\", wanted \"" + expected_.name +
                    "\" as in the file's name"
            );
        }
        if (!text_of(given_.version, kMaxVersionBytes)) {
            return refuse(Errc::invalid_argument, "it has no version, wanted a text like 1.2.3");
        }
        return {};
    }

    Status create_function() const {
        const bool runner = expected_.kind == Kind::runner;
        if (runner ? given_.create_runner == nullptr : given_.create_storage == nullptr) {
            return refuse(
                Errc::invalid_argument,
                std::string{runner ? "create_runner" : "create_storage"} +
                    " is null, wanted a function"
            );
        }
        return {};
    }

    Result<Description> description() const {
        const auto text = text_of(given_.config_schema, kMaxSchemaBytes);
        if (!text) {
            return refuse(
                Errc::invalid_argument, "it has no settings schema, wanted JSON Schema text"
            );
        }
        auto schema = config::parse_schema(*text);
        if (!schema) {
            return refuse(
                Errc::invalid_argument,
                "its settings schema is broken, wanted JSON Schema: " + schema.error().message
            );
        }
        Description description;
        description.file = file_;
        description.kind = expected_.kind;
        description.name = expected_.name;
        description.version = *text_of(given_.version, kMaxVersionBytes);
        description.schema_text = *text;
        description.schema = std::move(*schema);
        return description;
    }

private:
    tl::unexpected<Error> refuse(Errc code, const std::string& problem) const {
        return fail(code, subject_ + problem);
    }

    std::string version() const {
        return number(given_.abi_major) + "." + number(given_.abi_minor);
    }

    std::string kind_name() const {
        switch (given_.kind) {
            case OPSLAB_PLUGIN_STORAGE:
                return "storage";
            case OPSLAB_PLUGIN_RUNNER:
                return "runner";
            default:
                return "plugin of kind " + number(given_.kind);
        }
    }

    const opslab_plugin_descriptor& given_;
    const Expected& expected_;
    const std::filesystem::path& file_;
    std::string subject_{};
};

}  // namespace

Result<Description> read_descriptor(
    const opslab_plugin_descriptor* descriptor,
    std::size_t symbol_size,
    const std::filesystem::path& file,
    const Expected& expected
) {
    const DescriptorReader reader{*descriptor, file, expected};
    return reader.size(symbol_size)
        .and_then([&] { return reader.abi_kind(); })
        .and_then([&] { return reader.toolchain(); })
        .and_then([&] { return reader.abi_version(); })
        .and_then([&] { return reader.kind(); })
        .and_then([&] { return reader.name(); })
        .and_then([&] { return reader.create_function(); })
        .and_then([&] { return reader.description(); });
}

}  // namespace opslab::plugin
