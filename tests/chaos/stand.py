"""What a chaos run is done to: coordinators with embedded workers, remote workers, a storage and a
runner, all real, in one folder."""

import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))

from coordinator import free_port, processes_with, until  # noqa: E402
from engine import Engine  # noqa: E402
from kept import Kept  # noqa: E402
from observer import Away, ask  # noqa: E402
from proxy import Proxy  # noqa: E402
from small_disk import SmallDisk  # noqa: E402

HEARTBEAT_TIMEOUT = 6
TIMES = (
    f"heartbeat: {{interval_seconds: 1, timeout_seconds: {HEARTBEAT_TIMEOUT}}}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1, retry_max_seconds: 2, poll_seconds: 1}\n"
)
DISK_MEGABYTES = 48
# what a coordinator and a worker keep of themselves when they have stopped
KEPT_FILES = ("lock", "instance", "coordinator-*.id")


class Stand:
    def __init__(
        self, program, folder, history, runner="process", workers=2, slots=3, postgres=None,
        disks=False, turned_clock=None, live_restore=False,
    ):  # fmt: skip
        self.program = program
        self.folder = pathlib.Path(folder)
        self.history = history
        self.runner = runner
        self.slots = slots
        self.postgres = postgres  # a PostgresServer; without one, an SQLite file
        self.postgres_due = None
        self.due = []  # (when, what ends a fault)
        self.clocks_ahead = {}  # by coordinator, in seconds
        self.disks = {}  # by what is on them
        self.journal = self.folder / "journal"
        self.journal.touch()
        self.has_disks = disks
        self.turned_clock = turned_clock
        self.mark = f"OPSLAB_CHAOS={self.folder}"
        self.environment = {**os.environ, "OPSLAB_CHAOS": str(self.folder)}
        self.proxies = {}  # by what stands behind them
        self.engine = None
        if runner == "docker":
            driver = pathlib.Path(program).parent / "opslab-driver-simulated"
            self.engine = Engine(self.folder / "engine", self.journal, driver, live_restore)
        self.coordinators = []
        self.worker_ports = {}  # each worker's own port, by its name
        self.add_coordinators()
        self.workers = [self.make_worker(number) for number in range(901, 901 + workers)]

    def add_coordinators(self):
        # only PostgreSQL takes more than one
        for name in ("one", "two") if self.postgres else ("one",):
            self.coordinators.append(self.make_coordinator(name, free_port()))

    def storage(self, name):
        if self.postgres:
            proxy = self.proxies[f"database of {name}"] = Proxy(address_of(self.postgres.url))
            url = with_port(self.postgres.url, proxy.port)
            return f'{{plugin: postgres, postgres: {{url: "{url}", pool_size: 4}}}}'
        return f'{{plugin: sqlite, sqlite: {{path: "{self.disk_for("database")}/{name}.db"}}}}'

    def disk_for(self, what):
        """A folder on a disk of its own, where there may be one."""
        if not self.has_disks:
            return self.folder
        if what not in self.disks:
            self.disks[what] = SmallDisk(self.folder / what, DISK_MEGABYTES)
        return self.disks[what].folder

    def state(self, name):
        return self.disk_for("work") / f"{name}.state"

    def runners(self):
        if self.runner == "docker":
            config = {
                "image": self.engine.image,
                "pull": "never",
                "network": "none",
                "socket": str(self.engine.socket),
            }
            return f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
        config = {
            "command": ["opslab-driver-simulated"],
            "variables": {"OPSLAB_SIMULATED_JOURNAL": str(self.journal)},
        }
        return f"runners: [{{name: process, plugin: process, config: {json.dumps(config)}}}]\n"

    def make_coordinator(self, name, port):
        config = self.folder / f"{name}.yaml"
        config.write_text(
            f'server: {{listen: "127.0.0.1:{port}", drain_seconds: 5}}\n'
            f'plugins: {{state_path: "{self.state(name)}"}}\n'
            f"storage: {self.storage(name)}\n{TIMES}{self.runners()}"
            f"workers: [{{runner: {self.runner}, count: 1, max_parallel_tasks: {self.slots}}}]\n"
        )
        made = Kept(
            f"coordinator {name}",
            [self.program, "serve", "--config", config],
            self.folder / f"{name}.log",
            self.history,
            self.clock_environment(name),
        )
        made.port = port
        made.may_end = self.postgres is not None
        return made

    def port_for(self, worker_number):
        """Where a worker finds a coordinator: behind a proxy of its own."""
        port = self.coordinators[worker_number % len(self.coordinators)].port
        proxy = self.proxies[f"worker {worker_number}"] = Proxy(("127.0.0.1", port))
        return proxy.port

    def clock_environment(self, name):
        """A coordinator has its clock of the day as a file says, if there is the library for it."""
        if self.turned_clock is None:
            return self.environment
        self.turn_clock(name, 0)
        return {
            **self.environment,
            "LD_PRELOAD": str(self.turned_clock),
            "OPSLAB_TURNED_CLOCK": str(self.clock_file(name)),
        }

    def clock_file(self, name):
        return self.folder / f"{name}.clock"

    def turn_clock(self, name, seconds):
        ahead = self.clocks_ahead[name] = self.clocks_ahead.get(name, 0) + seconds
        file = self.clock_file(name)
        # in place, since it is mapped
        with open(file, "r+b" if file.exists() else "wb") as opened:
            opened.write(ahead.to_bytes(8, "little", signed=True))

    def worker_port(self, name):
        return self.worker_ports.setdefault(name, free_port())

    def make_worker(self, number):
        name = f"worker-{number}-{self.runner}"
        config = self.folder / f"{name}.yaml"
        config.write_text("server: {drain_seconds: 5}\n" + TIMES + self.runners())
        return Kept(
            name,
            [self.program, "worker", "--config", config, "--id", name, "--runner", self.runner,
             "--coordinator", f"http://127.0.0.1:{self.port_for(number)}",
             "--state-dir", self.state(name), "--listen", f"127.0.0.1:{self.worker_port(name)}",
             "--max-parallel-tasks", self.slots],
            self.folder / f"{name}.log",
            self.history,
            self.environment,
        )  # fmt: skip

    def kept(self):
        return [*self.coordinators, *self.workers]

    def lock_database(self, seconds):
        """From outside, as a tool of the operator's may: no write gets through for so long."""
        if self.postgres:
            if self.postgres_due is not None:
                return None
            words = ["psql", self.postgres.url, "-qc", "BEGIN; LOCK TABLE tasks; SELECT pg_sleep(600)"]
            holder = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            def release():
                holder.kill()
                holder.wait()

            # its session would go on without it
            self.after(seconds, lambda: (self.end_sleepers(), release()))
            return "the table of tasks"
        path = self.disk_for("database") / f"{self.coordinators[0].name.split()[-1]}.db"
        connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            connection.close()
            return None
        self.after(seconds, connection.close)
        return "the database file"

    def end_sleepers(self):
        ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)'"
        subprocess.run(
            ["psql", self.postgres.url, "-qc", ask + " AND pid <> pg_backend_pid()"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def kill_engine(self, stay_dead):
        self.engine.kill()
        self.after(stay_dead, self.engine.start)

    def kill_postgres(self, stay_dead):
        self.postgres.kill()
        self.postgres_due = time.monotonic() + stay_dead

    def after(self, seconds, end):
        """`end` ends a fault after so many seconds, or when all is healed."""
        self.due.append((time.monotonic() + seconds, end))

    def end_due(self, now):
        due = [end for when, end in self.due if when <= now]
        self.due = [(when, end) for when, end in self.due if when > now]
        for end in due:
            end()

    def tend(self):
        self.end_due(time.monotonic())
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

    def is_calm(self):
        """Nothing is broken, and every worker is known to be there."""
        if self.is_struck() or not self.is_ready():
            return False
        try:
            _, listed = ask(self.coordinators[0].port, "GET", "/workers")
        except Away:
            return False
        there = {one["id"] for one in listed["workers"] if one["status"] != "offline"}
        return there >= {worker.name for worker in self.workers} and all(
            one["id"] in there for one in listed["workers"]
        )

    def drivers(self):
        """Process ids of what carries this stand's mark, drivers and what watches over them."""
        return processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}")

    def guards(self):
        """The processes that watch over leases; they end when nothing is left to be watched."""
        known = {process.process.pid for process in self.kept() if process.process}
        return [pid for pid in processes_with(self.mark) if pid not in known]

    def runs(self):
        """The runs as the drivers recorded them, for the checker."""
        from history import journal_rows

        return journal_rows(self.journal)

    def alive_runs(self):
        """(task, attempt) of the runs that are at work now."""
        if self.engine:
            return {(task, int(attempt)) for task, attempt in list(self.engine.running.values())}
        begun = {}
        for what, task, attempt, pid, _ in self.runs():
            if what == "start":
                begun[pid] = (task, attempt)
            elif what == "end":
                begun.pop(pid, None)
        return {run for pid, run in begun.items() if pathlib.Path(f"/proc/{pid}").exists()}

    def is_struck(self):
        """Whether some fault has not run its course."""
        lasting = self.due or self.postgres_due is not None
        return bool(lasting) or any(not one.is_up() or one.frozen for one in self.kept())

    def heal(self):
        """Ends whatever a fault left in force."""
        self.end_due(float("inf"))
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
        for container in self.engine.containers() if self.engine else []:
            self.history.note("left", which=f"container {container}")
        until(lambda: not self.guards(), "the guards of leases to end")
        for state in self.disk_for("work").glob("*.state"):
            for path in state.rglob("*"):
                if path.is_file() and not any(path.match(kept) for kept in KEPT_FILES):
                    self.history.note("left", which=str(path.relative_to(self.folder)))

    def end(self):
        """However the run went: nothing of it may go on."""
        for process in self.kept():
            if process.is_up():
                process.kill()
        for proxy in self.proxies.values():
            proxy.close()
        if self.engine:
            self.engine.remove()
        for disk in self.disks.values():
            disk.remove()
        if self.postgres:
            self.postgres.remove()
        for pid in [*self.drivers(), *processes_with(self.mark)]:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass


def address_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def with_port(url, port):
    parts = urllib.parse.urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
    except OSError:
        return ""
