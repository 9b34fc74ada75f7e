"""What the service tells of itself, a start with and without a configuration, a restart, and a
database that goes away."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from audit import LIMIT_SECONDS, NO_TASK, Audit, Coordinator, PostgresServer, Stand, until

FAMILIES = ("http_requests_total", "http_request_duration_seconds", "task_queue_size", "worker_count")


class Service(Audit):
    def test_health_tells_version_storage_workers_and_queue(self):
        health = self.expect(200, "GET", "/health")
        self.assertTrue(health["version"])
        self.assertEqual(health["storage"]["plugin"], "postgres" if Stand.on_postgres else "sqlite")
        self.assertGreaterEqual(health["storage"]["latency_ms"], 0)
        self.assertEqual(sorted(health["workers"]), ["busy", "idle", "offline"])
        self.assertEqual(sorted(health["queue"]),
                         ["cancelled", "completed", "failed", "pending", "running", "timeout"])
        self.expect(200, "GET", "/live")
        self.expect(200, "GET", "/ready")

    def test_metrics_have_the_promised_names_and_labels_of_bounded_number(self):
        for path in ("/tasks", f"/tasks/{NO_TASK}", "/nowhere/1", "/nowhere/2"):
            self.call("GET", path)
        status, headers, text = self.call("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain"))
        for family in FAMILIES:
            self.assertIn(f"# TYPE {family} ", text)
        self.assertRegex(text, r'http_requests_total\{endpoint="/tasks/\{id\}",method="GET",status="404"\} ')
        self.assertNotIn(NO_TASK, text)
        self.assertNotIn("/nowhere", text)
        for status in ("pending", "running", "completed", "failed", "timeout", "cancelled"):
            self.assertIn(f'task_queue_size{{status="{status}"}}', text)
        for status in ("idle", "busy", "offline"):
            self.assertIn(f'worker_count{{status="{status}"}}', text)

    def test_the_document_names_every_path_and_the_page_needs_no_internet(self):
        document = self.expect(200, "GET", "/openapi.json")
        self.assertTrue(document["openapi"].startswith("3."))
        status, headers, page = self.call("GET", "/docs")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/html"))
        self.assertEqual(re.findall(r'(?:src|href)="https?://[^"]*"', page), [])

    def test_internal_workers_of_a_coordinator_without_runners(self):
        for method, verb in (("GET", "status"), ("POST", "start"), ("POST", "stop")):
            self.assertEqual(self.expect(200, method, f"/workers/internal/{verb}")["num_workers"], 0)
        self.expect(200, "POST", "/workers/internal/scale", {"num_workers": 0})
        self.invalid(["/num_workers"], "POST", "/workers/internal/scale", {"num_workers": 1})


class Starts(unittest.TestCase):
    def run_opslab(self, *words, **more):
        return subprocess.run([Stand.program, *words], capture_output=True, text=True, timeout=LIMIT_SECONDS,
                              **more)

    def test_no_file_at_all_is_a_working_service_that_says_that_tasks_wait(self):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen([Stand.program, "serve"], cwd=folder, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
            lines = []
            reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
            reader.start()
            try:
                # port 8000 may be taken on the machine that runs this: then it must say just that
                until(lambda: process.poll() is not None or any("wait for workers" in line for line in lines),
                      "the start to say that tasks wait")
            finally:
                process.send_signal(signal.SIGTERM)
                code = process.wait(LIMIT_SECONDS)
            reader.join(LIMIT_SECONDS)
            said = "".join(lines)
            if code != 0:
                self.assertIn("127.0.0.1:8000", said)
            else:
                self.assertTrue(pathlib.Path(folder, "opslab.db").exists(), said)

    def test_a_bad_file_stops_the_start_with_place_path_and_what_was_expected(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "bad.yaml")
            file.write_text("server: {listen: 7}\nheartbeat:\n  intervall_seconds: 30\n  timeout_seconds: x\n"
                            "storage: {plugin: sqlite, sqlite: {pth: a}}\nlog: {format: pretty}\n")
            for words in (("serve", "--config"), ("config", "check")):
                done = self.run_opslab(*words, str(file), cwd=folder)
                said = done.stdout + done.stderr
                self.assertNotEqual(done.returncode, 0)
                for wanted in (r"bad\.yaml:1:\d+: .*server\.listen", r"bad\.yaml:3:3: .*heartbeat\.intervall_seconds",
                               r"interval_seconds", r"bad\.yaml:4:\d+: .*heartbeat\.timeout_seconds", "integer",
                               r"bad\.yaml:5:\d+: .*storage\.sqlite\.pth", r"\bpath\b",
                               r"bad\.yaml:6:\d+: .*log\.format", "human", "json"):
                    self.assertRegex(said, wanted)
            missing = self.run_opslab("serve", "--config", str(pathlib.Path(folder, "none.yaml")))
            self.assertNotEqual(missing.returncode, 0)
            self.assertIn("none.yaml", missing.stderr)

    def test_variables_are_taken_from_the_environment_with_defaults(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "env.yaml")
            file.write_text('storage: {plugin: sqlite, sqlite: {path: "${AUDIT_FOLDER}/${AUDIT_NAME:-x.db}"}}\n'
                            "heartbeat: {interval_seconds: ${AUDIT_BEAT:-7}}\n")
            good = self.run_opslab("config", "check", str(file), env=os.environ | {"AUDIT_FOLDER": folder})
            self.assertEqual(good.returncode, 0, good.stderr)
            bad = self.run_opslab("config", "check", str(file), env=os.environ | {
                "AUDIT_FOLDER": folder, "AUDIT_BEAT": "often"})
            self.assertRegex(bad.stdout + bad.stderr, r"env\.yaml:2:\d+: .*heartbeat\.interval_seconds")
            unset = self.run_opslab("config", "check", str(file))
            self.assertNotEqual(unset.returncode, 0)
            self.assertIn("AUDIT_FOLDER", unset.stdout + unset.stderr)

    def test_a_build_has_the_programs_and_plugins_under_one_prefix(self):
        prefix = Stand.program.parents[1]
        for part in ("bin/opslab", "bin/opslab-driver-simulated", "lib/opslab/plugins/storage-sqlite.so",
                     "lib/opslab/plugins/storage-postgres.so", "lib/opslab/plugins/runner-process.so",
                     "lib/opslab/plugins/runner-docker.so", "lib/opslab/plugins/runner-kind.so"):
            self.assertTrue((prefix / part).exists(), part)
        for name in ("sqlite", "postgres", "process", "docker", "kind"):
            shown = self.run_opslab("plugin", "info", name)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn(name, shown.stdout)


class Restarts(Audit):
    def test_keys_cursors_and_event_ids_hold_across_a_kill(self):
        key, body = {"Idempotency-Key": self.fresh("restart")}, {"problem_id": "p", "backend_type": "nobody"}
        batch = {"tasks": [body] * 3}
        first = self.expect(201, "POST", "/tasks", body, key)
        many = self.expect(201, "POST", "/tasks/batch", batch, key)
        _, ended, _ = self.ended()
        cursor = self.expect(200, "GET", "/tasks?limit=1")["next_cursor"]
        line = self.call("GET", "/trajectories")[2]
        self.coordinator.kill()
        self.coordinator.start()
        self.assertEqual(self.expect(200, "POST", "/tasks", body, key), first)
        self.assertEqual(self.expect(200, "POST", "/tasks/batch", batch, key), many)
        self.refused(409, "idempotency_conflict", "POST", "/tasks", {"problem_id": "q"}, key)
        self.expect(200, "GET", f"/tasks?limit=1&cursor={cursor}")
        self.assertEqual(self.call("GET", "/trajectories")[2], line)
        self.assertEqual(self.expect(200, "GET", f"/tasks/{ended}")["status"], "completed")


if Stand.on_postgres:  # a file does not go away

    class DatabaseAway(Audit):
        def setUp(self):
            self.folder = tempfile.TemporaryDirectory()
            self.addCleanup(self.folder.cleanup)
            self.server = PostgresServer()
            self.addCleanup(self.server.remove)
            self.coordinator = Coordinator(Stand.program, self.folder.name, "", self.server).start()
            self.addCleanup(self.coordinator.stop)

        def test_every_call_is_503_at_once_with_retry_after_and_it_comes_back(self):
            task = self.submit()["id"]
            worker = self.worker("away")
            self.server.kill()
            run = f"/workers/{worker}/tasks/{task}"
            calls = [
                ("POST", "/tasks", {"problem_id": "p"}), ("POST", "/tasks/batch", {"tasks": [{"problem_id": "p"}]}),
                ("GET", "/tasks", None), ("GET", "/tasks/stats", None), ("GET", f"/tasks/{task}", None),
                ("GET", f"/tasks/{task}?include_logs=true", None), ("DELETE", f"/tasks/{task}", None),
                ("POST", f"/tasks/{task}/cancel", None), ("GET", f"/tasks/{task}/logs", None),
                ("GET", f"/tasks/{task}/trajectory", None), ("GET", f"/tasks/{task}/events", None),
                ("GET", "/trajectories", None), ("GET", "/workers", None), ("GET", f"/workers/{worker}", None),
                ("GET", f"/workers/{worker}/stats", None), ("GET", "/ready", None),
                ("POST", "/workers/register", {"id": "worker-002-away", "backend_type": "away"}),
                ("POST", "/workers/heartbeat", {"worker_id": worker, "status": "idle"}),
                ("POST", f"/workers/{worker}/claim", {}), ("POST", f"/workers/{worker}/claim", {"wait_seconds": 5}),
                ("POST", f"{run}/events", {"attempt": 1, "events": []}),
                ("POST", f"{run}/complete", {"attempt": 1, "result": {"success": True}}),
                ("POST", f"{run}/fail", {"attempt": 1, "error": "e"}),
            ]
            for method, path, body in calls:
                began = time.monotonic()
                status, headers, answer = self.call(method, path, body)
                self.assertEqual(status, 503, f"{method} {path}: {answer}")
                self.assertIn("Retry-After", headers, path)
                self.assertLess(time.monotonic() - began, 10, path)
                if path != "/ready":
                    self.assertEqual(sorted(answer), ["code", "details", "error"], path)
                self.assertNotRegex(str(answer), r"(?i)select |insert |update |/tmp|\.cpp|127\.0\.0\.1|password")
            self.expect(200, "GET", "/live")
            health = self.call("GET", "/health")[2]
            self.assertEqual((health["status"], health["storage"]["status"]), ("degraded", "unavailable"))
            self.expect(400, "POST", "/tasks", {})
            self.server.start()
            until(lambda: self.call("GET", "/ready")[0] == 200, "the database to be back")
            self.assertEqual(self.expect(200, "GET", f"/tasks/{task}")["status"], "pending")
            self.expect(201, "POST", "/tasks", {"problem_id": "p"})
