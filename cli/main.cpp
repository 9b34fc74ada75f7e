#include "commands/root.hpp"
#include "plugin/crash_note.hpp"

#include <sys/prctl.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    // a driver of the same user, or its agent, must not read keys in our environment or memory
    ::prctl(PR_SET_DUMPABLE, 0);
    opslab::plugin::name_plugins_in_crashes();
    try {
        return opslab::cli::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        // only a defect or no memory comes here: expected failures are values
        std::fputs("opslab: ", stderr);
        std::fputs(error.what(), stderr);
        std::fputs("\n", stderr);
        return 1;
    }
}
