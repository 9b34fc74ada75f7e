#!/usr/bin/env python3
"""What survives when the coordinator is killed in the middle of its work: everything that was
acknowledged, and nothing else. Usage: recovery.py OPSLAB [--postgres]"""

import collections
import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until
from postgres_server import PostgresServer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
ON_POSTGRES = "--postgres" in sys.argv[1:] and (sys.argv.remove("--postgres") or True)
TASKS = 50
TERMINAL = {"completed", "failed", "timeout", "cancelled"}


class KilledCoordinator(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        postgres = PostgresServer() if ON_POSTGRES else None
        if postgres:
            self.addCleanup(postgres.remove)
        self.journal = pathlib.Path(self.folder.name, "journal")
        self.journal.touch()
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder.name,
            "tasks: {retry_base_seconds: 1}\n"
            "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            "    config:\n"
            "      command: [opslab-driver-simulated]\n"
            f'      variables: {{OPSLAB_SIMULATED_JOURNAL: "{self.journal}"}}\n'
            f"workers: [{{runner: process, count: 2, max_parallel_tasks: {TASKS // 2}}}]\n",
            postgres,
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def journal_lines(self):
        """(what, task, attempt, time) as the drivers themselves wrote them."""
        rows = [line.split() for line in self.journal.read_text().splitlines()]
        return [(row[0], row[1], int(row[2]), int(row[4])) for row in rows]

    def drivers(self):
        return processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}")

    def submit_batch(self, **common):
        tasks = [{"problem_id": "simulated-detection", **common} for _ in range(TASKS)]
        status, _, answer = self.coordinator.call("POST", "/tasks/batch", {"tasks": tasks})
        self.assertEqual(status, 201)
        return [task["id"] for task in answer["tasks"]]

    def kill_in_the_middle(self):
        until(lambda: len(self.journal_lines()) >= TASKS, "all drivers to run")
        self.coordinator.kill()
        until(lambda: not self.drivers(), "the drivers of the dead coordinator to be gone")

    def assert_nothing_left(self):
        self.assertEqual(self.drivers(), [])
        left = [
            path
            for path in pathlib.Path(self.folder.name, "state").rglob("*")
            # a coordinator's own name among several is kept
            if path.is_file() and path.name != "coordinator-1.id"
        ]
        self.assertEqual(left, [])

    def assert_never_twice_at_once(self):
        began = collections.defaultdict(list)
        ends = {}
        for what, task, attempt, at in self.journal_lines():
            if what == "start":
                began[task].append((attempt, at))
            else:
                ends[(task, attempt)] = at
        for task, starts in began.items():
            attempts = [attempt for attempt, _ in starts]
            self.assertEqual(attempts, sorted(set(attempts)), f"{task} ran an attempt twice")
            for (first, _), (_, next_start) in zip(starts, starts[1:]):
                # a killed driver writes no end; it was gone before the restart
                if (task, first) in ends:
                    self.assertLess(ends[(task, first)], next_start)

    def test_every_task_ends_none_twice_at_once_nothing_left(self):
        ids = self.submit_batch(
            max_retries=3, agent_config={"simulate": {"steps": 4, "step_ms": 700}}
        )
        self.kill_in_the_middle()

        self.coordinator.start()
        tasks = [self.coordinator.wait_for_end(task_id) for task_id in ids]

        self.assertEqual({task["status"] for task in tasks}, {"completed"})
        self.assertEqual({task["attempt"] for task in tasks}, {2})
        for task in tasks:
            self.assertEqual(task["attempts"][0]["failure"]["kind"], "worker_lost")
        self.assert_never_twice_at_once()
        self.coordinator.stop()
        self.assert_nothing_left()

    def test_without_retries_a_lost_run_is_a_failed_task_that_says_why(self):
        ids = self.submit_batch(agent_config={"simulate": {"mode": "hang"}})
        self.kill_in_the_middle()

        self.coordinator.start()
        tasks = [self.coordinator.wait_for_end(task_id) for task_id in ids]

        for task in tasks:
            self.assertEqual(task["status"], "failed")
            self.assertEqual(task["failure"]["kind"], "worker_lost")
            self.assertTrue(task["error_details"])
            self.assertIsNotNone(task["completed_at"])
        self.coordinator.stop()
        self.assert_nothing_left()

    def test_every_acknowledged_submission_is_there_after_a_kill(self):
        acknowledged = []
        for number in range(40):
            acknowledged.append(
                self.coordinator.submit(problem_id=f"p{number}", backend_type="nobody")
            )
        self.coordinator.kill()

        self.coordinator.start()

        for task_id in acknowledged:
            self.assertEqual(self.coordinator.task(task_id)["status"], "pending")

    def test_a_term_signal_drains_and_exits_cleanly(self):
        task_id = self.coordinator.submit(
            problem_id="simulated-detection", agent_config={"simulate": {"steps": 2, "step_ms": 300}}
        )
        until(lambda: self.journal_lines(), "the driver to run")

        self.assertEqual(self.coordinator.stop(), 0)

        self.coordinator.start()
        self.assertEqual(self.coordinator.task(task_id)["status"], "completed")

    def test_embedded_workers_are_listed_scaled_and_stopped(self):
        path = "/workers/worker-001-process"
        until(lambda: self.coordinator.call("GET", path)[0] == 200, "the worker to enrol")
        worker = self.coordinator.get(path)
        self.assertEqual(worker["capabilities"]["max_parallel_tasks"], TASKS // 2)

        _, _, scaled = self.coordinator.call("POST", "/workers/internal/scale", {"num_workers": 3})
        self.assertEqual([loop["running"] for loop in scaled["loops"]], [True] * 3)
        _, _, stopped = self.coordinator.call("POST", "/workers/internal/stop")
        self.assertEqual([loop["running"] for loop in stopped["loops"]], [False] * 3)
        task_id = self.coordinator.submit(problem_id="simulated-detection")
        self.assertEqual(self.coordinator.task(task_id)["status"], "pending")
        self.coordinator.call("POST", "/workers/internal/start")
        self.assertEqual(self.coordinator.wait_for_end(task_id)["status"], "completed")


class SqliteFile(unittest.TestCase):
    def test_a_second_coordinator_on_the_same_file_is_refused(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        first = Coordinator(PROGRAM, folder.name, "").start()
        self.addCleanup(first.kill)
        other = Coordinator(PROGRAM, folder.name, "")

        with self.assertRaisesRegex(AssertionError, "opslab.db"):
            other.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
