#!/usr/bin/env python3
"""A request's id and its W3C trace go from the client to the coordinator, the worker and the driver.
Usage: tracing.py OPSLAB"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator
from remote_worker import RemoteWorker

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
# tells what it was given, and ends without a result: the worker then has something to log
DRIVER = "echo trace=$TRACEPARENT request=$OPSLAB_REQUEST_ID; cat $OPSLAB_TASK_FILE; exit 3"
RUNNERS = f"runners:\n  - {{name: process, plugin: process, config: {{command: [/bin/sh, -c, '{DRIVER}']}}}}\n"


class Tracing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, config):
        self.coordinator = Coordinator(PROGRAM, self.folder, config).start()
        self.addCleanup(self.coordinator.kill)

    def submit(self, headers, path="/tasks"):
        request = {"problem_id": "p"}
        body = request if path == "/tasks" else {"tasks": [request]}
        status, _, answer = self.coordinator.call("POST", path, body, headers)
        self.assertEqual(status, 201, answer)
        return answer if path == "/tasks" else answer["tasks"][0]

    def driver_saw(self, task_id):
        """The driver's line, and its task file."""
        self.coordinator.wait_for_end(task_id)
        logs = self.coordinator.get(f"/tasks/{task_id}/logs")["logs"]
        lines = [line["message"] for line in logs]
        self.assertEqual(len(lines), 2, lines)
        return lines[0], json.loads(lines[1])

    def check_one_way(self):
        both = {"traceparent": PARENT, "X-Request-ID": "mine-1"}
        for path in ("/tasks", "/tasks/batch"):
            task = self.submit(both, path)
            self.assertNotIn(TRACE, json.dumps(task))
            line, file = self.driver_saw(task["id"])
            self.assertEqual(line, f"trace={PARENT} request=mine-1")
            self.assertEqual((file["traceparent"], file["request_id"]), (PARENT, "mine-1"))
            self.assertNotIn(TRACE, json.dumps(self.coordinator.task(task["id"])))

    def test_an_embedded_worker_hands_them_to_the_driver(self):
        self.serve(RUNNERS + "workers: [{runner: process}]\n")
        self.check_one_way()
        line, file = self.driver_saw(self.submit({"traceparent": "00-no-trace-01"})["id"])
        self.assertEqual(line, "trace= request=")
        self.assertNotIn("traceparent", file)
        self.assertNotIn("request_id", file)

    def test_a_worker_elsewhere_does_and_its_log_names_them(self):
        self.serve("")
        worker = RemoteWorker(
            PROGRAM, self.folder, self.coordinator.port, "worker-001-process",
            "log: {level: debug}\n" + RUNNERS,
        )  # fmt: skip
        self.addCleanup(worker.end)
        worker.start()
        self.check_one_way()

    def test_the_client_numbers_its_calls_and_passes_its_own_trace_on(self):
        self.serve("log: {level: debug, format: json}\n" + RUNNERS + "workers: [{runner: process}]\n")
        address = f"http://127.0.0.1:{self.coordinator.port}"
        submitted = subprocess.run(
            [PROGRAM, "task", "submit", "p", "--json", "--coordinator", address],
            env=os.environ | {"TRACEPARENT": PARENT},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        task = json.loads(submitted.stdout)
        line, _ = self.driver_saw(task["id"])
        found = re.fullmatch(f"trace={PARENT} request=(cli-[0-9a-f-]+-1)", line)
        self.assertTrue(found, line)
        entries = [
            json.loads(entry)
            for entry in (self.folder / "serve.log").read_text().splitlines()
            if found[1] in entry
        ]
        answered = [entry for entry in entries if entry["message"] == "request"]
        self.assertEqual([entry["trace"] for entry in answered], [TRACE])
        self.assertEqual(answered[0]["route"], "/tasks")


if __name__ == "__main__":
    unittest.main()
