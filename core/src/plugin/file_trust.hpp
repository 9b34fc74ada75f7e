#pragma once

#include <opslab/error.hpp>

#include <filesystem>

namespace opslab::plugin {

/// A plugin runs with all our rights, so only we or root may have been able to write it. Answers
/// the file's canonical path. Errors: `not_found`, `permission_denied` (another owner, writable by
/// a group or by all, in a folder that all may write, or a link that leads out of its folder).
[[nodiscard]] Result<std::filesystem::path> trusted_file(const std::filesystem::path& file);

}  // namespace opslab::plugin
