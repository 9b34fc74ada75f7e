#!/usr/bin/env python3
"""Clocks that are wrong: of a machine that is set while opslab runs or between two starts, and of two
coordinators on one database that differ. Usage: clocks.py OPSLAB TURNED_CLOCK_LIBRARY"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until
from postgres_server import PostgresServer
from remote_worker import RemoteWorker

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
TURNED_CLOCK = pathlib.Path(sys.argv.pop(1)).resolve()
HOUR = 3600
TIMES = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 6}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1, retry_max_seconds: 1, poll_seconds: 1}\n"
)
# how long what is given up may take in these settings, with much time for a slow machine
NOT_AN_HOUR = 120


class TurnedCoordinator(Coordinator):
    """Its clock of the day is off by `ahead` seconds."""

    def __init__(self, folder, name, ahead, postgres=None):
        self.clock = pathlib.Path(folder, f"{name}.clock")
        self.turn(ahead)
        (pathlib.Path(folder) / name).mkdir()
        super().__init__(PROGRAM, pathlib.Path(folder, name), TIMES, postgres)

    def turn(self, ahead):
        with open(self.clock, "r+b" if self.clock.exists() else "wb") as file:
            file.write(ahead.to_bytes(8, "little", signed=True))

    def start(self):
        preload = {"LD_PRELOAD": str(TURNED_CLOCK), "OPSLAB_TURNED_CLOCK": str(self.clock)}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["env", *(f"{name}={value}" for name, value in preload.items()),
                 self.program, "serve", "--config", self.config],
                stdout=log, stderr=log,
            )  # fmt: skip
        until(self.is_ready, "the coordinator to be ready")
        return self

    @property
    def log(self):
        return self.folder / "serve.log"


class Clocks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.journal = pathlib.Path(self.folder.name, "journal")
        self.journal.touch()

    def serve(self, name="one", ahead=0, postgres=None):
        made = TurnedCoordinator(self.folder.name, name, ahead, postgres).start()
        self.addCleanup(lambda: made.process.poll() is None and made.kill())
        return made

    def worker(self, coordinator, worker_id="worker-001-process"):
        worker = RemoteWorker(
            PROGRAM, self.folder.name, coordinator.port, worker_id,
            TIMES + "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            "    config:\n"
            "      command: [opslab-driver-simulated]\n"
            f'      variables: {{OPSLAB_SIMULATED_JOURNAL: "{self.journal}"}}\n',
        ).start()  # fmt: skip
        self.addCleanup(worker.end)
        return worker

    def submit(self, coordinator, steps, **more):
        return coordinator.submit(
            problem_id="simulated-detection",
            max_steps=steps,
            agent_config={"simulate": {"steps": steps, "step_ms": 100}},
            **more,
        )

    def wait_for_steps(self, coordinator, task, count):
        until(
            lambda: len(coordinator.get(f"/tasks/{task}/trajectory")["steps"]) >= count,
            f"step {count}",
        )

    def assert_whole(self, coordinator, task, attempt, steps):
        ended = coordinator.wait_for_end(task)
        self.assertEqual((ended["status"], ended["attempt"]), ("completed", attempt), ended)
        trajectory = coordinator.get(f"/tasks/{task}/trajectory")["steps"]
        self.assertEqual([step["step"] for step in trajectory], list(range(1, steps + 1)))

    def assert_given_up(self, coordinator, task):
        def lost():
            attempts = coordinator.task(task)["attempts"]
            return attempts and (attempts[0]["failure"] or {}).get("kind") == "worker_lost"

        until(lost, "the lost worker's attempt to be given up", NOT_AN_HOUR)

    def test_coordinators_whose_clocks_differ_leave_each_other_s_leases_alone(self):
        postgres = PostgresServer()
        self.addCleanup(postgres.remove)
        behind = self.serve("behind", -100, postgres)
        ahead = self.serve("ahead", 100, postgres)
        self.worker(behind)
        # longer than the grace after a start and some sweeps
        task = self.submit(behind, 200, max_retries=1)
        self.wait_for_steps(behind, task, 3)
        for one in (behind, ahead):
            self.assertEqual(one.get(f"/tasks/{task}/explain")["reason"], "running")

        self.assert_whole(ahead, task, 1, 200)

        for one in (behind, ahead):
            self.assertNotIn("worker lost", one.log.read_text())
            self.assertNotIn("worker offline", one.log.read_text())

    def test_a_lost_worker_is_given_up_whoever_of_them_sees_it(self):
        postgres = PostgresServer()
        self.addCleanup(postgres.remove)
        behind = self.serve("behind", -HOUR, postgres)
        ahead = self.serve("ahead", HOUR, postgres)
        worker = self.worker(ahead)
        task = self.submit(behind, 100, max_retries=1)
        self.wait_for_steps(behind, task, 3)
        ahead.kill()

        worker.kill()

        self.assert_given_up(behind, task)
        self.worker(behind, "worker-002-process")
        self.assert_whole(behind, task, 2, 100)

    def test_a_clock_that_is_set_while_it_runs_changes_no_lease(self):
        coordinator = self.serve()
        worker = self.worker(coordinator)
        for ahead in (HOUR, -HOUR):
            with self.subTest(ahead=ahead):
                whole = self.submit(coordinator, 30, max_retries=1, timeout_minutes=180)
                self.wait_for_steps(coordinator, whole, 3)
                coordinator.turn(ahead)
                self.assert_whole(coordinator, whole, 1, 30)
        self.assertNotIn("worker offline", coordinator.log.read_text())

        # and after it was set back a lost worker is seen as soon as ever
        task = self.submit(coordinator, 100, max_retries=1)
        self.wait_for_steps(coordinator, task, 3)
        worker.kill()
        self.assert_given_up(coordinator, task)
        until(
            lambda: "worker offline: no heartbeat" in coordinator.log.read_text(), "its worker too"
        )
        self.worker(coordinator, "worker-002-process")
        self.assert_whole(coordinator, task, 2, 100)

    def test_a_clock_that_was_set_back_between_two_starts_keeps_no_dead_worker_alive(self):
        coordinator = self.serve(ahead=HOUR)
        worker = self.worker(coordinator)
        task = self.submit(coordinator, 100)
        self.wait_for_steps(coordinator, task, 3)
        worker.kill()
        coordinator.kill()

        coordinator.turn(0)
        coordinator.start()

        self.assert_given_up(coordinator, task)
        until(
            lambda: coordinator.get("/workers/worker-001-process")["status"] == "offline",
            "its worker to count as lost",
            NOT_AN_HOUR,
        )
        self.assertEqual(coordinator.process.send_signal(signal.SIGTERM), None)
        self.assertEqual(coordinator.process.wait(60), 0)
        until(
            lambda: not processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}"),
            "the driver of the lost attempt to be gone",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
