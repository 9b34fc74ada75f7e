/* Refers to a function that nobody has: with lazy binding it would load, and end the process at the
 * first call. */
#include <opslab/plugin.h>

void opslab_test_function_that_nobody_has(void);

static int32_t create_runner(
    const opslab_host* host, const char* config, opslab_runner* runner, const opslab_writer* error
) {
    (void)host;
    (void)config;
    (void)runner;
    (void)error;
    opslab_test_function_that_nobody_has();
    return OPSLAB_OK;
}

extern OPSLAB_EXPORT const opslab_plugin_descriptor opslab_plugin;

const opslab_plugin_descriptor opslab_plugin = {
    sizeof(opslab_plugin_descriptor),
    OPSLAB_ABI_KIND_C,
    OPSLAB_ABI_MAJOR,
    OPSLAB_ABI_MINOR,
    OPSLAB_PLUGIN_RUNNER,
    0,
    "unresolved",
    "1.2.3",
    NULL,
    "{\"type\": \"object\"}",
    create_runner,
    NULL,
};
