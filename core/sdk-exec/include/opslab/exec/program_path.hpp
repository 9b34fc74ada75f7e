#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>

namespace opslab::exec {

/// The directory that this process's executable is in.
[[nodiscard]] std::string own_directory();

/// The absolute path of `program`. A name with no slash is looked for in `beside` first, so that an
/// installation runs its own driver, then in each absolute directory of `path` (a PATH).
/// Fails: `infrastructure`, naming the program and whether it is missing or not executable.
[[nodiscard]] RunnerResult<std::string> find_program(
    const std::string& program, std::string_view path, const std::string& beside
);

/// Where `opslab-supervise` is, for the plugin that this code is linked into: beside the folder of
/// that plugin (`lib/opslab/plugins/NAME.so`, `lib/opslab/opslab-supervise`), else in the
/// installation of the opslab that loaded it, else (in a test that its author linked) in that of
/// the `opslab` on PATH. Where there is none the path leads nowhere. Reads the environment: call it
/// where a runner is made, as ChildEnvironment.
[[nodiscard]] std::string installed_supervisor();

}  // namespace opslab::exec
