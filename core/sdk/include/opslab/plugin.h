/* The binary contract between opslab and its plugins, in C99.
 *
 * Rules (docs/plugin-abi.md): every struct begins with its size; members are only ever appended;
 * a reader touches no member beyond the size it was given; no C++ type and no exception crosses;
 * whoever allocates frees; text is UTF-8, NUL-terminated where it is a `const char*`.
 *
 * A library exports one data symbol, `opslab_plugin`, of type `const opslab_plugin_descriptor`.
 * Nothing else of the library runs before the host has accepted that descriptor.
 */
#ifndef OPSLAB_PLUGIN_H
#define OPSLAB_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OPSLAB_ABI_MAJOR 1u /* equal, or refused */
#define OPSLAB_ABI_MINOR 1u /* the host's must be at least the plugin's */

/* How the create function and what it makes are called. */
#define OPSLAB_ABI_KIND_C                                                   \
    1u /* a table of C functions: any compiler, this minor version or older \
        */
#define OPSLAB_ABI_KIND_CXX 2u /* C++ classes: the same toolchain and build as the host */

#define OPSLAB_PLUGIN_STORAGE 1u /* OPSLAB_ABI_KIND_CXX */
#define OPSLAB_PLUGIN_RUNNER 2u  /* OPSLAB_ABI_KIND_C */

/* What a call came to. The text that goes with a failure is for people and holds no secret. */
enum {
    OPSLAB_OK = 0,
    OPSLAB_E_INVALID = 1,        /* the caller's argument or the configuration is wrong */
    OPSLAB_E_TASK = 2,           /* this task cannot run here; a retry would not help */
    OPSLAB_E_INFRASTRUCTURE = 3, /* image, engine, cluster, disk: a retry may help */
    OPSLAB_E_NOT_FOUND = 4,      /* no run of that handle (any more) */
    OPSLAB_E_INTERRUPTED = 5,    /* the interrupt descriptor became readable */
    OPSLAB_E_UNSUPPORTED = 6,    /* this plugin does not offer the call */
    OPSLAB_E_INTERNAL = 7        /* a defect of the plugin */
};

/* Where the host takes text from the plugin. `write` may be called several times for one text;
 * the host copies before it returns, and cuts what is beyond its bounds. Never null, never fails.
 * Threads: the one that got it, during the call that it came with. */
typedef struct opslab_writer {
    void* ctx;
    void (*write)(void* ctx, const char* data, size_t size);
} opslab_writer;

/* What the host lends a plugin for the whole life of the instance: until `close` has returned.
 * Threads: any. */
typedef struct opslab_host {
    uint32_t struct_size;
    uint32_t abi_minor; /* the host's */
    void* ctx;
    const char* state_dir;    /* private to this plugin, survives restarts, exists, mode 0700 */
    const char* host_version; /* opslab's version */
    /* level: 0 debug, 1 info, 2 warning, 3 error, 4 critical. Never fails. */
    void (*log)(void* ctx, int32_t level, const char* message, size_t size);
} opslab_host;

/* Where the output of a run goes. Every function returns 0, or 1: "leave off": `wait` then returns
 * OPSLAB_E_INTERRUPTED soon, the run goes on. A call blocks while the host is behind: that is the
 * back-pressure, and the runner must not buffer without bound. The host copies; nothing is kept.
 * Threads: the one that called `wait`, until it returns. */
typedef struct opslab_sink {
    uint32_t struct_size;
    void* ctx;
    /* One event of the driver: the JSON object that followed the event prefix, as it came. */
    int32_t (*event)(void* ctx, const char* json, size_t size);
    /* One line of output that is no event, without its line end. stream: 1 stdout, 2 stderr.
     * Any bytes; at most 1 MiB, longer lines come cut with truncated = 1. */
    int32_t (*output)(void* ctx, int32_t stream, const char* text, size_t size, int32_t truncated);
    /* Everything up to here was delivered; a later `wait` may be given this text as `position`. */
    int32_t (*position)(void* ctx, const char* text, size_t size);
} opslab_sink;

/* A task as `check` sees it. */
typedef struct opslab_task {
    uint32_t struct_size;
    int32_t max_steps;
    const char* problem_id;
    const char* agent_config_json;
    const char* metadata_json;
} opslab_task;

/* A run to start. `run_id` is chosen by the host, unique for ever, of [0-9a-f.-], at most 64
 * characters; everything that the runner makes for the run carries it and `worker_id` (a label, a
 * name, a file), so that `list_owned` finds it after a crash. */
typedef struct opslab_run_request {
    uint32_t struct_size;
    int32_t attempt; /* from 1 */
    const char* run_id;
    const char* worker_id;
    const char* task_id;
    const char* problem_id;
    const char* task_json; /* the OPSLAB_TASK_FILE object, all but `event_prefix` */
    int64_t deadline_us;   /* UTC microseconds; the host enforces it */
    int32_t slot;          /* from 0: which of the worker's slots; one run at a time in each */
    int32_t interrupt_fd;  /* readable when the host wants the call to end, or -1 */
} opslab_run_request;

typedef struct opslab_wait_request {
    uint32_t struct_size;
    int32_t interrupt_fd; /* readable when the host wants the call to end, or -1 */
    const char* handle;
    const char* position; /* the last position that was delivered, or null: from the start */
    const opslab_sink* sink;
} opslab_wait_request;

/* How a run ended. */
enum {
    OPSLAB_END_EXITED = 1,    /* code is the exit status */
    OPSLAB_END_SIGNALLED = 2, /* code is the signal's number */
    OPSLAB_END_OOM = 3        /* killed for using more memory than it was given; code as above */
};

typedef struct opslab_run_end {
    uint32_t struct_size;
    int32_t how;
    int32_t code;
} opslab_run_end;

typedef struct opslab_stop_request {
    uint32_t struct_size;
    int32_t grace_ms; /* after the polite signal, before the force; 0: force at once */
    const char* handle;
} opslab_stop_request;

/* One thing that a worker owns: called once for each by `list_owned`. */
typedef struct opslab_owned_visitor {
    uint32_t struct_size;
    void* ctx;
    void (*visit)(void* ctx, const char* run_id, const char* handle);
} opslab_owned_visitor;

/* A runner instance. What holds for every function but `close`:
 *
 * - Errors: the return value is one of the codes above, and `error` gets one text for people with
 * it. Beside those named, any function may fail with E_INVALID (an argument is not what this header
 *   says) and E_INTERNAL. A code that is not above counts as E_INTERNAL.
 * - Threads: any, several at once, for different runs. For one run the host calls `start`, then
 *   `wait` on one thread at a time, with `stop` and `destroy` from others, also while it waits.
 * - Ownership: what is passed in lives until the call returns; copy what must live longer.
 * - Interruption: only by `interrupt_fd`, where there is one: poll it beside what is waited for,
 *   never read or close it, and return E_INTERRUPTED soon after it became readable. Without one the
 *   call takes at most seconds (`stop`: its grace and seconds).
 *
 * Optional functions are null where a plugin has none. */
typedef struct opslab_runner {
    uint32_t struct_size;
    uint32_t reserved;
    void* self;
    /* Can this task ever run here? Optional: without it, every task can. No side effect, so it may
     * be repeated; fast (it stands in the way of a submission); not interrupted.
     * Fails: E_TASK with the reason. */
    int32_t (*check)(void* self, const opslab_task* task, const opslab_writer* error);
    /* Makes slot `slot` of `worker_id` ready ahead of work (image, cluster). Optional. Idempotent:
     * a slot that is ready stays so. May take minutes; interrupted by `interrupt_fd`, and then what
     * was half made is taken up or removed by the next call. `start` must work without it.
     * Fails: E_INFRASTRUCTURE, E_INTERRUPTED. */
    int32_t (*prepare
    )(void* self,
      const char* worker_id,
      int32_t slot,
      int32_t interrupt_fd,
      const opslab_writer* error);
    /* Starts a run and writes its handle (UTF-8 text of at most 4 KiB without NUL, kept with the
     * attempt; everything that `wait` and the others need after a restart). Returns when the driver
     * runs. Not idempotent: a run id comes once. Interrupted by the request's `interrupt_fd`; look
     * at it last of all before the driver is started, once what `list_owned` finds is made: it is
     * readable once the run may not begin any more, however long this process stood still. On
     * failure nothing of the run is left. Fails: E_TASK, E_INFRASTRUCTURE, E_INTERRUPTED. */
    int32_t (*start
    )(void* self,
      const opslab_run_request* request,
      const opslab_writer* handle,
      const opslab_writer* error);
    /* Delivers output until the run has ended and all of it was delivered, then fills `end` (its
     * struct_size is the host's). May be repeated: after E_INTERRUPTED it goes on, and after the
     * end it answers the same end. Works again with the same handle in a new process, behind
     * `position`, where runs outlive their worker; where they do not, E_NOT_FOUND. Interrupted by
     * the request's `interrupt_fd` and by a sink that answers 1; the run goes on.
     * Fails: E_NOT_FOUND, E_INFRASTRUCTURE, E_INTERRUPTED. */
    int32_t (*wait
    )(void* self,
      const opslab_wait_request* request,
      opslab_run_end* end,
      const opslab_writer* error);
    /* Politely (SIGTERM to all of the run), after `grace_ms` by force. Returns when the run has
     * ended; a `wait` under way delivers the rest and returns. Idempotent; a run that has ended or
     * is not known is fine. A run that `list_owned` gave half made, while its `start` stands still,
     * does not begin after this. Not interrupted. Fails: E_INFRASTRUCTURE. */
    int32_t (*stop)(void* self, const opslab_stop_request* request, const opslab_writer* error);
    /* Removes everything of the run, by force where it still runs, half-made things included.
     * Idempotent; a run that is not known is fine. Not interrupted. After it `wait` fails with
     * E_NOT_FOUND. Fails: E_INFRASTRUCTURE, and may then be repeated. */
    int32_t (*destroy)(void* self, const char* handle, const opslab_writer* error);
    /* Visits everything that was made for this worker id and not destroyed, also by a predecessor
     * that crashed half-way through `start`; nothing of other workers, and nothing that this plugin
     * did not make. The handle that it gives is one for `destroy`. No side effect; the visitor is
     * called on this thread and copies. Not interrupted. Fails: E_INFRASTRUCTURE. */
    int32_t (*list_owned
    )(void* self,
      const char* worker_id,
      const opslab_owned_visitor* visitor,
      const opslab_writer* error);
    /* Is the place where runs happen in order? Writes one line on what it is, and where something
     * wants attention but keeps no run from starting a further line on each such thing, with what
     * to do about it. Optional. No side effect; not interrupted. Fails: E_INFRASTRUCTURE with what
     * to do about it. */
    int32_t (*health)(void* self, const opslab_writer* report, const opslab_writer* error);
    /* Ends the instance and frees `self`. Called once, on one thread; no other call is under way or
     * follows. Runs are left as they are where they can outlive this process, and ended where they
     * cannot; threads of the plugin end before it returns. Cannot fail. */
    void (*close)(void* self);
    /* Since 1.1. What problems can the driver play, as far as it is known now without running it?
     * Writes one JSON object of at most 1 MiB with `problems`, an array of at most 1,000 objects:
     * `id` (1 to 255 characters) and, where they are known, `task_type`, `application`,
     * `deployment` and `needs` (an array): words of [a-z0-9-]. Writes nothing where it is not known
     * (an image that is not there yet); an empty array says that there are none. Optional. Asked
     * when a worker registers and about once a minute while it waits for tasks; it fetches nothing,
     * and what it makes for a look carries `worker_id` and is gone when it returns. Not
     * interrupted. Fails: E_INFRASTRUCTURE; the worker goes on without. */
    int32_t (*problems
    )(void* self, const char* worker_id, const opslab_writer* json, const opslab_writer* error);
} opslab_runner;

/* Makes a runner: fills `runner`, which the host has cleared. Its struct_size comes as the host's
 * size and is lowered by the plugin to its own; no member beyond either is touched.
 * `config_json` has passed `config_schema`, defaults filled in. It holds no secret of the task's
 * but may hold the operator's: never log it. `host` lives until `close` has returned; `config_json`
 * only until this returns. Threads: one at a time. May be called again for a further instance. Not
 * interrupted: it reads and checks settings, and reaches for nothing that can hang.
 * Fails, and then keeps nothing: E_INVALID (a setting, by name), E_INFRASTRUCTURE. */
typedef int32_t (*opslab_create_runner_fn
)(const opslab_host* host,
  const char* config_json,
  opslab_runner* runner,
  const opslab_writer* error);

typedef struct opslab_plugin_descriptor {
    uint32_t struct_size; /* sizeof(opslab_plugin_descriptor) when the plugin was built */
    uint32_t abi_kind;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t kind;
    uint32_t reserved;
    const char* name; /* as in the configuration: `docker` */
    const char* version;
    const char* toolchain;     /* OPSLAB_ABI_KIND_CXX: must equal the host's; else null */
    const char* config_schema; /* JSON Schema text of the plugin's settings */
    opslab_create_runner_fn create_runner; /* runners; else null */
    void (*create_storage)(void);          /* storages: opslab::CreateStorageFn; else null */
} opslab_plugin_descriptor;

#if defined(__GNUC__)
#define OPSLAB_EXPORT __attribute__((visibility("default")))
#else
#define OPSLAB_EXPORT
#endif

#ifdef __cplusplus
}
#endif

#endif
