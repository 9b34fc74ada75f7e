#pragma once

#include <dirent.h>

#include <memory>

namespace opslab::exec {

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

/// An open directory that closes itself.
using Directory = std::unique_ptr<DIR, CloseDir>;

}  // namespace opslab::exec
