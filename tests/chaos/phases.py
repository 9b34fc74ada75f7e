"""The faults, as data: what is done, to what, how long it lasts, and where it can be done."""

import dataclasses
import os
import pathlib
import random

ALL_STORAGES = ("sqlite", "postgres")
ALL_RUNNERS = ("process", "docker")


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


def kill_driver(stand, plan, seconds):
    begun = {}
    for what, task, attempt, pid, _ in stand.runs():
        if what == "start":
            begun[pid] = (task, attempt)
        elif what == "end":
            begun.pop(pid, None)
    pids = [pid for pid in stand.drivers() if pid in begun and program(pid) == "opslab-driver-s"]
    pid = plan.pick(sorted(pids))
    if pid is None:
        return None
    task, attempt = begun[pid]
    # before the kill: a note too many excuses nothing that the checker must see
    stand.history.note("driver_killed", task=task, attempt=attempt)
    return sent_kill(pid, f"driver of {task}")


def kill_supervisor(stand, plan, seconds):
    pids = [pid for pid in stand.drivers() if program(pid).startswith("opslab-supervi")]
    pid = plan.pick(sorted(pids))
    return None if pid is None else sent_kill(pid, f"supervisor {pid}")


def up(processes):
    return [process for process in processes if process.is_up() and not process.frozen]


def killed(process, seconds):
    if process is None:
        return None
    process.kill(seconds)
    return process.name


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
