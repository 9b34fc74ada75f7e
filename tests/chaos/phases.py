"""The faults, as data: what is done, to what, how long it lasts, and where it can be done."""

import dataclasses
import os
import pathlib
import random

ALL_STORAGES = ("sqlite", "postgres")
ALL_RUNNERS = ("process",)


@dataclasses.dataclass(frozen=True)
class Phase:
    fault: str  # the name of a function below
    share: int  # how often in a deck
    seconds: tuple = (0.0, 0.0)  # how long it lasts, or how long what was killed stays dead
    when: str = "any"  # or "running": as soon as a task is seen running
    storages: tuple = ALL_STORAGES
    runners: tuple = ALL_RUNNERS


PHASES = (
    Phase("kill_coordinator", 4, (0.0, 1.5)),
    Phase("kill_coordinator", 2, (0.0, 0.0), when="running"),
    Phase("kill_worker", 4, (0.0, 1.5)),
    Phase("kill_worker", 2, (0.0, 0.0), when="running"),
    Phase("kill_worker", 1, (7.0, 9.0), when="running"),
    Phase("kill_driver", 4, when="running"),
    Phase("kill_supervisor", 1, when="running", runners=("process",)),
    Phase("kill_all", 1, (0.0, 1.0)),
    Phase("kill_backend", 3, storages=("postgres",)),
    Phase("kill_postgres", 2, (0.0, 2.0), storages=("postgres",)),
)


class Plan:
    """Decks of the phases that suit, each shuffled by the seed: every fault comes, in any order."""

    def __init__(self, seed, storage, runner, only=()):
        self.random = random.Random(seed)
        self.phases = [
            phase
            for phase in PHASES
            if storage in phase.storages
            and runner in phase.runners
            and (not only or phase.fault in only)
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
    return killed(plan.pick(up(stand.coordinators)), seconds)


def kill_worker(stand, plan, seconds):
    return killed(plan.pick(up(stand.workers)), seconds)


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


def kill_driver(stand, plan, seconds):
    begun = begun_runs(stand)
    pids = [pid for pid in stand.drivers() if pid in begun and program(pid) == "opslab-driver-s"]
    pid = plan.pick(sorted(pids))
    if pid is None:
        return None
    note_killed(stand, begun[pid])
    return sent_kill(pid, f"driver of {begun[pid][0]}")


def kill_supervisor(stand, plan, seconds):
    """The driver below it ends with it."""
    begun = begun_runs(stand)
    below = {
        pid: next((begun[child] for child in children(pid) if child in begun), None)
        for pid in stand.drivers()
        if program(pid).startswith("opslab-supervi")
    }
    pid = plan.pick(sorted(pid for pid, run in below.items() if run))
    if pid is None:
        return None
    note_killed(stand, below[pid])
    return sent_kill(pid, f"supervisor {pid}")


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


def killed(process, seconds):
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
