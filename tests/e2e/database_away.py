#!/usr/bin/env python3
"""PostgreSQL is killed under a coordinator: /live stays, /ready says no, writes get 503, the runs and
everything else recover by themselves, and the alert rules, given what /metrics said before, during
and after, fire and end. Usage: database_away.py OPSLAB SOURCE_DIR"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, until
from postgres_server import PostgresServer

SOURCE = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
CONFIG = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 4}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1}\n"
    "runners:\n"
    "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
    "workers: [{runner: process, count: 1, max_parallel_tasks: 1}]\n"
)
EVERY = 15  # seconds between scrapes, as Prometheus would see them
AWAY = {
    "summary": "The coordinator cannot reach its database",
    "advice": "Writes get 503 until it answers again; nothing that was acknowledged is lost",
}


def samples(page):
    lines = (line.rsplit(" ", 1) for line in page.splitlines() if line and line[0] != "#")
    return {name: value for name, value in lines if "_bucket{" not in name}


def alert_cases(pages):
    """A promtool file: each page stands for a minute, and only while it is there its alert fires."""
    told = [samples(page) for page, _ in pages for _ in range(60 // EVERY)]
    series = sorted({name for one in told for name in one})
    lines = [f"rule_files: ['{SOURCE}/docs/operations/alerts.yml']",
             f"evaluation_interval: {EVERY}s", "tests:", f"  - interval: {EVERY}s", "    input_series:"]
    for name in series:
        values = " ".join(one.get(name, "_") for one in told)
        lines.append(f"      - {{series: '{name}', values: '{values}'}}")
    lines.append("    alert_rule_test:")
    for at, (_, fires) in enumerate(pages):
        lines.append(f"      - eval_time: {at * 60 + 60 - EVERY}s")
        lines.append("        alertname: OpslabStorageAway")
        expected = "[]"
        if fires:
            expected = f"[{{exp_labels: {{severity: critical}}, exp_annotations: {AWAY}}}]"
        lines.append(f"        exp_alerts: {expected}")
    return "\n".join(lines) + "\n"


class DatabaseAway(unittest.TestCase):
    def setUp(self):
        self.server = PostgresServer()
        self.addCleanup(self.server.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.coordinator = Coordinator(PROGRAM, self.folder, CONFIG, self.server)
        self.addCleanup(lambda: self.coordinator.process and self.coordinator.kill())

    def status(self, method, path, body=None):
        return self.coordinator.call(method, path, body)[0]

    def page(self):
        return self.coordinator.get("/metrics")

    def workers(self):
        return [worker["status"] for worker in self.coordinator.get("/workers")["workers"]]

    def is_alive(self):
        self.assertIsNone(self.coordinator.process.poll(), "it ended")
        try:
            return self.status("GET", "/live") == 200
        except OSError:
            return False

    def test_a_start_waits_for_it_and_says_so(self):
        self.server.kill()
        self.coordinator.launch()
        until(self.is_alive, "the coordinator to live")
        for method, path, body in (
            ("GET", "/ready", None),
            ("GET", "/tasks", None),
            ("POST", "/api/v1/tasks", {"problem_id": "p"}),
            ("GET", "/metrics", None),
        ):
            status, headers, answer = self.coordinator.call(method, path, body)
            self.assertEqual((status, answer["code"]), (503, "unavailable"), path)
            self.assertIn("Retry-After", headers)
        log = self.folder / "serve.log"
        until(lambda: "the storage does not answer yet" in log.read_text(), "its line")

        self.server.start()
        until(lambda: self.status("GET", "/ready") == 200, "the coordinator to be ready")
        task = self.coordinator.submit(problem_id="simulated-x")
        self.assertEqual(self.coordinator.wait_for_end(task)["status"], "completed")

    def test_a_start_that_waits_for_it_can_be_stopped(self):
        self.server.kill()
        self.coordinator.launch()
        until(self.is_alive, "the coordinator to live")
        self.assertEqual(self.coordinator.stop(), 0)

    def test_it_lives_says_so_and_recovers_by_itself(self):
        self.coordinator.start()
        slow = {"simulate": {"steps": 1, "step_ms": 600000}}
        running = self.coordinator.submit(
            problem_id="simulated-detection", agent_config=slow, max_retries=1
        )
        until(lambda: self.coordinator.task(running)["status"] == "running", "the run")
        waiting = self.coordinator.submit(problem_id="simulated-detection")
        pages = [(self.page(), False)]

        self.server.kill()
        for method, path, body, wanted in (
            ("GET", "/live", None, 200),
            ("GET", "/ready", None, 503),
            ("POST", "/tasks", {"problem_id": "p"}, 503),
            ("DELETE", f"/tasks/{waiting}", None, 503),
        ):
            self.assertEqual(self.status(method, path, body), wanted, path)
        log = self.folder / "serve.log"
        until(lambda: "the lease could not be renewed in time" in log.read_text(), "the lease's end")
        pages.append((self.page(), True))
        self.assertEqual(self.status("GET", "/live"), 200)
        self.assertEqual(samples(pages[1][0])["opslab_storage_up"], "0")

        self.server.start()
        until(lambda: self.status("GET", "/ready") == 200, "the coordinator to be ready")
        self.assertEqual(self.status("POST", "/tasks", {"problem_id": "simulated-x"}), 201)
        self.assertEqual(self.coordinator.wait_for_end(waiting)["status"], "completed")
        until(lambda: self.coordinator.task(running)["attempt"] == 2, "the run's second attempt")
        until(lambda: "offline" not in self.workers(), "the worker to be back")
        pages.append((self.page(), False))

        cases = self.folder / "alerts.yml"
        cases.write_text(alert_cases(pages))
        tested = subprocess.run(
            ["promtool", "test", "rules", cases],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)


if __name__ == "__main__":
    unittest.main()
