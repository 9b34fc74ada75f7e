#!/usr/bin/env python3
"""The backups of docs/deployment.md, by the commands that stand there: taken while a coordinator
works, restored into an empty place, and nothing that was acknowledged before is missing.

Usage: backup.py OPSLAB [--postgres]"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

from coordinator import Coordinator, until
from postgres_server import PostgresServer

WITH_POSTGRES = "--postgres" in sys.argv and (sys.argv.remove("--postgres") or True)
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
PAGE = (pathlib.Path(__file__).parents[2] / "docs/deployment.md").read_text()
STORAGE = "PostgreSQL" if WITH_POSTGRES else "SQLite"
TERMINAL = ("completed", "failed", "timeout", "cancelled")
CONFIG = """
heartbeat: {interval_seconds: 1, timeout_seconds: 3}
sweep: {interval_seconds: 1}
tasks: {retry_base_seconds: 1}
runners:
  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}
workers:
  - {runner: process, count: 1, max_parallel_tasks: 4}
"""


def commands(title):
    """The lines of the page's section that are about the data: no packages, no service."""
    block = re.search(rf"^### {title} of {STORAGE}\n.*?```sh\n(.*?)```", PAGE, re.S | re.M).group(1)
    lines = [line for line in block.splitlines() if not line.startswith(("apt-get ", "systemctl "))]
    assert lines, title
    return lines


class Backup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = dict(os.environ)
        self.server = None
        if WITH_POSTGRES:
            self.server = PostgresServer()
            self.addCleanup(self.server.remove)
            url = urllib.parse.urlsplit(self.server.url)
            self.environment |= {
                "PGHOST": url.hostname,
                "PGPORT": str(url.port),
                "PGUSER": url.username,
                "PGPASSWORD": self.server.password,
            }
            self.run_line("createdb --encoding=UTF8 --template=template0 opslab")
            self.server.url = urllib.parse.urlunsplit(url._replace(path="/opslab"))
        self.coordinator = Coordinator(PROGRAM, self.folder, CONFIG, self.server)
        self.addCleanup(lambda: self.coordinator.kill())
        self.coordinator.start()

    def run_line(self, line):
        """As it stands, but for the folders and for who runs it."""
        line = line.replace("/var/lib/opslab", str(self.folder))
        line = line.replace("/var/backups/opslab", f"{self.folder}/backups")
        line = line.replace("runuser -u postgres -- ", "").replace("-o opslab -g opslab ", "")
        made = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(0, made.returncode, f"{line}\n{made.stderr}")
        return made.stdout

    def keep_busy(self):
        """Submits until it is told to stop; what was acknowledged is in `self.acknowledged`."""
        self.acknowledged = []
        stop = threading.Event()

        def submit():
            while not stop.is_set():
                self.acknowledged.append(
                    self.coordinator.submit(
                        problem_id="pod_failure-detection-1",
                        metadata={"number": len(self.acknowledged)},
                        max_retries=5,
                    )
                )

        thread = threading.Thread(target=submit)
        thread.start()

        def end():
            stop.set()
            thread.join()

        return end

    def everything_of(self, task_id):
        return [
            self.coordinator.get(f"/tasks/{task_id}{part}") for part in ("", "/logs", "/trajectory")
        ]

    def feed(self):
        status, _, text = self.coordinator.call("GET", "/trajectories")
        self.assertEqual(200, status)
        return text

    def test_nothing_that_was_acknowledged_before_is_missing(self):
        end = self.keep_busy()
        try:
            ended = until(
                lambda: (found := self.coordinator.get("/tasks?status=completed&limit=100"))["total"]
                >= 5
                and [task["id"] for task in found["tasks"]],
                "the first tasks to end",
            )
            before = list(self.acknowledged)
            finished = {task_id: self.everything_of(task_id) for task_id in ended}
            said = "".join(self.run_line(line) for line in commands("Backup"))
        finally:
            end()
        self.assertGreater(len(self.acknowledged), len(before), "nothing was submitted meanwhile")
        if not WITH_POSTGRES:
            self.assertEqual("ok", said.strip().splitlines()[-1])

        self.coordinator.kill()
        for line in commands("Restore"):
            self.run_line(line)
        self.coordinator.start()

        for task_id, kept in finished.items():
            self.assertEqual(kept, self.everything_of(task_id))
        for task_id in before:
            self.assertEqual("completed", self.coordinator.wait_for_end(task_id)["status"])
        late = self.coordinator.submit(problem_id="pod_failure-detection-1")
        self.assertEqual("completed", self.coordinator.wait_for_end(late)["status"])
        self.assertIn(late, str(self.feed()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
