#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::docker {

/// Writes a tar archive (ustar) in memory: what the engine unpacks into a container. Names are
/// ours, relative and at most 99 bytes; times are 0.
class TarArchive {
public:
    struct Owner {
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
    };

    explicit TarArchive(Owner owner) : owner_(owner) {}

    void add_directory(std::string_view name, std::uint32_t mode);
    void add_file(std::string_view name, std::uint32_t mode, std::string_view content);

    /// The whole archive, its end marked.
    [[nodiscard]] std::string finish() &&;

private:
    void add_header(std::string_view name, std::uint32_t mode, char type, std::size_t size);

    Owner owner_;
    std::string bytes_{};
};

/// The content of the one plain file in an archive that an engine packed, in any of the forms that
/// engines use; nothing where it holds something else, or is cut short.
[[nodiscard]] std::optional<std::string> only_file_of(std::string_view tar);

}  // namespace opslab::docker
