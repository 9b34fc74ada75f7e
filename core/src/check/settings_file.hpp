#pragma once

#include "config/node.hpp"
#include "config/schema.hpp"

#include <opslab/error.hpp>

#include <string>

namespace opslab::check {

/// The settings of a runner from a YAML file: either they are the whole file, or the file is an
/// opslab configuration, and they are those of its first runner of this plugin. In it
/// `${OPSLAB_CHECK_DRIVER}` is `driver` and `${OPSLAB_CHECK_ID}` a word of this check alone. With
/// no file: nothing. A plugin that requires a setting `command` of which nothing is said is given
/// the driver there. Errors: `invalid_argument`, with every place.
[[nodiscard]] Result<config::Node> read_settings_file(
    const std::string& file,
    const std::string& plugin,
    const config::Schema& schema,
    const std::string& driver
);

}  // namespace opslab::check
