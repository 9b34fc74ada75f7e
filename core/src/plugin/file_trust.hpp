#pragma once

#include <opslab/error.hpp>

#include <filesystem>

namespace opslab::plugin {

/// A plugin runs with all our rights, so only we or root may have been able to write it. Answers
/// the file's canonical path. Errors: `invalid_argument` (a relative name, no regular file),
/// `not_found`, `permission_denied`: file or folder of another owner, or writable by a group (but a
/// user's own) or by all; a folder further up that all may write and that is not sticky; a link
/// that leads out of its folder. Threads: any.
[[nodiscard]] Result<std::filesystem::path> trusted_file(const std::filesystem::path& file);

}  // namespace opslab::plugin
