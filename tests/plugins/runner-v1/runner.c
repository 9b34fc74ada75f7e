/* A whole runner in C99 that keeps every promise of plugin.h: drivers as processes of this machine,
 * which end with opslab. Built twice: against the header that the first plugins were built with
 * (runner-v1), which shows that they still work, and against today's (runner-c99).
 *
 * Its source, and the header beside it, stay as they are for as long as the ABI's major does. */
#define _XOPEN_SOURCE 700
#include "family.h"
#include "run.h"

#include <opslab/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef RUNNER_NAME
#define RUNNER_NAME "v1"
#endif

enum { PATH_BYTES = 4096 };

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char digits[] = "0123456789abcdef.-";

typedef struct instance {
    const opslab_host* host;
    char driver[PATH_BYTES];
    pthread_mutex_t mutex; /* guards the list and its counts of users */
    run* runs;
} instance;

static int32_t fail(const opslab_writer* error, int32_t code, const char* text) {
    error->write(error->ctx, text, strlen(text));
    return code;
}

static int is_of(const char* text, size_t longest, const char* letters) {
    const size_t size = strlen(text);
    return size > 0 && size <= longest && text[0] != '.' && strspn(text, letters) == size;
}

/* `NAME:WORKER:RUN` into a folder's path; 0 where it is no handle of ours. */
static int folder_of(const instance* me, const char* handle, char* path) {
    const char start[] = RUNNER_NAME ":";
    const char* worker = handle + sizeof(start) - 1;
    const char* colon = NULL;
    char name[201];
    if (strncmp(handle, start, sizeof(start) - 1) != 0 || (colon = strchr(worker, ':')) == NULL ||
        (size_t)(colon - worker) >= sizeof(name)) {
        return 0;
    }
    memcpy(name, worker, (size_t)(colon - worker));
    name[colon - worker] = '\0';
    return is_of(name, 200, lower) && is_of(colon + 1, 64, digits) &&
           snprintf(path, PATH_BYTES - 64, "%s/%s/%s", me->host->state_dir, name, colon + 1) <
               PATH_BYTES - 64;
}

/* The run of that handle, to be given back by `leave`; or NULL. */
static run* take(instance* me, const char* handle) {
    run* at = NULL;
    pthread_mutex_lock(&me->mutex);
    for (at = me->runs; at != NULL && strcmp(at->handle, handle) != 0; at = at->next) {
    }
    if (at != NULL) {
        ++at->users;
    }
    pthread_mutex_unlock(&me->mutex);
    return at;
}

static void leave(instance* me, run* given) {
    int left = 0;
    pthread_mutex_lock(&me->mutex);
    left = --given->users;
    pthread_mutex_unlock(&me->mutex);
    if (left == 0) {
        run_free(given);
    }
}

static void forget(instance* me, const char* handle) {
    run** at = NULL;
    run* found = NULL;
    pthread_mutex_lock(&me->mutex);
    for (at = &me->runs; *at != NULL && strcmp((*at)->handle, handle) != 0; at = &(*at)->next) {
    }
    found = *at;
    if (found != NULL) {
        *at = found->next;
    }
    pthread_mutex_unlock(&me->mutex);
    if (found != NULL) {
        leave(me, found);
    }
}

static int make_folders(const char* path) {
    char part[PATH_BYTES + 8];
    char* last = NULL;
    snprintf(part, sizeof(part), "%s", path);
    last = strrchr(part, '/');
    *last = '\0';
    mkdir(part, 0700);
    *last = '/';
    if (mkdir(part, 0700) != 0) {
        return -1;
    }
    strcat(part, "/work");
    return mkdir(part, 0700);
}

/* A word that nobody can guess. */
static int make_prefix(char* prefix) {
    unsigned char bytes[16];
    size_t i = 0;
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    if (fd >= 0) {
        close(fd);
    }
    for (i = 0; i < sizeof(bytes); ++i) {
        sprintf(prefix + 2 * i, "%02x", bytes[i]);
    }
    strcat(prefix, " ");
    return got == (ssize_t)sizeof(bytes) ? 0 : -1;
}

/* The task's object with the prefix as one more member. */
static int write_task(const char* path, const char* task_json, const char* prefix) {
    const char* end = strrchr(task_json, '}');
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE* file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL || end == NULL) {
        return -1;
    }
    fwrite(task_json, 1, (size_t)(end - task_json), file);
    fprintf(file, ",\"event_prefix\":\"%s\"}", prefix);
    return fclose(file);
}

static run* launch(instance* me, const char* folder, const char* task_json) {
    char work[MARK_BYTES];
    char task[MARK_BYTES];
    char home[MARK_BYTES];
    char prefix[PREFIX_BYTES] = "";
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    char protocol[] = "OPSLAB_PROTOCOL=1";
    char* environment[] = {work, task, protocol, home, path, NULL};
    run* made = NULL;
    snprintf(work, sizeof(work), "OPSLAB_WORK_DIR=%s/work", folder);
    snprintf(home, sizeof(home), "HOME=%s/work", folder);
    snprintf(task, sizeof(task), "OPSLAB_TASK_FILE=%s/task.json", folder);
    if (make_folders(folder) != 0 || make_prefix(prefix) != 0 ||
        write_task(strchr(task, '/'), task_json, prefix) != 0) {
        return NULL;
    }
    made = run_start(me->driver, strchr(work, '/'), environment);
    if (made != NULL) {
        strcpy(made->mark, work);
        strcpy(made->prefix, prefix);
    }
    return made;
}

static int32_t start(
    void* self,
    const opslab_run_request* request,
    const opslab_writer* handle,
    const opslab_writer* error
) {
    instance* me = self;
    struct pollfd interrupt = {request->interrupt_fd, POLLIN, 0};
    char name[400];
    char folder[PATH_BYTES];
    run* made = NULL;
    snprintf(name, sizeof(name), "%s:%s:%s", RUNNER_NAME, request->worker_id, request->run_id);
    if (!folder_of(me, name, folder)) {
        return fail(error, OPSLAB_E_INVALID, "the worker's id or the run's is malformed");
    }
    if (poll(&interrupt, 1, 0) == 1) {
        return fail(error, OPSLAB_E_INTERRUPTED, "interrupted before the start");
    }
    if (access(me->driver, X_OK) != 0) {
        return fail(error, OPSLAB_E_INFRASTRUCTURE, "the driver is missing or cannot be run");
    }
    if (access(folder, F_OK) == 0) {
        return fail(error, OPSLAB_E_INVALID, "that run exists already");
    }
    made = launch(me, folder, request->task_json);
    if (made == NULL) {
        remove_tree(folder);
        return fail(error, OPSLAB_E_INFRASTRUCTURE, "no file or process can be made");
    }
    strcpy(made->handle, name);
    pthread_mutex_lock(&me->mutex);
    made->next = me->runs;
    me->runs = made;
    pthread_mutex_unlock(&me->mutex);
    me->host->log(me->host->ctx, 0, "started", strlen("started"));
    handle->write(handle->ctx, name, strlen(name));
    return OPSLAB_OK;
}

static int32_t wait_for(
    void* self, const opslab_wait_request* request, opslab_run_end* end, const opslab_writer* error
) {
    instance* me = self;
    run* found = take(me, request->handle);
    int32_t answer = OPSLAB_OK;
    if (found == NULL) {
        return fail(error, OPSLAB_E_NOT_FOUND, "no run of that handle in this process");
    }
    answer = run_wait(found, request, end);
    leave(me, found);
    return answer == OPSLAB_OK ? answer : fail(error, answer, "left off");
}

/* Ends the run of a handle, this process's or that of a dead one; `folder` is what it has. */
static int end_run(instance* me, const char* handle, const char* folder, int32_t grace_ms) {
    char mark[MARK_BYTES];
    run* found = take(me, handle);
    int failed = 0;
    if (found != NULL) {
        failed = run_stop(found, grace_ms);
        leave(me, found);
        return failed;
    }
    snprintf(mark, sizeof(mark), "OPSLAB_WORK_DIR=%s/work", folder);
    return access(folder, F_OK) == 0 ? kill_marked(mark) : 0;
}

static int32_t stop(void* self, const opslab_stop_request* request, const opslab_writer* error) {
    char folder[PATH_BYTES];
    if (!folder_of(self, request->handle, folder)) {
        return fail(error, OPSLAB_E_INVALID, "no handle of this runner");
    }
    if (end_run(self, request->handle, folder, request->grace_ms) != 0) {
        return fail(error, OPSLAB_E_INFRASTRUCTURE, "its processes do not die");
    }
    return OPSLAB_OK;
}

static int32_t destroy(void* self, const char* handle, const opslab_writer* error) {
    char folder[PATH_BYTES];
    if (!folder_of(self, handle, folder)) {
        return fail(error, OPSLAB_E_INVALID, "no handle of this runner");
    }
    if (end_run(self, handle, folder, 0) != 0 || remove_tree(folder) != 0) {
        return fail(error, OPSLAB_E_INFRASTRUCTURE, "its processes or files do not go");
    }
    forget(self, handle);
    return OPSLAB_OK;
}

static int32_t list_owned(
    void* self,
    const char* worker_id,
    const opslab_owned_visitor* visitor,
    const opslab_writer* error
) {
    instance* me = self;
    char path[PATH_BYTES];
    char handle[512];
    DIR* folder = NULL;
    struct dirent* item = NULL;
    if (!is_of(worker_id, 200, lower)) {
        return fail(error, OPSLAB_E_INVALID, "the worker's id is malformed");
    }
    snprintf(path, sizeof(path), "%s/%s", me->host->state_dir, worker_id);
    folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? OPSLAB_OK
                               : fail(error, OPSLAB_E_INFRASTRUCTURE, "its folder cannot be read");
    }
    while ((item = readdir(folder)) != NULL) {
        if (is_of(item->d_name, 64, digits)) {
            snprintf(handle, sizeof(handle), "%s:%s:%s", RUNNER_NAME, worker_id, item->d_name);
            visitor->visit(visitor->ctx, item->d_name, handle);
        }
    }
    closedir(folder);
    return OPSLAB_OK;
}

static void close_instance(void* self) {
    instance* me = self;
    while (me->runs != NULL) {
        run_stop(me->runs, 0);
        forget(me, me->runs->handle);
    }
    pthread_mutex_destroy(&me->mutex);
    free(me);
}

/* The settings are `{"driver":"PATH"}`: the host has checked that. */
static int read_driver(const char* config, char* driver) {
    const char start[] = "{\"driver\":\"";
    const size_t size = strlen(config);
    if (strncmp(config, start, sizeof(start) - 1) != 0 || size - sizeof(start) >= PATH_BYTES ||
        strchr(config, '\\') != NULL) {
        return -1;
    }
    memcpy(driver, config + sizeof(start) - 1, size - sizeof(start) - 1);
    return 0;
}

static int32_t create(
    const opslab_host* host, const char* config, opslab_runner* runner, const opslab_writer* error
) {
    instance* me = calloc(1, sizeof(instance));
    if (me == NULL || read_driver(config, me->driver) != 0) {
        free(me);
        return fail(error, OPSLAB_E_INVALID, "driver: expected a path");
    }
    me->host = host;
    pthread_mutex_init(&me->mutex, NULL);
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
    RUNNER_NAME,
    "1.2.3",
    NULL,
    "{\"type\": \"object\", \"required\": [\"driver\"], \"properties\": {\"driver\": {\"type\": "
    "\"string\", \"minLength\": 1, \"description\": \"The driver's path.\"}}}",
    create,
    NULL,
};
