#!/usr/bin/env python3
"""Several coordinators on one PostgreSQL: any request to any, each task once, whoever dies, and
what happens while the database is away. Usage: several_coordinators.py OPSLAB"""

import collections
import http.client
import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until
from postgres_server import PostgresServer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


def config(journal):
    return (
        "tasks: {retry_base_seconds: 1}\n"
        "heartbeat: {interval_seconds: 1, timeout_seconds: 4}\n"
        "sweep: {interval_seconds: 1}\n"
        "runners:\n"
        "  - name: process\n"
        "    plugin: process\n"
        "    config:\n"
        "      command: [opslab-driver-simulated]\n"
        f'      variables: {{OPSLAB_SIMULATED_JOURNAL: "{journal}"}}\n'
        "workers: [{runner: process, count: 2, max_parallel_tasks: 4}]\n"
    )


class TwoCoordinators(unittest.TestCase):
    def setUp(self):
        self.server = PostgresServer()
        self.addCleanup(self.server.remove)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.journal = pathlib.Path(self.folder.name, "journal")
        self.journal.touch()
        self.one = self.coordinator("one")
        self.two = self.coordinator("two")

    def coordinator(self, name):
        folder = pathlib.Path(self.folder.name, name)
        folder.mkdir()
        made = Coordinator(PROGRAM, folder, config(self.journal), self.server)
        made.start()
        self.addCleanup(lambda: made.process.poll() is None and made.kill())
        return made

    def starts(self):
        """(task, attempt) of each driver that started, as the drivers themselves wrote it."""
        rows = [line.split() for line in self.journal.read_text().splitlines()]
        return [(row[1], int(row[2])) for row in rows if row[0] == "start"]

    def submit(self, coordinator, count, **more):
        tasks = [
            {"problem_id": "simulated-detection", "timeout_minutes": 2, **more} for _ in range(count)
        ]
        status, _, answer = coordinator.call("POST", "/tasks/batch", {"tasks": tasks})
        self.assertEqual(status, 201)
        return [task["id"] for task in answer["tasks"]]

    def test_each_task_runs_once_on_workers_of_both(self):
        ids = self.submit(self.one, 20) + self.submit(self.two, 20)
        workers = collections.Counter()
        for at, task_id in enumerate(ids):
            ended = (self.two if at % 2 else self.one).wait_for_end(task_id)
            self.assertEqual((ended["status"], ended["attempt"]), ("completed", 1))
            workers[ended["worker_id"]] += 1
        self.assertEqual(max(collections.Counter(self.starts()).values()), 1)
        known = [worker["id"] for worker in self.one.get("/workers")["workers"]]
        self.assertEqual(known, [f"worker-00{n}-process" for n in (1, 2, 3, 4)])
        self.assertEqual(self.one.get("/tasks/stats")["by_status"]["completed"], 40)
        self.assertEqual(self.two.get("/tasks/stats")["by_status"]["completed"], 40)

    def test_both_know_the_problems_of_a_worker_that_registered_at_one(self):
        worker = {"id": "worker-001-told", "backend_type": "told"}
        worker["capabilities"] = {"problems": [{"id": "told-detection-1"}]}
        self.assertEqual(self.one.call("POST", "/workers/register", worker)[0], 201)
        for coordinator in (self.one, self.two):
            until(
                lambda at=coordinator: [
                    one["told_by"]
                    for one in at.get("/problems")["problems"]
                    if one["id"] == "told-detection-1"
                ]
                == ["worker-001-told"],
                "both coordinators list the problem",
            )

    def test_a_follower_on_one_sees_what_a_worker_of_the_other_reports(self):
        self.one.call("POST", "/workers/internal/stop")
        (task,) = self.submit(
            self.one, 1, agent_config={"simulate": {"steps": 3, "step_ms": 100}}
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.one.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", f"/tasks/{task}/events", headers={"Accept": "text/event-stream"})
        stream = connection.getresponse()
        kinds = []
        while "end" not in kinds:
            line = stream.readline().decode()
            self.assertNotEqual(line, "", "the stream ended early")
            if line.startswith("event:"):
                kinds.append(line.split(":", 1)[1].strip())
        self.assertIn("step", kinds)
        self.assertIn(self.two.task(task)["worker_id"], ("worker-003-process", "worker-004-process"))

    def test_a_cancel_at_one_stops_the_run_of_the_other(self):
        self.one.call("POST", "/workers/internal/stop")
        (task,) = self.submit(self.one, 1, agent_config={"simulate": {"step_ms": 60000}})
        until(self.starts, "the driver to run")
        status, _, answer = self.one.call("DELETE", f"/tasks/{task}")
        self.assertEqual((status, answer["status"]), (200, "cancelled"))
        until(
            lambda: not processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}"),
            "the cancelled driver to be gone",
        )

    def test_when_one_is_killed_the_other_finishes_all(self):
        ids = self.submit(self.one, 30, max_retries=5)
        until(lambda: len(self.starts()) >= 4, "some drivers to run")
        self.one.kill()
        for task_id in ids:
            self.assertEqual(self.two.wait_for_end(task_id)["status"], "completed")
        # each attempt was started once, and only attempts of the dead one's workers came again
        self.assertEqual(max(collections.Counter(self.starts()).values()), 1)
        # back, it has its own ids again and not those of the other
        self.one.start()
        embedded = self.one.get("/workers/internal/status")
        ids_of_one = sorted(loop["id"] for loop in embedded["loops"])
        self.assertEqual(ids_of_one, ["worker-001-process", "worker-002-process"])

    def test_without_the_database_calls_fail_at_once_and_all_comes_back(self):
        (before,) = self.submit(self.one, 1)
        self.one.wait_for_end(before)
        self.server.stop()
        for coordinator in (self.one, self.two):
            self.assertEqual(coordinator.call("GET", "/live")[0], 200)
            self.assertEqual(coordinator.call("GET", "/ready")[0], 503)
            for method, path, body in (
                ("POST", "/tasks", {"problem_id": "p"}),
                ("GET", "/tasks", None),
                ("GET", f"/tasks/{before}", None),
            ):
                status, headers, answer = coordinator.call(method, path, body)
                self.assertEqual(status, 503, (method, path, answer))
                self.assertIn("Retry-After", headers)
                # what the client can quote is what the log explains
                error_id = answer["details"]["error_id"]
                self.assertEqual(error_id, headers["X-Request-ID"])
                log = (coordinator.folder / "serve.log").read_text()
                line = next(line for line in log.splitlines() if f"request={error_id}" in line)
                self.assertIn("request failed", line)
                self.assertIn("status=503", line)
                self.assertNotIn(self.server.password, str(answer))
        self.server.start()
        for coordinator in (self.one, self.two):
            until(lambda c=coordinator: c.call("GET", "/ready")[0] == 200, "the coordinator")
        (after,) = self.submit(self.two, 1)
        self.assertEqual(self.one.wait_for_end(after)["status"], "completed")
        for coordinator in (self.one, self.two):
            log = (coordinator.folder / "serve.log").read_text()
            self.assertNotIn(self.server.password, log)

    def test_sessions_cut_by_the_server_are_replaced(self):
        self.submit(self.one, 1)
        self.server.kill()
        self.server.start()
        (task,) = self.submit(self.one, 1)
        self.assertEqual(self.two.wait_for_end(task)["status"], "completed")


if __name__ == "__main__":
    unittest.main()
