#pragma once

#include <optional>
#include <string>

/// What `opslab db` does.
namespace opslab::daemon {

struct SchemaOptions {
    std::optional<std::string> config_file{};
    bool migrate = false;  ///< bring the schema up to date; otherwise only look
};

/// Opens the configured storage and says on standard output that its schema is up to date, or on
/// standard error why not. The exit code of the process: 0; 1 (not up to date, or made by a newer
/// opslab); 2 (a bad configuration); 6 (the database cannot be reached).
[[nodiscard]] int look_after_schema(const SchemaOptions& options);

}  // namespace opslab::daemon
