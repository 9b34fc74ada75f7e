#!/usr/bin/env python3
"""A database that an older opslab made is brought up to date, and everything in it is answered as it
was; what waited runs. tests/e2e/upgrade holds such databases: a dump for each storage and schema
version, and what its opslab answered.

Usage: upgrade.py OPSLAB [--postgres] [--record]: --record makes the files of this opslab's schema
version, once, before a migration is added."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, free_port
from postgres_server import PostgresServer

WITH_POSTGRES = "--postgres" in sys.argv and (sys.argv.remove("--postgres") or True)
RECORD = "--record" in sys.argv and (sys.argv.remove("--record") or True)
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
KEPT = pathlib.Path(__file__).parent / "upgrade"
STORAGE = "postgres" if WITH_POSTGRES else "sqlite"
CONFIG = """
runners:
  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}
"""
WORKERS = "workers:\n  - {runner: process, count: 1, max_parallel_tasks: 2}\n"


def run(*command, **options):
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    if made.returncode != 0:
        raise AssertionError(f"{command}: {made.stderr}")
    return made.stdout


def answers_of(coordinator, ids):
    paths = [f"/tasks/{i}{part}" for i in ids for part in ("", "/logs", "/trajectory")]
    paths += ["/tasks/stats", "/workers", "/workers/worker-001-mine/stats"]
    return {path: coordinator.get(path) for path in paths}


def lacks(kept, now, where=""):
    """What is no longer as it was; new fields are fine."""
    if isinstance(kept, dict) and isinstance(now, dict):
        return [
            found
            for key, value in kept.items()
            for found in (lacks(value, now[key], f"{where}/{key}") if key in now else [f"{where}/{key}"])
        ]
    if isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        pairs = enumerate(zip(kept, now))
        return [found for n, (old, new) in pairs for found in lacks(old, new, f"{where}/{n}")]
    return [] if kept == now else [f"{where}: {kept!r} is {now!r}"]


class Upgrade(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = PostgresServer() if WITH_POSTGRES else None
        if self.server:
            self.addCleanup(self.server.remove)

    def start(self, config):
        coordinator = Coordinator(PROGRAM, self.folder, config, self.server)
        coordinator.start()
        self.addCleanup(lambda: coordinator.process.poll() is None and coordinator.kill())
        return coordinator

    def load(self, dump):
        if self.server:
            run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", dump, self.server.url)
        else:
            run("sqlite3", self.folder / "opslab.db", f".read '{dump}'")

    def write_dump(self, file):
        if self.server:
            text = run("pg_dump", "--no-owner", "--no-privileges", self.server.url)
            # of newer pg_dumps, with a random word
            text = re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.M)
        else:
            text = run("sqlite3", self.folder / "opslab.db", ".dump")
        file.write_text(text)

    def fill(self, coordinator):
        """A task in each status, with attempts, logs and steps: the same for every version."""
        worker = "worker-001-mine"
        ids = [
            coordinator.submit(
                problem_id=f"problem-{n}", metadata={"n": n}, group_id="g", priority=9 - n
            )
            for n in range(5)
        ]
        here = {"id": worker, "backend_type": "mine", "capabilities": {"max_parallel_tasks": 3}}
        coordinator.call("POST", "/workers/register", here)
        coordinator.call("POST", f"/workers/{worker}/claim", {"max": 3})
        for task_id in ids[:2]:
            events = [
                {"type": "phase", "name": "setup", "state": "begin"},
                {"type": "log", "level": "warning", "message": "\u00e4 'quoted' \"line\"\n\\"},
                {"type": "phase", "name": "setup", "state": "end"},
                {"type": "step", "step": 1, "observation": "o", "action": "a", "reward": 0.5},
            ]
            coordinator.call("POST", f"/workers/{worker}/tasks/{task_id}/events",
                             {"attempt": 1, "events": events})
        done = {"attempt": 1, "result": {"success": True, "reward": 1.0, "output": {"k": "v"}}}
        coordinator.call("POST", f"/workers/{worker}/tasks/{ids[0]}/complete", done)
        coordinator.call("POST", f"/workers/{worker}/tasks/{ids[1]}/fail",
                         {"attempt": 1, "error": "broke", "phase": "loop"})
        coordinator.call("POST", f"/tasks/{ids[2]}/cancel")
        coordinator.call("POST", f"/tasks/{ids[3]}/cancel")
        coordinator.call("POST", f"/workers/{worker}/retire")
        return ids

    def test_record(self):
        coordinator = self.start(CONFIG)
        ids = self.fill(coordinator)
        version = coordinator.get("/health")["storage"]["schema_version"]
        answers = answers_of(coordinator, ids)
        coordinator.stop()
        KEPT.mkdir(exist_ok=True)
        self.write_dump(KEPT / f"{STORAGE}-{version}.sql")
        kept = {"ids": ids, "answers": answers}
        (KEPT / f"{STORAGE}-{version}.json").write_text(json.dumps(kept, indent=1) + "\n")

    def test_looking_at_an_empty_database_makes_nothing_in_it(self):
        config = self.folder / "look.yaml"
        where = f'{{plugin: sqlite, sqlite: {{path: "{self.folder}/none.db"}}}}'
        if self.server:
            where = f'{{plugin: postgres, postgres: {{url: "{self.server.url}"}}}}'
        config.write_text(
            f'plugins: {{state_path: "{self.folder}/state"}}\nstorage: {where}\n'
            f'server: {{listen: "127.0.0.1:{free_port()}"}}\n'
        )
        for command in (["doctor"], ["db", "status"]):
            subprocess.run([PROGRAM, *command, "--config", config], capture_output=True, timeout=60)
        if self.server:
            self.assertEqual("", run("psql", "-At", "-c", r"\d", self.server.url))
        self.assertEqual([config], list(self.folder.iterdir()))

    def test_everything_is_as_it_was_and_what_waited_runs(self):
        dumps = sorted(KEPT.glob(f"{STORAGE}-*.sql"))
        migrations = KEPT.parents[2] / f"plugins/storage-{STORAGE}/migrations"
        older = range(1, len(list(migrations.glob("*.sql"))))
        versions = {int(dump.stem.split("-")[1]) for dump in dumps}
        self.assertLessEqual({1, *older}, versions, "record each version before the next migration")
        for dump in dumps:
            with self.subTest(dump.name):
                kept = json.loads(dump.with_suffix(".json").read_text())
                self.load(dump)
                coordinator = self.start(CONFIG)
                now = answers_of(coordinator, kept["ids"])
                self.assertEqual([], lacks(kept["answers"], now))
                coordinator.stop()

                coordinator = self.start(CONFIG + WORKERS)
                waiting = kept["ids"][4]
                self.assertEqual("completed", coordinator.wait_for_end(waiting)["status"])
                self.assertEqual(2 + 2 + 1, coordinator.get("/tasks?limit=100")["total"])
                coordinator.stop()
                if self.server:
                    run("psql", "-q", "-c", "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
                        self.server.url)
                else:
                    for file in self.folder.glob("opslab.db*"):
                        file.unlink()


if __name__ == "__main__":
    if RECORD:
        unittest.main(argv=[sys.argv[0], "Upgrade.test_record"])
    del Upgrade.test_record
    unittest.main(verbosity=2)
