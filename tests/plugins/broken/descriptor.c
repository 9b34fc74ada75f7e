/* A library whose descriptor is wrong in the one field that its definition names, built many times
 * over. Its create functions must never be called. */
#include <opslab/plugin.h>

#ifndef GIVEN_SIZE
#define GIVEN_SIZE sizeof(opslab_plugin_descriptor)
#endif
#ifndef GIVEN_ABI_KIND
#define GIVEN_ABI_KIND OPSLAB_ABI_KIND_C
#endif
#ifndef GIVEN_MAJOR
#define GIVEN_MAJOR OPSLAB_ABI_MAJOR
#endif
#ifndef GIVEN_MINOR
#define GIVEN_MINOR OPSLAB_ABI_MINOR
#endif
#ifndef GIVEN_KIND
#define GIVEN_KIND OPSLAB_PLUGIN_RUNNER
#endif
#ifndef GIVEN_NAME
#define GIVEN_NAME "broken"
#endif
#ifndef GIVEN_VERSION
#define GIVEN_VERSION "1.2.3"
#endif
#ifndef GIVEN_TOOLCHAIN
#define GIVEN_TOOLCHAIN NULL
#endif
#ifndef GIVEN_SCHEMA
#define GIVEN_SCHEMA "{\"type\": \"object\"}"
#endif
#ifndef GIVEN_CREATE
#define GIVEN_CREATE create_runner
#endif

extern OPSLAB_EXPORT const opslab_plugin_descriptor opslab_plugin;

/* Not static: the variant without a create function leaves it unused. */
int32_t create_runner(
    const opslab_host* host, const char* config, opslab_runner* runner, const opslab_writer* error
);
void create_storage(void);

int32_t create_runner(
    const opslab_host* host, const char* config, opslab_runner* runner, const opslab_writer* error
) {
    static const char words[] = "a refused plugin was called";
    (void)host;
    (void)config;
    (void)runner;
    error->write(error->ctx, words, sizeof(words) - 1);
    return OPSLAB_E_INTERNAL;
}

void create_storage(void) {}

const opslab_plugin_descriptor opslab_plugin = {
    GIVEN_SIZE,
    GIVEN_ABI_KIND,
    GIVEN_MAJOR,
    GIVEN_MINOR,
    GIVEN_KIND,
    0,
    GIVEN_NAME,
    GIVEN_VERSION,
    GIVEN_TOOLCHAIN,
    GIVEN_SCHEMA,
    GIVEN_CREATE,
    create_storage,
};
