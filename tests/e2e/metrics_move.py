#!/usr/bin/env python3
"""Every metric that docs/operations/README.md lists, and the scenario that moves it.
Usage: metrics_move.py OPSLAB SOURCE_DIR"""

import contextlib
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from callback_receiver import Receiver
from coordinator import Coordinator, until
from remote_worker import RemoteWorker

SOURCE = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
CONFIG = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 2}\n"
    "sweep: {interval_seconds: 1}\n"
    "callbacks: {allow_private: true}\n"
)
RUNNERS = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 60}\n"
    "runners:\n"
    "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
)


def emitted():
    """The families that the program can make, as its source names them."""
    text = (SOURCE / "core/src/telemetry/metrics.cpp").read_text()
    return set(re.findall(r'Build(?:Counter|Gauge|Histogram)\(\),\s*"([a-z0-9_]+)"', text))


def documented():
    """The families of the tables; `…_x` stands for the family before it with another end."""
    text = (SOURCE / "docs/operations/README.md").read_text()
    names = set()
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        last = ""
        for word in re.findall(r"`([^`]+)`", row):
            word = word.split("{")[0]
            if word.startswith("…"):
                words = last.split("_")
                ends = ("_".join(words[:n]) + word[1:] for n in range(len(words), 0, -1))
                word = next(name for name in ends if name in emitted())
            last = word
            names.add(word)
    return names


class EachMetric(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moved = set()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.coordinator = Coordinator(PROGRAM, self.folder, CONFIG).start()
        self.addCleanup(self.coordinator.kill)

    def page(self):
        return self.coordinator.get("/metrics")

    @staticmethod
    def series(page):
        lines = (line.rsplit(" ", 1) for line in page.splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in lines}

    @contextlib.contextmanager
    def moves(self, *wanted, page=None):
        """What is done within must move each of these series (a new one has moved)."""
        page = page or self.page
        before = self.series(page())
        yield

        def all_moved():
            now = self.series(page())
            still = [name for name in wanted if now.get(name, 0) == before.get(name, 0)]
            return not still or None

        until(all_moved, f"a move of {wanted}")
        for name in wanted:
            name = name.split("{")[0]
            type(self).moved.add(name if name in emitted() else name.removesuffix("_count"))

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def post(self, path, body, wanted=200):
        status, _, answer = self.coordinator.call("POST", path, body)
        self.assertEqual(status, wanted, answer)
        return answer

    def register(self, number, **capabilities):
        worker = f"worker-{number:03}-mine"
        body = {"id": worker, "backend_type": "mine", "capabilities": capabilities}
        self.post("/workers/register", body, 201)
        return worker

    def claimed(self, worker, **request):
        task = self.coordinator.submit(problem_id="p", **request)
        self.post(f"/workers/{worker}/claim", {})
        return f"/workers/{worker}/tasks/{task}"

    def test_1_tasks(self):
        with self.moves('worker_count{status="idle"}'):
            worker = self.register(1)
        with self.moves('task_queue_size{status="pending"}', "opslab_tasks_submitted_total"):
            self.coordinator.submit(problem_id="first", priority=9)
        with self.moves("task_queue_wait_seconds_count", "task_claim_duration_seconds_count"):
            answer = self.post(f"/workers/{worker}/claim", {})
        run = f"/workers/{worker}/tasks/{answer['tasks'][0]['id']}"
        phase = {"type": "phase", "name": "setup"}
        with self.moves('runner_phase_seconds_count{phase="setup"}',
                        'opslab_commit_batch_size_count{verb="record"}'):
            events = [phase | {"state": "begin"}, phase | {"state": "end"}]
            self.post(f"{run}/events", {"attempt": 1, "events": events}, 202)
        done = {"attempt": 1, "result": {"success": True}}
        with self.moves('task_duration_seconds_count{status="completed"}'):
            self.post(f"{run}/complete", done)
        with self.moves('opslab_stale_writes_total{verb="record"}',
                        'opslab_stale_writes_total{verb="finish"}'):
            self.post(f"{run}/events", {"attempt": 1, "events": []}, 409)
            self.post(f"{run}/fail", {"attempt": 1, "error": "late"}, 409)
        with self.moves("opslab_retries_total", 'task_duration_seconds_count{status="pending"}'):
            run = self.claimed(worker, max_retries=1)
            broken = {"attempt": 1, "error": "no disk", "kind": "infrastructure"}
            self.post(f"{run}/fail", broken)

    def test_2_the_sweep(self):
        with self.moves('opslab_swept_total{what="lost"}',
                        'opslab_swept_total{what="worker_offline"}',
                        'task_duration_seconds_count{status="failed"}'):
            self.claimed(self.register(1))

    def test_3_http(self):
        task = self.coordinator.submit(problem_id="p")
        with self.moves('http_requests_total{endpoint="/tasks/{id}",method="GET",status="200"}',
                        'http_request_duration_seconds_count{endpoint="/tasks/{id}",method="GET"}',
                        'opslab_plugin_call_seconds_count{call="tasks.details",'
                        'plugin="storage-sqlite"}',
                        'opslab_sql_seconds_count{statement="task.load"}'):
            self.coordinator.get(f"/tasks/{task}")
        stream = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        self.addCleanup(stream.close)
        with self.moves('opslab_http_load{what="streams"}', "process_open_fds"):
            stream.request("GET", f"/tasks/{task}/events", headers={"Accept": "text/event-stream"})
            stream.getresponse()
        with self.moves('opslab_bound_hits_total{bound="request_url"}'):
            self.assertEqual(self.ask("GET", "/tasks?x=" + "a" * 9000), 414)
        with self.moves('opslab_bound_hits_total{bound="request_headers"}'):
            self.assertEqual(self.ask("GET", "/tasks", headers={"X-Long": "a" * 70000}), 431)

    def test_4_callbacks(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        with self.moves('opslab_callbacks_total{outcome="delivered"}',
                        "opslab_callback_seconds_count"):
            task = self.coordinator.submit(problem_id="p", callback_url=receiver.url("/done"))
            self.coordinator.call("DELETE", f"/tasks/{task}")

    def test_5_a_storage_that_fails(self):
        database = self.folder / "opslab.db"

        def alter(statement):
            subprocess.run(["sqlite3", database, ".timeout 20000", statement], check=True, timeout=60)

        self.addCleanup(alter, "SELECT 1")
        with self.moves('opslab_plugin_call_failures_total{call="workers.list",'
                        'plugin="storage-sqlite"}',
                        'opslab_sql_failures_total{statement="worker.list"}',
                        "opslab_storage_up", 'opslab_log_events_total{level="error"}'):
            alter("ALTER TABLE workers RENAME TO hidden")
            self.assertGreaterEqual(self.ask("GET", "/workers"), 500)
        alter("ALTER TABLE hidden RENAME TO workers")

    def test_6_a_worker_elsewhere(self):
        worker = RemoteWorker(
            PROGRAM, self.folder, self.coordinator.port, "worker-001-process", RUNNERS, ()
        )
        self.addCleanup(worker.end)
        worker.start()
        file = worker.state / "address"
        port = int(until(lambda: file.exists() and file.read_text().strip(), "a port").split(":")[-1])

        def page():
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as to:
                to.request("GET", "/metrics")
                return to.getresponse().read().decode()

        with self.moves('opslab_worker_slots{state="busy"}',
                        'opslab_worker_coordinator_calls_total{call="claim",outcome="ok"}',
                        'opslab_worker_coordinator_call_seconds_count{call="claim"}', page=page):
            slow = {"simulate": {"steps": 1, "step_ms": 60000}}
            task = self.coordinator.submit(problem_id="simulated-detection", agent_config=slow)
        self.coordinator.call("DELETE", f"/tasks/{task}")
        with self.moves('opslab_worker_runs_total{outcome="completed"}', page=page):
            self.coordinator.submit(problem_id="simulated-detection")
        with self.moves("opslab_worker_coordinator_up", page=page):
            self.coordinator.kill()

    def test_7_a_plugin_that_sleeps(self):
        (self.folder / "sleepy").mkdir()
        sleepy = Coordinator(
            PROGRAM,
            self.folder / "sleepy",
            "runners:\n"
            "  - {name: slow, plugin: exec, config: {run: [opslab-driver-simulated],\n"
            "     cleanup: [sleep, infinity], call_timeout_seconds: 3600}}\n"
            "workers: [{runner: slow}]\n",
        )
        text = sleepy.config.read_text()
        sleepy.config.write_text(text.replace("plugins: {", "plugins: {overdue_seconds: 1, "))
        sleepy.start()
        self.addCleanup(sleepy.kill)
        labels = '{call="destroy",plugin="runner-exec"}'
        with self.moves(
            "opslab_plugin_calls_overdue",
            "opslab_plugin_overdue_calls_total" + labels,
            page=lambda: sleepy.get("/metrics"),
        ):
            sleepy.submit(problem_id="simulated-detection")

    def test_8_what_never_moves_is_there(self):
        now = self.series(self.page())
        version = re.search(r"\d+\.\d+\.\d+", subprocess.check_output([PROGRAM, "--version"], text=True))
        self.assertEqual(now[f'opslab_build_info{{version="{version.group()}"}}'], 1)
        self.assertGreater(now["process_start_time_seconds"], 0)
        resident = now["process_resident_memory_bytes"]
        pages = (pathlib.Path("/proc") / str(self.coordinator.process.pid) / "statm").read_text()
        held = int(pages.split()[1]) * os.sysconf("SC_PAGESIZE")
        self.assertLess(abs(resident - held), held / 2)

    def test_9_that_was_all_of_them(self):
        fixed = {"opslab_build_info", "process_resident_memory_bytes", "process_start_time_seconds"}
        self.assertEqual(emitted() - type(self).moved - fixed, set())
        self.assertEqual(emitted(), documented())


if __name__ == "__main__":
    unittest.main()
