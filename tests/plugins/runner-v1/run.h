/* One run: its process, and the lines of its output. */
#ifndef OPSLAB_TEST_RUN_H
#define OPSLAB_TEST_RUN_H

#include <opslab/plugin.h>

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

enum { PREFIX_BYTES = 40, MARK_BYTES = 4200 };

typedef struct stream {
    int fd; /* -1 at its end */
    int32_t name;
    char chunk[65536];
    size_t size;  /* of the chunk, and ... */
    size_t taken; /* ... of that used up */
    char* line;   /* a line's beginning */
    size_t length;
    int is_cut;
} stream;

typedef struct run {
    struct run* next;
    int users; /* the list is one */
    char handle[400];
    char mark[MARK_BYTES];
    char prefix[PREFIX_BYTES];
    pid_t pid;
    int has_ended;
    int status;
    pthread_mutex_t mutex;   /* guards the two above */
    pthread_mutex_t waiting; /* guards the streams */
    stream streams[2];
} run;

/* Starts `program` with `environment` in `folder`. NULL, with errno, where it cannot be. */
run* run_start(const char* program, const char* folder, char* const* environment);
void run_free(run* me);

/* Whether it has ended; reaps it. */
int run_has_ended(run* me);
/* Sends a signal to its process group, unless it has ended. */
void run_signal(run* me, int number);
/* Ends it and everything that it left, after a polite signal and `grace_ms` (0: at once). */
int run_stop(run* me, int32_t grace_ms);
/* As opslab_runner.wait. */
int32_t run_wait(run* me, const opslab_wait_request* request, opslab_run_end* end);

#endif
