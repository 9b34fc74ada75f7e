#define _XOPEN_SOURCE 700
#include "run.h"

#include "family.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_LINE = 1 << 20, TICK_MS = 10 };

/* Two starts at once must not give each other's pipes to their children. */
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

static void be_child(
    const char* program, const char* folder, char* const* environment, int out, int err
) {
    char* arguments[] = {(char*)(size_t)program, NULL};
    sigset_t none;
    const int nothing = open("/dev/null", O_RDONLY);
    int fd = 0;
    setsid();
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    for (fd = 3; fd < 1024; ++fd) {
        close(fd);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (chdir(folder) == 0) {
        execve(program, arguments, environment);
    }
    _exit(127);
}

static int open_pipes(int out[2], int err[2]) {
    if (pipe(out) != 0) {
        return -1;
    }
    if (pipe(err) != 0) {
        close(out[0]);
        close(out[1]);
        return -1;
    }
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    fcntl(err[0], F_SETFD, FD_CLOEXEC);
    fcntl(out[1], F_SETFD, FD_CLOEXEC);
    fcntl(err[1], F_SETFD, FD_CLOEXEC);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    return 0;
}

run* run_start(const char* program, const char* folder, char* const* environment) {
    run* me = calloc(1, sizeof(run));
    int out[2];
    int err[2];
    if (me == NULL) {
        return NULL;
    }
    me->streams[0].line = malloc(LONGEST_LINE);
    me->streams[1].line = malloc(LONGEST_LINE);
    pthread_mutex_init(&me->mutex, NULL);
    pthread_mutex_init(&me->waiting, NULL);
    me->streams[0].fd = me->streams[1].fd = -1;
    me->streams[0].name = 1;
    me->streams[1].name = 2;
    me->users = 1;
    me->pid = -1;
    pthread_mutex_lock(&starting);
    if (me->streams[0].line != NULL && me->streams[1].line != NULL && open_pipes(out, err) == 0) {
        me->pid = fork();
        if (me->pid == 0) {
            be_child(program, folder, environment, out[1], err[1]);
        }
        close(out[1]);
        close(err[1]);
        me->streams[0].fd = out[0];
        me->streams[1].fd = err[0];
    }
    pthread_mutex_unlock(&starting);
    if (me->pid < 0) {
        me->has_ended = 1;
        run_free(me);
        return NULL;
    }
    return me;
}

void run_free(run* me) {
    int i = 0;
    for (i = 0; i < 2; ++i) {
        if (me->streams[i].fd >= 0) {
            close(me->streams[i].fd);
        }
        free(me->streams[i].line);
    }
    pthread_mutex_destroy(&me->mutex);
    pthread_mutex_destroy(&me->waiting);
    free(me);
}

int run_has_ended(run* me) {
    int ended = 0;
    pthread_mutex_lock(&me->mutex);
    if (!me->has_ended && waitpid(me->pid, &me->status, WNOHANG) == me->pid) {
        me->has_ended = 1;
    }
    ended = me->has_ended;
    pthread_mutex_unlock(&me->mutex);
    return ended;
}

void run_signal(run* me, int number) {
    pthread_mutex_lock(&me->mutex);
    /* right after its start it may not lead a group yet */
    if (!me->has_ended && kill(-me->pid, number) != 0) {
        kill(me->pid, number);
    }
    pthread_mutex_unlock(&me->mutex);
}

int run_stop(run* me, int32_t grace_ms) {
    int32_t waited = 0;
    if (grace_ms > 0) {
        run_signal(me, SIGTERM);
    }
    for (waited = 0; waited < grace_ms && !run_has_ended(me); waited += 3) {
        pause_briefly();
    }
    run_signal(me, SIGKILL);
    while (!run_has_ended(me)) {
        pause_briefly();
    }
    return kill_marked(me->mark);
}

static int give_line(run* me, stream* from, const opslab_sink* sink) {
    const size_t prefix = strlen(me->prefix);
    const int is_event =
        from->name == 1 && from->length >= prefix && memcmp(from->line, me->prefix, prefix) == 0;
    const char* text = is_event ? from->line + prefix : from->line;
    const size_t size = is_event ? from->length - prefix : from->length;
    const int is_cut = from->is_cut;
    from->length = 0;
    from->is_cut = 0;
    if (is_event && !is_cut) {
        return sink->event(sink->ctx, text, size);
    }
    return sink->output(sink->ctx, from->name, text, size, is_cut);
}

/* Uses up the chunk, line by line; 1 where the sink wants no more for now. */
static int give_chunk(run* me, stream* from, const opslab_sink* sink) {
    while (from->taken < from->size) {
        const char* at = from->chunk + from->taken;
        const char* feed = memchr(at, '\n', from->size - from->taken);
        size_t piece = feed == NULL ? from->size - from->taken : (size_t)(feed - at);
        from->taken += piece + (feed != NULL);
        if (piece > LONGEST_LINE - from->length) {
            piece = LONGEST_LINE - from->length;
            from->is_cut = 1;
        }
        memcpy(from->line + from->length, at, piece);
        from->length += piece;
        if (feed != NULL && give_line(me, from, sink) != 0) {
            return 1;
        }
    }
    return 0;
}

/* Reads and gives what there is; 1 where the sink wants no more for now. */
static int pump(run* me, stream* from, const opslab_sink* sink, int* is_idle) {
    ssize_t got = 0;
    if (give_chunk(me, from, sink) != 0) {
        return 1;
    }
    if (from->fd < 0) {
        return 0;
    }
    got = read(from->fd, from->chunk, sizeof(from->chunk));
    from->taken = 0;
    from->size = got > 0 ? (size_t)got : 0;
    if (got == 0) {
        close(from->fd);
        from->fd = -1;
    }
    *is_idle = *is_idle && got <= 0;
    return give_chunk(me, from, sink);
}

/* The last lines may have no end of their own. */
static void finish(run* me, const opslab_sink* sink) {
    int i = 0;
    for (i = 0; i < 2; ++i) {
        if (me->streams[i].length > 0) {
            give_line(me, &me->streams[i], sink);
        }
    }
}

static int32_t deliver(run* me, const opslab_wait_request* request) {
    int is_alone = 0;
    for (;;) {
        struct pollfd waits[3] = {
            {request->interrupt_fd, POLLIN, 0},
            {me->streams[0].fd, POLLIN, 0},
            {me->streams[1].fd, POLLIN, 0},
        };
        const int ended = run_has_ended(me);
        int is_idle = 1;
        if (ended && !is_alone) {
            kill_marked(me->mark); /* or its children would keep the pipes open */
            is_alone = 1;
        }
        poll(waits, 3, ended ? 0 : TICK_MS);
        if (waits[0].revents != 0) {
            return OPSLAB_E_INTERRUPTED;
        }
        if (pump(me, &me->streams[0], request->sink, &is_idle) != 0 ||
            pump(me, &me->streams[1], request->sink, &is_idle) != 0) {
            return OPSLAB_E_INTERRUPTED;
        }
        if (ended && is_idle) {
            finish(me, request->sink);
            return OPSLAB_OK;
        }
    }
}

int32_t run_wait(run* me, const opslab_wait_request* request, opslab_run_end* end) {
    int32_t answer = OPSLAB_OK;
    pthread_mutex_lock(&me->waiting);
    answer = deliver(me, request);
    pthread_mutex_unlock(&me->waiting);
    if (answer == OPSLAB_OK) {
        end->how = WIFSIGNALED(me->status) ? OPSLAB_END_SIGNALLED : OPSLAB_END_EXITED;
        end->code = WIFSIGNALED(me->status) ? WTERMSIG(me->status) : WEXITSTATUS(me->status);
    }
    return answer;
}
