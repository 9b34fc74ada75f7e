#pragma once

#include <string>

namespace opslab {

/// The call into a plugin that ended this worker's predecessor.
struct LastCrash {
    std::string signal{};  ///< `SIGSEGV`; empty: there was none
    std::string call{};    ///< `wait`
    std::string whose{};   ///< holds the words of the scope of its run, where it was for one
};

}  // namespace opslab
