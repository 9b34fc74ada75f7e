#!/usr/bin/env python3
"""A worker's own port: /health, /live, /ready and /metrics of `opslab worker`, with the coordinator
there, away and back. Usage: worker_port.py OPSLAB"""

import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

from coordinator import Coordinator, free_port, until
from remote_worker import Line, RemoteWorker

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
TIMES = "heartbeat: {interval_seconds: 1, timeout_seconds: 60}\n"
RUNNERS = (
    "runners:\n"
    "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
)
WORKER = "worker-001-process"


class WorkerPort(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.coordinator = Coordinator(PROGRAM, self.folder, TIMES).start()
        self.addCleanup(self.coordinator.kill)
        self.line = Line(self.coordinator.port)

    def worker(self, config="", arguments=(), worker_id=WORKER):
        worker = RemoteWorker(
            PROGRAM, self.folder, self.line.port, worker_id, TIMES + config + RUNNERS, arguments
        )
        self.addCleanup(worker.end)
        return worker

    def address(self, worker):
        file = worker.state / "address"
        return until(lambda: file.exists() and file.read_text().strip(), "the file `address`")

    def ask(self, address, path, headers=None):
        at = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text

    def metric(self, address, series):
        for line in self.ask(address, "/metrics")[1].splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        return None

    def test_it_tells_how_the_worker_and_its_coordinator_are(self):
        worker = self.worker(arguments=("--max-parallel-tasks", "3")).start()
        address = self.address(worker)
        self.assertTrue(address.startswith("http://127.0.0.1:"), address)
        until(lambda: self.ask(address, "/ready")[0] == 200, "the worker to be ready")
        health = self.ask(address, "/health")[1]
        self.assertEqual(health["status"], "healthy")
        self.assertEqual(
            health["worker"],
            {"id": WORKER, "enrolled": True, "draining": False, "slots": 3, "busy": 0,
             "circuit_open": None},
        )
        self.assertEqual(health["overdue_plugin_calls"], [])
        self.assertEqual(health["coordinator"]["url"], f"http://127.0.0.1:{self.line.port}")
        task = self.coordinator.submit(problem_id="simulated-detection")
        self.coordinator.wait_for_end(task)
        run = 'opslab_worker_runs_total{outcome="completed"}'
        until(lambda: self.metric(address, run) == 1, "the run to be counted")
        claims = 'opslab_worker_coordinator_calls_total{call="claim",outcome="ok"}'
        self.assertGreaterEqual(self.metric(address, claims), 1)
        starts = 'opslab_plugin_call_seconds_count{call="start",plugin="runner-process"}'
        self.assertEqual(self.metric(address, starts), 1)
        free = 'opslab_worker_slots{state="free"}'
        until(lambda: self.metric(address, free) == 3, "the slot to be free again")
        self.assertEqual(self.metric(address, "opslab_worker_coordinator_up"), 1)
        self.assertGreater(self.metric(address, "process_resident_memory_bytes"), 0)
        checked = subprocess.run(
            ["promtool", "check", "metrics"],
            input=self.ask(address, "/metrics")[1],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertEqual(worker.stop(), 0)
        self.assertFalse((worker.state / "address").exists())

    def test_with_the_coordinator_away_it_lives_and_is_not_ready(self):
        worker = self.worker().start()
        address = self.address(worker)
        until(lambda: self.ask(address, "/ready")[0] == 200, "the worker to be ready")
        self.line.cut()
        until(lambda: self.ask(address, "/ready")[0] == 503, "the worker to notice")
        self.assertEqual(self.ask(address, "/live"), (200, {"status": "alive"}))
        health = self.ask(address, "/health")[1]
        self.assertEqual(health["status"], "degraded")
        self.assertEqual(health["coordinator"]["status"], "unavailable")
        self.assertEqual(self.metric(address, "opslab_worker_coordinator_up"), 0)
        beats = 'opslab_worker_coordinator_calls_total{call="heartbeat",outcome="away"}'
        until(lambda: self.metric(address, beats) >= 1, "a heartbeat in vain")
        self.line.join()
        until(lambda: self.ask(address, "/ready")[0] == 200, "the worker to be ready again")

    def test_the_port_can_be_chosen_or_left_out(self):
        port = free_port()
        worker = self.worker(f'worker_server: {{listen: "127.0.0.1:{port}"}}\n').start()
        self.assertEqual(self.address(worker), f"http://127.0.0.1:{port}")
        taken = self.worker(
            arguments=("--listen", f"127.0.0.1:{port}"), worker_id="worker-002-process"
        ).start()
        self.assertEqual(taken.process.wait(60), 1)
        self.assertIn("worker_server.listen", taken.log_text())
        silent = self.worker(arguments=("--listen", "none"), worker_id="worker-003-process").start()
        silent.wait_for_log("worker enrolled")
        self.assertFalse((silent.state / "address").exists())

    def test_others_reach_it_only_with_a_token_or_where_that_is_meant(self):
        wide = ("--listen", "0.0.0.0:0")
        refused = self.worker(arguments=wide).start()
        self.assertEqual(refused.process.wait(60), 2)
        self.assertIn("others can reach 0.0.0.0: that needs --token-file", refused.log_text())
        token = self.folder / "token"
        token.write_text("a-long-enough-token-for-this-test\n")
        token.chmod(0o600)
        arguments = (*wide, "--token-file", str(token))
        worker = self.worker(arguments=arguments, worker_id="worker-002-process").start()
        address = self.address(worker).replace("0.0.0.0", "127.0.0.1")
        self.assertEqual(self.ask(address, "/metrics")[0], 401)
        self.assertEqual(self.ask(address, "/live")[0], 200)
        bearer = {"Authorization": "Bearer a-long-enough-token-for-this-test"}
        self.assertEqual(self.ask(address, "/metrics", bearer)[0], 200)
        self.assertEqual(self.ask(address, "/no/such/path", bearer)[1]["code"], "not_found")


if __name__ == "__main__":
    unittest.main()
