/* The smallest runner, in C99 against plugin.h alone. A run is over as soon
 * as it has started; `wait` gives the greeting of the settings as one line of output. */
#include <opslab/plugin.h>

#include <stdlib.h>
#include <string.h>

typedef struct instance {
    const opslab_host* host;
    char config[1024];
    char owned[65]; /* run id and handle of the one run that was not destroyed, or empty */
    char worker[256];
} instance;

static void write_text(const opslab_writer* writer, const char* text) {
    writer->write(writer->ctx, text, strlen(text));
}

static int32_t start(
    void* self,
    const opslab_run_request* request,
    const opslab_writer* handle,
    const opslab_writer* error
) {
    instance* me = self;
    if (strlen(request->run_id) >= sizeof(me->owned) ||
        strlen(request->worker_id) >= sizeof(me->worker)) {
        write_text(error, "a name is too long");
        return OPSLAB_E_INVALID;
    }
    if (me->owned[0] != '\0') {
        write_text(error, "one run at a time");
        return OPSLAB_E_INFRASTRUCTURE;
    }
    strcpy(me->owned, request->run_id);
    strcpy(me->worker, request->worker_id);
    me->host->log(me->host->ctx, 1, "started", strlen("started"));
    write_text(handle, request->run_id);
    return OPSLAB_OK;
}

static int32_t wait_for(
    void* self, const opslab_wait_request* request, opslab_run_end* end, const opslab_writer* error
) {
    instance* me = self;
    const opslab_sink* sink = request->sink;
    if (strcmp(me->owned, request->handle) != 0) {
        write_text(error, "no run of that handle");
        return OPSLAB_E_NOT_FOUND;
    }
    if (sink->output(sink->ctx, 1, me->config, strlen(me->config), 0) != 0) {
        write_text(error, "left off");
        return OPSLAB_E_INTERRUPTED;
    }
    end->how = OPSLAB_END_EXITED;
    end->code = 0;
    return OPSLAB_OK;
}

static int32_t stop(void* self, const opslab_stop_request* request, const opslab_writer* error) {
    (void)self;
    (void)request;
    (void)error;
    return OPSLAB_OK;
}

static int32_t destroy(void* self, const char* handle, const opslab_writer* error) {
    instance* me = self;
    (void)error;
    if (strcmp(me->owned, handle) == 0) {
        me->owned[0] = '\0';
    }
    return OPSLAB_OK;
}

static int32_t list_owned(
    void* self,
    const char* worker_id,
    const opslab_owned_visitor* visitor,
    const opslab_writer* error
) {
    instance* me = self;
    (void)error;
    if (me->owned[0] != '\0' && strcmp(me->worker, worker_id) == 0) {
        visitor->visit(visitor->ctx, me->owned, me->owned);
    }
    return OPSLAB_OK;
}

static void close_instance(void* self) {
    free(self);
}

static int32_t create(
    const opslab_host* host, const char* config, opslab_runner* runner, const opslab_writer* error
) {
    instance* me = calloc(1, sizeof(instance));
    if (me == NULL || strlen(config) >= sizeof(me->config)) {
        free(me);
        write_text(error, "no memory, or the settings are too long");
        return OPSLAB_E_INFRASTRUCTURE;
    }
    me->host = host;
    strcpy(me->config, config);
    /* the optional functions stay null: the host cleared the table */
    runner->self = me;
    runner->start = start;
    runner->wait = wait_for;
    runner->stop = stop;
    runner->destroy = destroy;
    runner->list_owned = list_owned;
    runner->close = close_instance;
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
    "least",
    "1.2.3",
    NULL,
    "{\"type\": \"object\", \"properties\": {\"greeting\": {\"type\": \"string\", "
    "\"default\": \"hello\", \"description\": \"What it says.\"}}}",
    create,
    NULL,
};
