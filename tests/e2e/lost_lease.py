#!/usr/bin/env python3
"""A worker that lost its lease: each of the calls that it may then make, by hand and by a real
worker that was frozen, is refused and changes nothing. Usage: lost_lease.py OPSLAB [--postgres]"""

import http.client
import http.server
import pathlib
import signal
import sys
import tempfile
import threading
import unittest

from coordinator import Coordinator, processes_with, until
from postgres_server import PostgresServer
from remote_worker import RemoteWorker

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
ON_POSTGRES = "--postgres" in sys.argv[1:] and (sys.argv.remove("--postgres") or True)
TIMES = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 5}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1, retry_max_seconds: 2, poll_seconds: 1}\n"
)
LOST, OTHER = "worker-001-process", "worker-002-process"

LOG = {"type": "log", "level": "info", "message": "from the dead"}
STEP = {"type": "step", "step": 2, "observation": "o", "action": "a", "reward": 1.0}
PHASE = {"type": "phase", "name": "teardown", "state": "begin"}
RESULT = {"result": {"success": True, "output": {}, "metrics": {}, "reward": 1.0}}
WRITES = {
    "a log": ("events", {"events": [LOG]}),
    "a step": ("events", {"events": [STEP]}),
    "a phase": ("events", {"events": [PHASE]}),
    "all of these": ("events", {"events": [LOG, STEP, PHASE]}),
    "a renewal": ("events", {"events": []}),
    "a handle": ("events", {"events": [], "handle": "v1 somewhere"}),
    "a numbered event": ("events", {"events": [LOG], "first_sequence": 2}),
    "a result": ("complete", RESULT),
    "a failure of the task": ("fail", {"error": "e", "kind": "task", "phase": "loop"}),
    "a failure of the place": ("fail", {"error": "e", "kind": "infrastructure"}),
    "its own loss": ("fail", {"error": "e", "worker_lost": True}),
}


class Recorder:
    """Stands before a coordinator, and keeps what was asked and what was answered: (path, status)."""

    def __init__(self, port):
        recorder = self
        self.answers = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    connection.request(self.command, self.path, body or None, dict(self.headers))
                    answer = connection.getresponse()
                    text = answer.read()
                except (OSError, http.client.HTTPException):
                    self.close_connection = True  # the coordinator has ended
                    return
                finally:
                    connection.close()
                recorder.answers.append((self.path, answer.status))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "content-length", "date", "server"):
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class LostLease(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        postgres = PostgresServer() if ON_POSTGRES else None
        if postgres:
            self.addCleanup(postgres.remove)
        self.coordinator = Coordinator(PROGRAM, self.folder.name, TIMES, postgres).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def submit(self, problem_id="simulated-detection", **request):
        return self.coordinator.submit(problem_id=problem_id, **request)

    def post(self, path, body):
        status, _, answer = self.coordinator.call("POST", path, body)
        return status, answer

    def register(self, worker, problems=()):
        request = {
            "id": worker,
            "backend_type": "process",
            "capabilities": {"max_parallel_tasks": 10, "supported_problems": list(problems)},
        }
        self.assertEqual(self.post("/workers/register", request)[0], 201)

    def beat(self, worker):
        return self.post("/workers/heartbeat", {"worker_id": worker, "status": "busy"})

    def keep_alive(self, worker):
        """Its heartbeats, until the end of the test."""
        ended = threading.Event()

        def beat_on():
            while not ended.wait(0.5):
                self.beat(worker)

        thread = threading.Thread(target=beat_on)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)

    def claim(self, worker, count):
        """(id, attempt) of so many tasks."""
        claimed = []

        def all_claimed():
            request = {"max": count - len(claimed), "wait_seconds": 1}
            status, answer = self.post(f"/workers/{worker}/claim", request)
            self.assertIn(status, (200, 204), answer)
            claimed.extend((task["id"], task["attempt"]) for task in (answer or {}).get("tasks", []))
            return len(claimed) == count

        until(all_claimed, f"{worker} to claim {count} tasks")
        return claimed

    def write(self, worker, task, attempt, name):
        verb, body = WRITES[name]
        return self.post(f"/workers/{worker}/tasks/{task}/{verb}", {"attempt": attempt, **body})

    def everything(self, task):
        """All that is kept of a task, as it is told."""
        return (
            self.coordinator.get(f"/tasks/{task}?include_logs=true"),
            self.coordinator.get(f"/tasks/{task}/trajectory"),
            self.coordinator.get(f"/tasks/{task}/logs?limit=1000&level=debug")["logs"],
        )

    def status_of(self, worker):
        return self.coordinator.get(f"/workers/{worker}")["status"]

    def assert_all_refused(self, worker, task, attempt):
        before = self.everything(task)
        for name in WRITES:
            with self.subTest(what=name, status=before[0]["status"], attempt=attempt):
                status, answer = self.write(worker, task, attempt, name)
                self.assertEqual((status, answer["code"]), (409, "stale_attempt"), answer)
                self.assertEqual(self.everything(task), before)

    def test_every_call_after_the_lease_ran_out_is_refused_and_nothing_of_it_is_kept(self):
        self.register(LOST)
        of_other, of_other_ended = self.submit(max_retries=1), self.submit(max_retries=1)
        waiting = self.submit("only-for-the-first", max_retries=1)
        failed, cancelled = self.submit(), self.submit()
        tasks = {of_other, of_other_ended, waiting, failed, cancelled}
        self.assertEqual(set(self.claim(LOST, 5)), {(task, 1) for task in tasks})
        for task in tasks:
            self.assertEqual(self.write(LOST, task, 1, "a step")[0], 202)
        self.assertEqual(self.post(f"/tasks/{cancelled}/cancel", None)[0], 200)
        self.assert_all_refused(LOST, cancelled, 1)

        until(lambda: self.status_of(LOST) == "offline", "the worker to count as lost")
        until(lambda: self.coordinator.task(failed)["status"] == "failed", "its task to fail")
        self.register(OTHER, ["simulated-*"])
        self.keep_alive(OTHER)
        self.assertEqual(set(self.claim(OTHER, 2)), {(of_other, 2), (of_other_ended, 2)})
        self.assertEqual(self.write(OTHER, of_other_ended, 2, "a result")[0], 200)

        statuses = {task: self.coordinator.task(task)["status"] for task in tasks}
        self.assertEqual(
            statuses,
            {
                of_other: "running",
                of_other_ended: "completed",
                waiting: "pending",
                failed: "failed",
                cancelled: "cancelled",
            },
        )
        for task in tasks:
            self.assert_all_refused(LOST, task, 1)
        for task in (of_other, of_other_ended):  # nor under the number of its successor
            self.assert_all_refused(LOST, task, 2)
        self.assert_all_refused(OTHER, of_other, 1)
        status, answer = self.post(f"/workers/{LOST}/claim", {"max": 1})
        self.assertEqual(status, 409, answer)

        # a heartbeat is a new beginning: it brings nothing back
        before = {task: self.everything(task) for task in tasks}
        self.keep_alive(LOST)
        status, answer = self.beat(LOST)
        self.assertEqual(status, 200)
        self.assertEqual({task: self.everything(task) for task in tasks}, before)
        for task in tasks:
            self.assert_all_refused(LOST, task, 1)

        # the same worker has the task again: its former attempt is as lost as before
        self.assertEqual(self.claim(LOST, 1), [(waiting, 2)])
        self.assert_all_refused(LOST, waiting, 1)
        for task, worker in ((waiting, LOST), (of_other, OTHER)):
            self.assertEqual(self.write(worker, task, 2, "a step")[0], 202)
            self.assertEqual(self.write(worker, task, 2, "a result")[0], 200)
            self.assert_all_refused(worker, task, 1)
            kept = self.coordinator.task(task)
            self.assertEqual((kept["status"], kept["attempt"]), ("completed", 2))
            self.assertEqual(
                [(one["status"], (one["failure"] or {}).get("kind")) for one in kept["attempts"]],
                [("failed", "worker_lost"), ("completed", None)],
            )

    def test_all_that_a_thawed_worker_sends_of_a_lost_attempt_is_refused(self):
        journal = pathlib.Path(self.folder.name, "journal")
        journal.touch()
        recorder = Recorder(self.coordinator.port)
        self.addCleanup(recorder.end)
        worker = RemoteWorker(
            PROGRAM, self.folder.name, recorder.port, LOST,
            TIMES + "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            "    config:\n"
            "      command: [opslab-driver-simulated]\n"
            f'      variables: {{OPSLAB_SIMULATED_JOURNAL: "{journal}"}}\n',
            ["--max-parallel-tasks", "3"],
        ).start()  # fmt: skip
        self.addCleanup(worker.end)
        long = {"agent_config": {"simulate": {"steps": 900, "step_ms": 100}}, "max_steps": 900}
        tasks = [self.submit(max_retries=retries, **long) for retries in (1, 1, 0)]
        until(
            lambda: all(self.coordinator.get(f"/tasks/{t}/trajectory")["steps"] for t in tasks),
            "the first step of each",
        )

        worker.signal(signal.SIGSTOP)
        until(lambda: self.status_of(LOST) == "offline", "the worker to count as lost")
        until(
            lambda: "running" not in [self.coordinator.task(task)["status"] for task in tasks],
            "its tasks to be given up",
        )
        self.register(OTHER)
        self.keep_alive(OTHER)
        self.assertEqual(set(self.claim(OTHER, 2)), {(task, 2) for task in tasks[:2]})
        before = {task: self.everything(task) for task in tasks}
        recorder.answers.clear()
        worker.signal(signal.SIGCONT)

        def answers_about(task):
            return [status for path, status in list(recorder.answers) if f"/tasks/{task}/" in path]

        until(lambda: all(answers_about(task) for task in tasks), "a word on each lost attempt")
        until(lambda: self.status_of(LOST) != "offline", "the worker to be back")
        until(
            lambda: not processes_with(f"OPSLAB_SIMULATED_JOURNAL={journal}"),
            "the drivers of the lost attempts to be gone",
        )
        for task in tasks:
            self.assertEqual(set(answers_about(task)), {409}, recorder.answers)
            self.assertEqual(self.everything(task), before[task])
        for task in tasks[:2]:
            self.assertEqual(self.write(OTHER, task, 2, "a result")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
