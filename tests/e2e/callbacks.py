#!/usr/bin/env python3
"""Completion callbacks as a receiver sees them: a real coordinator, a real receiver on loopback.
Usage: callbacks.py OPSLAB SOURCE_DIR"""

import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import unittest

from callback_receiver import Receiver
from coordinator import Coordinator, until

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
SECRET = "a secret that is told nobody"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def signature_check():
    """The function of docs/callbacks.md, as it stands there."""
    text = (SOURCE / "docs" / "callbacks.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    scope = {}
    exec(found.group(1), scope)  # the example is ours
    return scope["is_from_opslab"]


class CallbackCase(unittest.TestCase):
    settings = "allow_private: true, retry_base_seconds: 1"
    workers = "[{runner: process, count: 1, max_parallel_tasks: 4}]"

    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        secret = pathlib.Path(self.folder.name, "secret")
        secret.touch(0o600)
        secret.write_text(SECRET + "\n")
        # a proxy that is not there: callbacks must not ask it
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            os.environ[name] = "http://127.0.0.1:9"
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder.name,
            "tasks: {retry_base_seconds: 1, poll_seconds: 1}\n"
            f'callbacks: {{secret_file: "{secret}", {self.settings}}}\n'
            "log: {level: debug}\n"
            "runners:\n"
            "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
            f"workers: {self.workers}\n",
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def log(self):
        return pathlib.Path(self.folder.name, "serve.log").read_text()

    def cancelled(self, path):
        """A task that is cancelled while pending, with its callback at this path."""
        task_id = self.coordinator.submit(
            problem_id="p", backend_type="nobody", callback_url=self.receiver.url(path)
        )
        status, _, _ = self.coordinator.call("POST", f"/tasks/{task_id}/cancel")
        self.assertEqual(status, 200)
        return task_id

    def metric(self, outcome):
        found = re.search(
            rf'^opslab_callbacks_total{{outcome="{outcome}"}} (\d+)',
            self.coordinator.get("/metrics"),
            re.MULTILINE,
        )
        return int(found.group(1)) if found else 0


class Callbacks(CallbackCase):
    def test_a_completed_task_is_told_in_detail_signed_and_once(self):
        task_id = self.coordinator.submit(
            problem_id="simulated-detection",
            callback_url=self.receiver.url("/done"),
            metadata={"ключ": "значение"},
        )

        one = self.receiver.wait_for("/done")[0]

        self.assertEqual(json.loads(one.body), self.coordinator.task(task_id))
        self.assertEqual(one.headers["Content-Type"], "application/json")
        self.assertEqual(one.headers["X-Opslab-Event"], "task.completed")
        self.assertRegex(one.headers["X-Opslab-Delivery"], UUID)
        self.assertRegex(one.headers["User-Agent"], r"^opslab/\d+\.\d+")
        check = signature_check()
        given = one.headers["X-Opslab-Signature-256"]
        self.assertTrue(check(one.body, given, SECRET))
        self.assertFalse(check(one.body + b" ", given, SECRET))
        self.assertFalse(check(one.body, given, "another secret"))
        self.assertFalse(check(one.body, None, SECRET))
        until(lambda: self.metric("delivered") == 1, "the metric to count it")
        self.assertEqual(len(self.receiver.at("/done")), 1)

    def test_every_terminal_status_is_told_but_a_retry_is_not(self):
        self.cancelled("/cancelled")
        self.coordinator.submit(
            problem_id="simulated-detection",
            callback_url=self.receiver.url("/failed"),
            max_retries=1,
            agent_config={"simulate": {"mode": "infrastructure"}},
        )

        cancelled = self.receiver.wait_for("/cancelled")[0]
        failed = self.receiver.wait_for("/failed")[0]

        self.assertEqual(cancelled.headers["X-Opslab-Event"], "task.cancelled")
        self.assertEqual(failed.headers["X-Opslab-Event"], "task.failed")
        task = json.loads(failed.body)
        self.assertEqual((task["status"], task["attempt"]), ("failed", 2))
        until(lambda: self.metric("delivered") == 2, "both to be counted")
        self.assertEqual(len(self.receiver.at("/failed")), 1)

    def test_an_error_is_tried_again_as_the_same_delivery(self):
        self.receiver.answers["/flaky"] = [500, 503, 200]
        self.cancelled("/flaky")

        tries = self.receiver.wait_for("/flaky", 3)

        self.assertEqual(len({one.headers["X-Opslab-Delivery"] for one in tries}), 1)
        self.assertEqual(len({one.headers["X-Opslab-Signature-256"] for one in tries}), 1)
        self.assertEqual(len({one.body for one in tries}), 1)
        until(lambda: self.metric("delivered") == 1, "the metric")
        self.assertEqual(self.metric("retried"), 2)

    def test_a_redirect_is_not_followed(self):
        def redirect(handler):
            handler.send_response(307)
            handler.send_header("Location", self.receiver.url("/elsewhere"))
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.receiver.answers["/moved"] = [redirect, 200]
        self.cancelled("/moved")

        self.receiver.wait_for("/moved", 2)

        self.assertEqual(self.receiver.at("/elsewhere"), [])

    def test_a_huge_answer_is_broken_off_and_counts_by_its_status(self):
        def flood(handler):
            handler.send_response(200)
            handler.end_headers()  # no length: it ends with the connection
            while True:
                handler.wfile.write(b"x" * 65536)

        self.receiver.answers["/flood"] = [flood]
        self.cancelled("/flood")

        until(lambda: self.metric("delivered") == 1, "the answer to be broken off")

    def test_no_secret_and_no_url_is_logged(self):
        self.receiver.answers["/flaky?token=t0p"] = [500, 200]
        self.cancelled("/flaky?token=t0p")
        self.receiver.wait_for("/flaky?token=t0p", 2)

        self.assertEqual(self.coordinator.stop(), 0)

        self.assertIn("will be tried again", self.log())
        self.assertNotIn(SECRET, self.log())
        self.assertNotIn("t0p", self.log())

    def test_what_was_not_delivered_when_the_coordinator_was_killed_is_delivered_after(self):
        self.receiver.answers["/killed"] = [500, 200]
        self.receiver.answers["/hangs"] = ["hang", 200]
        self.cancelled("/killed")
        self.cancelled("/hangs")
        first = self.receiver.wait_for("/killed") + self.receiver.wait_for("/hangs")
        self.coordinator.kill()
        ids = {one.headers["X-Opslab-Delivery"] for one in first}

        self.coordinator.start()
        again = self.receiver.wait_for("/killed", 2) + self.receiver.wait_for("/hangs", 2)

        self.assertEqual({one.headers["X-Opslab-Delivery"] for one in again}, ids)

    def test_a_stop_does_not_wait_for_a_receiver_and_loses_nothing(self):
        self.receiver.answers["/hangs"] = ["hang", 200]
        self.cancelled("/hangs")
        self.receiver.wait_for("/hangs")

        self.assertEqual(self.coordinator.stop(), 0)

        self.coordinator.start()
        self.receiver.wait_for("/hangs", 2)


class SlowReceiver(CallbackCase):
    settings = "allow_private: true, timeout_seconds: 2, retry_base_seconds: 1, max_attempts: 2"
    workers = "[]"

    def test_one_that_hangs_is_given_up_and_holds_up_nobody(self):
        other = Receiver()
        self.addCleanup(other.close)
        self.receiver.answers["/hangs"] = ["hang"]
        for _ in range(100):
            self.cancelled("/hangs")
        task_id = self.coordinator.submit(problem_id="p", callback_url=other.url("/fine"))
        self.coordinator.call("DELETE", f"/tasks/{task_id}")

        other.wait_for("/fine")

        self.assertEqual(self.metric("given_up"), 0)  # it came before any of the others ended
        until(lambda: self.metric("given_up") >= 1, "one to be given up")
        self.assertIn("callback given up", self.log())


class NotPermitted(CallbackCase):
    settings = "allow_private: false"
    workers = "[]"

    def test_loopback_is_refused_by_address_by_name_and_in_disguise(self):
        port = self.receiver.server.server_address[1]
        hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433",
                 "0x7f.1", "[::ffff:7f00:1]"]
        for host in hosts:
            status, _, task = self.coordinator.call(
                "POST", "/tasks", {"problem_id": "p", "callback_url": f"http://{host}:{port}/x"}
            )
            self.assertEqual(status, 201, task)
            self.coordinator.call("DELETE", f"/tasks/{task['id']}")

        until(lambda: self.metric("refused") == len(hosts), "all to be refused")

        self.assertEqual(self.receiver.received, [])
        self.assertEqual(self.log().count("callback refused"), len(hosts))
        self.assertIn("loopback", self.log())
        self.assertIn("callbacks.allow_private: true", self.log())


class BadSecretFile(unittest.TestCase):
    def test_a_secret_that_others_may_read_stops_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = pathlib.Path(folder, "secret")
            secret.write_text(SECRET)
            secret.chmod(0o644)
            coordinator = Coordinator(
                PROGRAM, folder, f'callbacks: {{secret_file: "{secret}"}}\n'
            )
            with self.assertRaises(AssertionError) as refused:
                coordinator.start()

        self.assertIn("chmod 600", str(refused.exception))
        self.assertNotIn(SECRET, str(refused.exception))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main()
