"""What a chaos run is done to: coordinators with embedded workers, remote workers, a storage and a
runner, all real, in one folder."""

import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))

from coordinator import free_port, processes_with, until  # noqa: E402
from kept import Kept  # noqa: E402
from observer import Away, ask  # noqa: E402

HEARTBEAT_TIMEOUT = 6
TIMES = (
    f"heartbeat: {{interval_seconds: 1, timeout_seconds: {HEARTBEAT_TIMEOUT}}}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1, retry_max_seconds: 2, poll_seconds: 1}\n"
)
# what a coordinator and a worker keep of themselves when they have stopped
KEPT_FILES = ("lock", "instance", "coordinator-*.id")


class Stand:
    def __init__(self, program, folder, history, runner="process", workers=2, slots=3, postgres=None):
        self.program = program
        self.folder = pathlib.Path(folder)
        self.history = history
        self.runner = runner
        self.slots = slots
        self.postgres = postgres  # a PostgresServer; without one, an SQLite file
        self.postgres_due = None
        self.journal = self.folder / "journal"
        self.journal.touch()
        self.coordinators = []
        self.add_coordinators()
        self.workers = [self.make_worker(number) for number in range(901, 901 + workers)]

    def add_coordinators(self):
        # only PostgreSQL takes more than one
        for name in ("one", "two") if self.postgres else ("one",):
            self.coordinators.append(self.make_coordinator(name, free_port()))

    def storage(self, name):
        if self.postgres:
            return f'{{plugin: postgres, postgres: {{url: "{self.postgres.url}"}}}}'
        return f'{{plugin: sqlite, sqlite: {{path: "{self.folder}/{name}.db"}}}}'

    def runners(self):
        config = {
            "command": ["opslab-driver-simulated"],
            "variables": {"OPSLAB_SIMULATED_JOURNAL": str(self.journal)},
        }
        return f"runners: [{{name: process, plugin: process, config: {json.dumps(config)}}}]\n"

    def make_coordinator(self, name, port):
        config = self.folder / f"{name}.yaml"
        config.write_text(
            f'server: {{listen: "127.0.0.1:{port}", drain_seconds: 5}}\n'
            f'plugins: {{state_path: "{self.folder}/{name}.state"}}\n'
            f"storage: {self.storage(name)}\n{TIMES}{self.runners()}"
            f"workers: [{{runner: {self.runner}, count: 1, max_parallel_tasks: {self.slots}}}]\n"
        )
        made = Kept(
            f"coordinator {name}",
            [self.program, "serve", "--config", config],
            self.folder / f"{name}.log",
            self.history,
        )
        made.port = port
        made.may_end = self.postgres is not None
        return made

    def port_for(self, worker_number):
        """Where a worker finds a coordinator."""
        return self.coordinators[worker_number % len(self.coordinators)].port

    def make_worker(self, number):
        name = f"worker-{number}-{self.runner}"
        config = self.folder / f"{name}.yaml"
        config.write_text("server: {drain_seconds: 5}\n" + TIMES + self.runners())
        return Kept(
            name,
            [self.program, "worker", "--config", config, "--id", name, "--runner", self.runner,
             "--coordinator", f"http://127.0.0.1:{self.port_for(number)}",
             "--state-dir", self.folder / f"{name}.state",
             "--max-parallel-tasks", self.slots],
            self.folder / f"{name}.log",
            self.history,
        )  # fmt: skip

    def kept(self):
        return [*self.coordinators, *self.workers]

    def kill_postgres(self, stay_dead):
        self.postgres.kill()
        self.postgres_due = time.monotonic() + stay_dead

    def tend(self):
        if self.postgres_due is not None and time.monotonic() >= self.postgres_due:
            self.postgres_due = None
            self.postgres.start()
        for process in self.kept():
            process.tend()

    def start(self):
        for coordinator in self.coordinators:
            coordinator.start()
        until(self.is_ready, "the coordinators to be ready")
        for worker in self.workers:
            worker.start()

    def is_ready(self):
        try:
            return all(ask(one.port, "GET", "/ready")[0] == 200 for one in self.coordinators)
        except Away:
            return False

    def ports(self):
        return [coordinator.port for coordinator in self.coordinators]

    def drivers(self):
        """Process ids of what carries this stand's mark, drivers and what watches over them."""
        return processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}")

    def runs(self):
        """The runs as the drivers recorded them, for the checker."""
        from history import journal_rows

        return journal_rows(self.journal)

    def heal(self):
        """Ends whatever a fault left in force."""
        if self.postgres_due is not None:
            self.postgres_due = None
            self.postgres.start()
        for process in self.kept():
            process.thaw()

    def stop(self):
        for process in reversed(self.kept()):
            process.stop()

    def note_left(self):
        """Processes and files that are there after everything was stopped in order."""
        for pid in self.drivers():
            self.history.note("left", which=f"process {pid} {command_of(pid)}")
        for state in self.folder.glob("*.state"):
            for path in state.rglob("*"):
                if path.is_file() and not any(path.match(kept) for kept in KEPT_FILES):
                    self.history.note("left", which=str(path.relative_to(self.folder)))

    def end(self):
        """However the run went: nothing of it may go on."""
        for process in self.kept():
            if process.is_up():
                process.kill()
        if self.postgres:
            self.postgres.remove()
        for pid in self.drivers():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
    except OSError:
        return ""
