"""The faults, as data: what is done, to what, how long it lasts, and where it can be done."""

import dataclasses
import os
import pathlib
import random
import time

from signs import slow

ALL_STORAGES = ("sqlite", "postgres")
ALL_RUNNERS = ("process", "docker")
CLOCK_JUMP = 20  # seconds: leases are far over, the tasks' own time is not


@dataclasses.dataclass(frozen=True)
class Phase:
    fault: str  # the name of a function below
    share: int  # how often in a deck
    seconds: tuple = (0.0, 0.0)  # how long it lasts, or how long what was killed stays dead
    when: str = "any"  # or "running": as soon as a task is seen running
    storages: tuple = ALL_STORAGES
    runners: tuple = ALL_RUNNERS
    needs: str = ""  # what the stand must have: disks, clock
    may_miss: bool = False  # runs may just have ended, or need nothing of what is struck
    # what a person finds of it: a pattern of one line of some log, and a metric of some coordinator or
    # worker that goes up (signs.Metrics)
    says: str = dataclasses.field(kw_only=True)
    moves: str = dataclasses.field(kw_only=True)


NO_RESULT = "a run ended without a result"
SLOW = "slow plugin call|is locked by another program"
SLOW_LINE = "slow call to the coordinator|heartbeat failed|events wait until the coordinator answers"
NO_WAKE_UPS = "no wake-ups from other coordinators"
OFFLINE = "worker offline: no heartbeat"
JUMPED = "the clock of this machine jumped"
WARNED = 'opslab_log_events_total{level="warning"}'
SLOW_CALLS = slow("opslab_plugin_call_seconds")
STARTED = "process_start_time_seconds"
GONE = 'opslab_swept_total{what="worker_offline"}'
RETRIED = "opslab_retries_total"
TASK_FAILED = 'task_duration_seconds_count{status="failed"}'
RUNNING = "running"
PROCESS = ("process",)
DOCKER = ("docker",)
LONG = (8.5, 10.0)  # more than a heartbeat time-out and a sweep
NOTICED = (2.5, 3.5)  # less than a worker waits until it gives its runs up
SQLITE = ("sqlite",)
PG = ("postgres",)


def killed(who):
    return f"the last {who} here was not stopped in order"


PHASES = (
    Phase("kill_coordinator", 4, (0.0, 1.5), says=killed("coordinator"), moves=STARTED),
    Phase("kill_coordinator", 2, when=RUNNING, says=killed("coordinator"), moves=STARTED),
    Phase("kill_worker", 4, (0.0, 1.5), says=killed("worker"), moves=STARTED),
    Phase("kill_worker", 2, when=RUNNING, says=killed("worker"), moves=STARTED),
    Phase("kill_worker", 1, LONG, when=RUNNING, says=OFFLINE, moves=GONE),
    Phase("kill_driver", 4, when=RUNNING, runners=PROCESS, may_miss=True,
          says=NO_RESULT, moves=TASK_FAILED),
    Phase("kill_container", 4, when=RUNNING, runners=DOCKER, may_miss=True,
          says=NO_RESULT, moves=RETRIED),
    Phase("kill_dockerd", 2, (0.5, 3.0), when=RUNNING, runners=DOCKER, says=NO_RESULT, moves=RETRIED),
    Phase("kill_supervisor", 1, when=RUNNING, runners=PROCESS, may_miss=True,
          says=NO_RESULT, moves=RETRIED),
    Phase("kill_all", 1, (0.0, 1.0), says=killed("worker"), moves=STARTED),
    Phase("kill_backend", 3, storages=PG, says=NO_WAKE_UPS, moves=WARNED),
    Phase("freeze_worker", 2, LONG, when=RUNNING, says=OFFLINE, moves=GONE),
    Phase("freeze_worker", 1, NOTICED, when=RUNNING,
          says="this worker stood still|" + SLOW_LINE, moves=WARNED),
    Phase("kill_postgres", 2, (0.0, 2.0), storages=PG, says=NO_WAKE_UPS, moves=WARNED),
    Phase("freeze_coordinator", 1, LONG, when=RUNNING,
          says="this coordinator could not sweep", moves=WARNED),
    Phase("cut_worker", 2, LONG, when=RUNNING, says=OFFLINE, moves=GONE),
    Phase("cut_worker", 2, NOTICED, when=RUNNING, says=SLOW_LINE, moves=WARNED),
    Phase("cut_database", 1, LONG, when=RUNNING, storages=PG, says=SLOW, moves=SLOW_CALLS),
    Phase("cut_database", 1, NOTICED, when=RUNNING, storages=PG, says=SLOW, moves=SLOW_CALLS),
    Phase("slow_database", 1, (2.0, 4.0), storages=PG, says=SLOW, moves=SLOW_CALLS),
    Phase("lock_database", 1, (2.0, 4.0), says=SLOW, moves=SLOW_CALLS),
    Phase("fill_database_disk", 1, (1.0, 3.0), storages=SQLITE, runners=PROCESS, needs="disks",
          says="the disk is full", moves="opslab_plugin_call_failures_total"),
    Phase("fill_work_disk", 1, (1.0, 3.0), runners=PROCESS, needs="disks", may_miss=True,
          says=NO_RESULT + ".*No space left", moves=RETRIED),
    Phase("turn_clock", 1, when=RUNNING, needs="clock", says=JUMPED, moves=WARNED),
    Phase("turn_clock_back", 1, when=RUNNING, needs="clock", says=JUMPED, moves=WARNED),
)  # fmt: skip


class Plan:
    """Decks of the phases that suit, each shuffled by the seed: every fault comes, in any order."""

    def __init__(self, seed, storage, runner, only=(), has=()):
        self.random = random.Random(seed)
        self.phases = [
            phase
            for phase in PHASES
            if storage in phase.storages
            and runner in phase.runners
            and (not only or phase.fault in only)
            and (not phase.needs or phase.needs in has)
        ]
        self.deck = []

    def next(self):
        """A phase, and for how many seconds."""
        if not self.deck:
            self.deck = [phase for phase in self.phases for _ in range(phase.share)]
            self.random.shuffle(self.deck)
        phase = self.deck.pop()
        return phase, self.random.uniform(*phase.seconds)

    def pick(self, things):
        return self.random.choice(things) if things else None


# Each fault takes the stand, the plan and the seconds, and returns what it hit (None: nothing there).


def kill_coordinator(stand, plan, seconds):
    return sent_dead(plan.pick(up(stand.coordinators)), seconds)


def kill_worker(stand, plan, seconds):
    return sent_dead(plan.pick(up(stand.workers)), seconds)


def kill_all(stand, plan, seconds):
    """As when the power goes: nobody can say goodbye to anybody."""
    for process in up(stand.kept()):
        process.kill(seconds)
    return "everything"


def kill_backend(stand, plan, seconds):
    """One session's process of the database: the server then ends all of them and recovers."""
    if stand.postgres_due is not None:
        return None
    server = (pathlib.Path(stand.postgres.folder) / "data/postmaster.pid").read_text().split()[0]
    sessions = [session for session in children(int(server)) if "127.0.0.1(" in title(session)]
    pid = plan.pick(sorted(sessions))
    return None if pid is None else sent_kill(pid, f"backend {pid}")


def kill_postgres(stand, plan, seconds):
    if stand.postgres_due is not None:
        return None
    stand.kill_postgres(seconds)
    return "the database server"


def kill_dockerd(stand, plan, seconds):
    """Its containers go on, and most end as it starts again: no fault of their tasks."""
    if stand.engine.process.poll() is not None:
        return None
    stand.kill_engine(seconds)
    return "the engine"


def kill_container(stand, plan, seconds):
    """By the engine, for somebody who is not opslab: no fault of its task."""
    end = time.monotonic() + 2
    while not stand.engine.running and time.monotonic() < end:
        time.sleep(0.05)
    container = plan.pick(sorted(stand.engine.running))
    if container is None or stand.engine.process.poll() is not None:
        return None
    run = stand.engine.running[container]
    return f"container of {run[0]}" if stand.engine.kill_container(container) else None


def kill_driver(stand, plan, seconds):
    begun = begun_runs(stand)
    pids = [pid for pid in stand.drivers() if pid in begun and program(pid) == "opslab-driver-s"]
    pid = plan.pick(sorted(pids))
    if pid is None:
        return None
    note_killed(stand, begun[pid])
    return sent_kill(pid, f"driver of {begun[pid][0]}")


def kill_supervisor(stand, plan, seconds):
    """The driver below it ends with it, for no fault of its task."""
    begun = begun_runs(stand)
    below = {
        pid: next((begun[child] for child in children(pid) if child in begun), None)
        for pid in stand.drivers()
        if program(pid).startswith("opslab-supervi")
    }
    pid = plan.pick(sorted(pid for pid, run in below.items() if run))
    if pid is None:
        return None
    return sent_kill(pid, f"supervisor {pid}")


def freeze_worker(stand, plan, seconds):
    """Past its lease, or not: what it sends when it goes on must change nothing in the first case."""
    return frozen(plan.pick(up(stand.workers)), seconds)


def freeze_coordinator(stand, plan, seconds):
    return frozen(plan.pick(up(stand.coordinators)), seconds)


def cut_worker(stand, plan, seconds):
    return cut(stand, plan, seconds, "worker")


def cut_database(stand, plan, seconds):
    return cut(stand, plan, seconds, "database")


def slow_database(stand, plan, seconds):
    """Every piece that goes to or from the database of one coordinator waits."""
    name = plan.pick(sorted(one for one in stand.proxies if one.startswith("database")))
    proxy = stand.proxies[name]
    proxy.slow(plan.random.uniform(0.05, 0.3))
    stand.after(seconds, proxy.heal)
    return name


def lock_database(stand, plan, seconds):
    """Someone else holds it: sessions of the pool wait until none is left."""
    return stand.lock_database(seconds)


def fill_database_disk(stand, plan, seconds):
    return filled(stand, "database", seconds)


def fill_work_disk(stand, plan, seconds):
    return filled(stand, "work", seconds)


def turn_clock(stand, plan, seconds):
    """The clock of one coordinator jumps ahead, and so away from the others'."""
    return turned(stand, plan, CLOCK_JUMP)


def turn_clock_back(stand, plan, seconds):
    return turned(stand, plan, -CLOCK_JUMP)


def filled(stand, what, seconds):
    disk = stand.disks[what]
    disk.fill()
    stand.after(seconds, disk.empty)
    return f"disk of {what}"


def cut(stand, plan, seconds, what):
    """Bytes are held back and arrive late, or the connections are ended too."""
    name = plan.pick(sorted(one for one in stand.proxies if one.startswith(what)))
    proxy = stand.proxies[name]
    proxy.cut()
    if plan.random.random() < 0.5:
        proxy.reset()
    stand.after(seconds, proxy.heal)
    return name


def turned(stand, plan, seconds):
    name = plan.pick(sorted(stand.clocks_ahead))
    stand.turn_clock(name, seconds)
    return f"{name} {seconds:+} s"


def frozen(process, seconds):
    if process is None:
        return None
    process.freeze(seconds)
    return process.name


def begun_runs(stand):
    """Task and attempt by process id, of the drivers that are at work."""
    begun = {}
    for what, task, attempt, pid, _ in stand.runs():
        if what == "start":
            begun[pid] = (task, attempt)
        elif what == "end":
            begun.pop(pid, None)
    return begun


def note_killed(stand, run):
    # before the kill: a note too many excuses nothing that the checker must see
    stand.history.note("driver_killed", task=run[0], attempt=run[1])


def children(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words]


def up(processes):
    return [process for process in processes if process.is_up() and not process.frozen]


def sent_dead(process, seconds):
    if process is None:
        return None
    process.kill(seconds)
    return process.name


def title(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def program(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def sent_kill(pid, name):
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return None
    return name


def strike(phase, stand, plan, seconds):
    return globals()[phase.fault](stand, plan, seconds)
