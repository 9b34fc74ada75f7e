/* A fine library that is no plugin. */
#include <opslab/plugin.h>

OPSLAB_EXPORT int opslab_plugin_of_another_name(void);

int opslab_plugin_of_another_name(void) {
    return 1;
}
