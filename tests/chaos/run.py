#!/usr/bin/env python3
"""Breaks a real opslab again and again while clients submit tasks to it, then counts what may never
happen. Ends with a table, and with exit code 1 where a count is not zero."""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import checker
import phases
from history import History
from observer import LONG_SHARE, Observer
from recovery import Recovery
from signs import Expected, Metrics
from stand import HEARTBEAT_TIMEOUT, Stand

from postgres_server import PostgresServer  # noqa: E402  found by stand

RECOVERY_SECONDS = HEARTBEAT_TIMEOUT + 10
SIGN_SECONDS = 20  # after a fault, until it must have been noticed
MISS_SECONDS = 5  # the same of a fault that may have hit nothing
TRIES = 5  # of a fault that hits nothing
LONGEST_FAULT_SECONDS = 15
STUCK_SECONDS = 90  # then what has not ended is called stuck
TICK_SECONDS = 0.1


# ten workers and a thousand short tasks, with a kill every two seconds
PRESETS = {
    "thousand": {
        "workers": 10,
        "tasks": 1000,
        "kills": 10_000,
        "every": 2,
        "minutes": 30,
        "only": ["kill_coordinator", "kill_worker", "kill_driver", "kill_supervisor", "kill_all"],
        "short": True,
        "signs": "none",
    }
}


def preset_of(words):
    return words[words.index("--preset") + 1] if "--preset" in words[:-1] else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="build/release/bin/opslab", help="opslab to be broken")
    parser.add_argument(
        "--turned-clock", type=pathlib.Path, help="turned-clock.so, for faults of the clock"
    )
    parser.add_argument("--minutes", type=float, default=3, help="the run ends after so long (3)")
    parser.add_argument("--kills", type=int, default=40, help="or after so many faults (40)")
    parser.add_argument("--storage", choices=phases.ALL_STORAGES, default="sqlite")
    parser.add_argument("--runner", choices=phases.ALL_RUNNERS, default="process")
    parser.add_argument(
        "--live-restore", action="store_true", help="containers outlive their Docker engine"
    )
    parser.add_argument("--seed", type=int, default=None, help="of faults and tasks (any)")
    parser.add_argument("--workers", type=int, default=2, help="remote workers (2)")
    parser.add_argument("--every", type=float, default=None, help="seconds from fault to fault")
    parser.add_argument("--tasks", type=int, default=None, help="submit so many and end with them")
    parser.add_argument("--only", action="append", default=[], help="only this fault; repeatable")
    parser.add_argument("--short", action="store_true", help="no task outlasts a lease")
    parser.add_argument(
        "--signs", choices=("all", "runner", "none"), default="all",
        help="first strike each fault alone, to see what it leaves: all of them (the default), those of "
        "this runner, or none",
    )  # fmt: skip
    parser.add_argument(
        "--any-recovery", action="store_true", help="a recovery over the limit is told, and no failure"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder even if all is well")
    parser.add_argument("--preset", choices=PRESETS, help="a run that has a name, in docs/chaos.md")
    parser.set_defaults(**PRESETS.get(preset_of(sys.argv), {}))
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(1_000_000)
    options.program = pathlib.Path(options.program).resolve()
    return options


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="opslab-chaos-"))
        self.history = History(self.folder / "history.jsonl")
        self.stand = self.make_stand()
        has = {"disks": self.stand.has_disks, "clock": options.turned_clock is not None}
        self.plan = phases.Plan(
            options.seed,
            options.storage,
            options.runner,
            options.only,
            {name for name, is_there in has.items() if is_there},
        )
        self.observer = None
        self.struck = collections.Counter()
        self.signs = []  # (phase, seconds, line)
        self.metrics = None
        self.recovery = None
        self.last_end = None

    def make_stand(self):
        return Stand(
            self.options.program,
            self.folder,
            self.history,
            self.options.runner,
            self.options.workers,
            postgres=PostgresServer() if self.options.storage == "postgres" else None,
            live_restore=self.options.live_restore,
            disks=os.geteuid() == 0,
            turned_clock=self.options.turned_clock,
        )

    def wait(self, condition, seconds):
        """Tends the stand until the condition holds or the time is over."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self.stand.tend()
            time.sleep(TICK_SECONDS)

    def break_things(self):
        end = time.monotonic() + self.options.minutes * 60
        every = self.options.every or max(0.5, self.options.minutes * 60 / self.options.kills)
        due = time.monotonic() + 1
        begun = sum(self.struck.values())
        while sum(self.struck.values()) - begun < self.options.kills and time.monotonic() < end:
            self.wait(self.observer.is_done, due - time.monotonic())
            if self.observer.is_done():
                return
            self.strike(*self.plan.next())
            due = max(due + every, time.monotonic())

    def strike(self, phase, seconds):
        if phase.when == "running":
            self.wait(self.observer.running, 2)
        hit = phases.strike(phase, self.stand, self.plan, seconds)
        self.history.note("fault", fault=phase.fault, hit=hit, seconds=seconds)
        if hit is not None:
            self.struck[phase.fault] += 1
        return hit

    def show_signs(self):
        """Each fault alone: what it leaves must be seen before the next."""
        alone = {
            "all": self.plan.phases,
            "runner": [one for one in self.plan.phases if one.runners != phases.ALL_RUNNERS],
            "none": [],
        }
        for phase in alone[self.options.signs]:
            for _ in range(TRIES):
                self.wait(self.stand.is_calm, 60)
                expected = Expected(phase, self.folder, self.metrics)
                seconds = self.plan.random.uniform(*phase.seconds)
                if self.strike(phase, seconds) is None:
                    continue
                self.wait(
                    lambda: expected.is_there() and not self.stand.is_struck(),
                    seconds + (MISS_SECONDS if phase.may_miss else SIGN_SECONDS),
                )
                if expected.is_there() or not phase.may_miss:
                    break
            for which in expected.missing():
                self.history.note("silent", which=f"{which} ({seconds:.1f} s)")
            self.signs.append((phase, seconds, expected.line()))

    def recover(self):
        """Waits for the end of every task, and measures what the last fault left (recovery.py)."""
        self.wait(lambda: self.observer.left == 0, 600 if self.options.tasks else 0)
        # a fault that was cut short need not leave a sign
        self.wait(lambda: not self.stand.is_struck(), LONGEST_FAULT_SECONDS)
        self.observer.stop_submitting()
        self.stand.heal()
        began = time.monotonic()
        recovery = Recovery(began)

        def is_done():
            recovery.look(time.monotonic(), self.observer.unfinished(), self.stand.alive_runs())
            return self.observer.is_done()

        self.wait(is_done, STUCK_SECONDS)
        self.recovery = recovery.seconds
        self.last_end = time.monotonic() - began
        self.observer.note_stuck()
        self.wait(self.stand.is_ready, 30)

    def go(self):
        self.stand.start()
        self.observer = Observer(
            self.history,
            self.stand.ports(),
            self.options.seed,
            30,
            self.options.tasks,
            0.0 if self.options.short else LONG_SHARE,
        )
        self.observer.start()
        self.metrics = Metrics([*self.stand.ports(), *self.stand.worker_ports.values()])
        self.wait(self.metrics.has_looked, 30)
        self.show_signs()
        self.break_things()
        self.recover()
        self.observer.stop()
        self.metrics.stop()
        self.observer.note_finals()
        self.stand.stop()
        self.stand.note_left()
        return self.history.rows(), self.stand.runs()


def table(run, rows, runs, found):
    finals = [row for row in rows if row["what"] == "final"]
    ends = collections.Counter(row["status"] for row in finals)
    lines = [
        ("storage, runner, seed", f"{run.options.storage}, {run.options.runner}, {run.options.seed}"),
        ("tasks acknowledged", len(finals)),
        *((f"  {status}", count) for status, count in sorted(ends.items())),
        ("  retried", sum(row["attempt"] > 1 for row in finals)),
        ("runs started", sum(what == "start" for what, *_ in runs)),
        ("faults", sum(run.struck.values())),
        *((f"  {name}", count) for name, count in sorted(run.struck.items())),
        ("signs of faults, alone", len(run.signs)),
        ("recovery after the last", f"{run.recovery:.1f} s (limit {RECOVERY_SECONDS} s)"),
        ("the last task's end after", f"{run.last_end:.1f} s"),
        *((name, len(words)) for name, words in found.items()),
    ]
    return "\n".join(f"{name:<26}{value}" for name, value in lines)


def main():
    options = arguments()
    # so that the processes of a run that is given up are ended too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = Run(options)
    is_well = False
    try:
        rows, runs = run.go()
        found = checker.check(rows, runs)
        print(table(run, rows, runs, found))
        is_well = not any(found.values()) and (
            options.any_recovery or run.recovery <= RECOVERY_SECONDS
        )
        if options.keep:
            for phase, seconds, line in run.signs:
                print(f"{phase.fault} ({seconds:.1f} s), {phase.moves}: {line}")
        for name, words in found.items():
            for word in words[:20]:
                print(f"{name}: {word}")
    finally:
        run.stand.end()
        if is_well and not options.keep:
            shutil.rmtree(run.folder)
        else:
            print(f"kept: {run.folder}")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
