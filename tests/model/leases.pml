/* Claim, renew, finish, sweep, cancel and retry of tasks, with workers that freeze, crash and are
 * not heard. check.py verifies it over all interleavings, and that each guard below is needed:
 * with any one of them taken away (-DNO_…) an error is found.
 *
 * What is abstract: time. A lease may run out and a deadline may pass at any moment, which is more
 * than any clock can do: a worker that sleeps between two of its steps is a frozen one, and its
 * next step is the write of a zombie. A worker's two slots share its id, as slots do.
 *
 * Each step that is one transaction is atomic here. Guards, and the statements they stand for:
 *   CLAIM_GUARD   SQL: task.claimable, task.advance
 *   FENCE         SQL: task.fence (events), task.load (finish), attempt.renew
 *   SWEEP_GUARD   SQL: attempt.expired, attempt.end
 *   CANCEL_GUARD  SQL: task.load, cancel.insert
 * Storages read and write in one transaction; claim and sweep do it in two steps here, so that the
 * guard has to hold in the one that writes.
 */

#ifndef TASKS
#define TASKS 1
#endif
#ifndef RETRIES
#define RETRIES 1
#endif
#ifndef LOSSES
#define LOSSES 1 /* messages of a slot that are lost: a heartbeat, or the answer to an end */
#endif
#define SLOTS 3
#define NONE 255

mtype = { pending, running, completed, failed, timed_out, cancelled };

/* the rows */
mtype status[TASKS] = pending;
byte attempt[TASKS];
byte owner[TASKS] = NONE;
bool expired[TASKS]; /* lease_until is past */
bool due[TASKS];     /* deadline is past */
bool waiting[TASKS]; /* not_before is to come */

/* what each slot believes that it runs */
byte held[SLOTS] = NONE;
byte held_attempt[SLOTS];

/* what nobody sees but the assertions: attempts that are `running` */
byte running_rows[TASKS];

#define TERMINAL(t) (status[t] != pending && status[t] != running)
#if TASKS > 1
#define ALL_ENDED (TERMINAL(0) && TERMINAL(1))
#else
#define ALL_ENDED TERMINAL(0)
#endif

#define CLAIMABLE(t) (status[t] == pending && !waiting[t])
#ifdef NO_CLAIM_GUARD
#define CLAIM_GUARD(t) true
#else
#define CLAIM_GUARD(t) CLAIMABLE(t)
#endif

/* whether a write of this slot is of the attempt that holds the task */
#define CURRENT (status[held[me]] == running && attempt[held[me]] == held_attempt[me] && \
                 owner[held[me]] == worker)
#if defined(NO_ATTEMPT_GUARD)
#define FENCE (status[held[me]] == running && owner[held[me]] == worker)
#elif defined(NO_STATUS_GUARD)
#define FENCE (attempt[held[me]] == held_attempt[me] && owner[held[me]] == worker)
#else
#define FENCE CURRENT
#endif

#ifdef NO_SWEEP_GUARD
#define SWEEP_GUARD true
#else
#define SWEEP_GUARD (status[t] == running && attempt[t] == seen)
#endif

#ifdef NO_CANCEL_GUARD
#define CANCEL_GUARD(t) true
#else
#define CANCEL_GUARD(t) (!TERMINAL(t))
#endif

/* Ends the running attempt of t: a terminal status never changes, an attempt ends once. */
inline end_attempt(t, to) {
    assert(status[t] == running);
    assert(running_rows[t] == 1);
    running_rows[t]--;
    status[t] = to;
    expired[t] = false;
    due[t] = false
}

/* Lost to infrastructure or with its worker: again while retries are left. */
inline lose_attempt(t) {
    if
    :: attempt[t] <= RETRIES -> end_attempt(t, pending); owner[t] = NONE; waiting[t] = true
    :: else -> end_attempt(t, failed)
    fi
}

inline forget() {
    held[me] = NONE;
    held_attempt[me] = 0
}

/* After an end was sent: its answer may be lost, and then the slot sends again. */
inline hear_answer() {
    if
    :: true -> forget()
    :: losses < LOSSES -> losses++
    fi
}

proctype Slot(byte me; byte worker) {
    byte t = 0;
    byte losses = 0;
    bool has_crashed = false;

end_idle:
    do
    :: atomic { held[me] == NONE && CLAIMABLE(0) -> t = 0 }
       goto claim;
#if TASKS > 1
    :: atomic { held[me] == NONE && CLAIMABLE(1) -> t = 1 }
       goto claim;
#endif

    /* a heartbeat or events: they renew the lease, or tell that it is lost */
    :: atomic { held[me] != NONE ->
           if
           :: FENCE -> assert(CURRENT); expired[held[me]] = false
           :: else -> forget()
           fi }
    :: atomic { held[me] != NONE && losses < LOSSES -> losses++ }

    /* the three ends that a worker reports */
    :: atomic { held[me] != NONE ->
           if
           :: FENCE -> assert(CURRENT); end_attempt(held[me], completed)
           :: else -> skip
           fi;
           hear_answer() }
    :: atomic { held[me] != NONE ->
           if
           :: FENCE -> assert(CURRENT); end_attempt(held[me], failed)
           :: else -> skip
           fi;
           hear_answer() }
    :: atomic { held[me] != NONE ->
           if
           :: FENCE -> assert(CURRENT); lose_attempt(held[me])
           :: else -> skip
           fi;
           hear_answer() }

    /* killed: the attempt stays behind, the next life of the slot knows nothing of it */
    :: atomic { held[me] != NONE && !has_crashed -> has_crashed = true; forget() }
    od;

claim:
    atomic {
        if
        :: CLAIM_GUARD(t) ->
               assert(status[t] == pending);
               assert(running_rows[t] == 0);
               running_rows[t]++;
               attempt[t]++;
               assert(attempt[t] <= RETRIES + 1);
               status[t] = running;
               owner[t] = worker;
               held[me] = t;
               held_attempt[me] = attempt[t]
        :: else -> skip
        fi;
        t = 0
    }
    goto end_idle
}

/* One of several coordinators that sweep one database. A deadline wins over a lease. */
proctype Sweeper() {
    byte t = 0;
    byte seen = 0;
    bool is_due = false;

end_sweep:
    do
    :: atomic { status[0] == running && (due[0] || expired[0]) ->
           t = 0; seen = attempt[0]; is_due = due[0] }
       goto sweep;
#if TASKS > 1
    :: atomic { status[1] == running && (due[1] || expired[1]) ->
           t = 1; seen = attempt[1]; is_due = due[1] }
       goto sweep;
#endif
    od;

sweep:
    atomic {
        if
        :: SWEEP_GUARD ->
               if
               :: is_due -> end_attempt(t, timed_out)
               :: else -> lose_attempt(t)
               fi
        :: else -> skip
        fi;
        t = 0; seen = 0; is_due = false
    }
    goto end_sweep
}

/* Time, as three processes, so that fairness makes each of them go on. */
proctype LeaseClock(byte t) {
end_lease:
    do
    :: atomic { status[t] == running && !expired[t] -> expired[t] = true }
    od
}

proctype DeadlineClock(byte t) {
end_deadline:
    do
#ifdef NO_DEADLINE
    :: false -> skip
#else
    :: atomic { status[t] == running && !due[t] -> due[t] = true }
#endif
    od
}

proctype RetryClock(byte t) {
end_retry:
    do
    :: atomic { waiting[t] -> waiting[t] = false }
    od
}

/* A client that may cancel, at any moment, once. */
proctype Client(byte t) {
    if
    :: true -> skip
    :: atomic { CANCEL_GUARD(t) ->
           if
           :: status[t] == running -> end_attempt(t, cancelled)
           :: else -> assert(status[t] == pending); status[t] = cancelled; waiting[t] = false
           fi }
    :: TERMINAL(t) -> skip /* 409 */
    fi
}

init {
    atomic {
        run Slot(0, 0);
        run Slot(1, 0);
        run Slot(2, 1);
        run Sweeper();
#ifndef ONE_SWEEPER
        run Sweeper();
#endif
        byte t = 0;
        do
        :: t < TASKS ->
               run LeaseClock(t);
               run DeadlineClock(t);
               run RetryClock(t);
               run Client(t);
               t++
        :: else -> break
        od
    }
}

/* At most one slot holds what a write would be accepted for. */
#define MAY_WRITE(s, w) (held[s] != NONE && status[held[s]] == running && \
                         attempt[held[s]] == held_attempt[s] && owner[held[s]] == w)
#define SAME(a, b) (held[a] == held[b])
ltl one_writer { [] !((MAY_WRITE(0, 0) && MAY_WRITE(1, 0) && SAME(0, 1)) ||
                      (MAY_WRITE(0, 0) && MAY_WRITE(2, 1) && SAME(0, 2)) ||
                      (MAY_WRITE(1, 0) && MAY_WRITE(2, 1) && SAME(1, 2))) }

/* Whatever happens, every task ends, if every process that can go on does. */
ltl all_end { <> [] ALL_ENDED }
