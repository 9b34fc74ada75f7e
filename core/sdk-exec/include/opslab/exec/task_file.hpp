#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>

namespace opslab::exec {

/// The text of OPSLAB_TASK_FILE: the host's `task_json` with `event_prefix` added; everything else
/// stays byte for byte. Fails: `invalid` where `task_json` is no JSON object in outline.
[[nodiscard]] RunnerResult<std::string> task_file_text(
    std::string_view task_json, std::string_view event_prefix
);

/// Writes `text` to a new file at `path`, mode 0600. A file or link that is there already is
/// refused, so nobody can lay one out beforehand. On failure no file is left. Fails:
/// `infrastructure` (disk full and the like).
[[nodiscard]] RunnerStatus write_private_file(const std::string& path, std::string_view text);

}  // namespace opslab::exec
