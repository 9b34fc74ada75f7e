/* Ends its process while the dynamic linker loads it: before anything of it could be checked. */
#include <opslab/plugin.h>

#include <signal.h>

__attribute__((constructor)) static void crash(void) {
    raise(SIGSEGV);
}

extern OPSLAB_EXPORT const opslab_plugin_descriptor opslab_plugin;

const opslab_plugin_descriptor opslab_plugin = {
    sizeof(opslab_plugin_descriptor),
    OPSLAB_ABI_KIND_C,
    OPSLAB_ABI_MAJOR,
    OPSLAB_ABI_MINOR,
    OPSLAB_PLUGIN_RUNNER,
    0,
    "crash",
    "1.2.3",
    NULL,
    "{\"type\": \"object\"}",
    NULL,
    NULL,
};
