#!/usr/bin/env python3
"""What /metrics tells: read by promtool, bounded whatever clients send, and all that the alert rules
and the board in docs/operations ask for. Usage: metrics.py OPSLAB SOURCE_DIR"""

import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import uuid

from coordinator import Coordinator

SOURCE = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
OPERATIONS = SOURCE / "docs" / "operations"
NAME = re.compile(r"\b(?:http|task|worker|runner|opslab|process)_[a-z0-9_]+")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def promtool(*words, **options):
    return subprocess.run(
        ["promtool", *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.coordinator = Coordinator(PROGRAM, cls.folder.name, "").start()

    @classmethod
    def tearDownClass(cls):
        cls.coordinator.stop()
        cls.folder.cleanup()

    def text(self):
        return self.coordinator.get("/metrics")

    def value(self, series):
        for line in self.text().splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        return None

    def post(self, wanted, path, body):
        status, _, answer = self.coordinator.call("POST", path, body)
        self.assertEqual(status, wanted, answer)
        return answer

    def run_one(self, number, **request):
        backend = f"metrics-{number}"
        worker = f"worker-{number:03}-{backend}"
        self.post(201, "/workers/register", {"id": worker, "backend_type": backend})
        task = self.coordinator.submit(problem_id="p", backend_type=backend, **request)
        self.post(200, f"/workers/{worker}/claim", {})
        return f"/workers/{worker}/tasks/{task}"

    def test_a_run_shows_in_every_family_that_it_belongs_to(self):
        run = self.run_one(1)
        phase = {"type": "phase", "name": "setup"}
        events = [{**phase, "state": "begin"}, {**phase, "state": "end"}]
        self.post(202, f"{run}/events", {"attempt": 1, "events": events})
        self.post(200, f"{run}/complete", {"attempt": 1, "result": {"success": True}})
        self.post(409, f"{run}/events", {"attempt": 1, "events": events})
        broken = self.run_one(2, max_retries=1)
        failure = {"attempt": 1, "error": "no disk", "kind": "infrastructure"}
        self.post(200, f"{broken}/fail", failure)

        self.assertEqual(self.value('task_duration_seconds_count{status="completed"}'), 1)
        self.assertEqual(self.value('runner_phase_seconds_count{phase="setup"}'), 1)
        self.assertEqual(self.value('opslab_stale_writes_total{verb="record"}'), 1)
        self.assertEqual(self.value("opslab_retries_total"), 1)
        self.assertGreaterEqual(self.value('opslab_sql_seconds_count{statement="task.take"}'), 2)
        self.assertEqual(self.value("opslab_storage_up"), 1)
        self.assertEqual(self.value('task_queue_size{status="pending"}'), 1)
        self.assertGreater(self.value("process_resident_memory_bytes"), 0)
        self.assertGreater(self.value("task_claim_duration_seconds_count"), 1)

    def test_promtool_reads_them(self):
        checked = promtool("check", "metrics", input=self.text())
        # 3: all of it was read, and some names are against the taste of the linter
        self.assertIn(checked.returncode, (0, 3), checked.stderr)
        complaints = checked.stderr.splitlines()
        self.assertEqual([line for line in complaints if "worker_count" not in line], [])

    def test_the_rules_and_the_board_ask_only_for_what_is_there(self):
        self.run_one(3)
        there = {
            SUFFIX.sub("", line.split("{")[0].split(" ")[0])
            for line in self.text().splitlines()
            if not line.startswith("#")
        }
        # families that begin with their first event
        there |= {"opslab_callbacks_total", "opslab_plugin_call_failures_total"}
        there |= {"runner_phase_seconds", "opslab_sql_failures_total"}
        # of workers elsewhere: worker_port.py reads their page
        there |= {"opslab_worker_slots", "opslab_worker_coordinator_up"}
        board = json.loads((OPERATIONS / "grafana-board.json").read_text())
        asked = "\n".join(
            target["expr"] for panel in board["panels"] for target in panel["targets"]
        )
        rules = (OPERATIONS / "alerts.yml").read_text()
        asked += "\n".join(re.findall(r"expr:(.*?)(?=\n\s+(?:for|labels):)", rules, re.DOTALL))
        labels = {"worker_offline"}
        names = {SUFFIX.sub("", name) for name in NAME.findall(asked)} - labels
        self.assertGreater(len(names), 15)
        self.assertEqual(names - there, set())

    def test_the_alert_rules_are_good_and_fire_when_they_should(self):
        alerts = OPERATIONS / "alerts.yml"
        checked = promtool("check", "rules", str(alerts))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        cases = pathlib.Path(__file__).with_name("alerts_test.yml").read_text()
        file = pathlib.Path(self.folder.name, "alerts_test.yml")
        file.write_text(cases.replace("ALERTS", str(alerts)))
        tested = promtool("test", "rules", str(file))
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def ask_hostile(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        try:
            asked = [
                ("GET", f"/no/such/path/{number}"),
                ("GET", f"/tasks/{uuid.uuid4()}"),
                ("GET", f"/tasks/not-an-id-{number}"),
                (f"X{number}", "/tasks"),
                ("GET", f"/workers/worker-{number + 1000}-nobody"),
                ("POST", f"/workers/worker-{number + 1000}-nobody/claim"),
                ("GET", f"/tasks?status=%22%7D{number}"),
                ("DELETE", f"/%22,x=%22{number}"),
            ]
            for method, path in asked:
                connection.request(method, path, headers={"X-Request-ID": f"r{number}"})
                self.assertGreaterEqual(connection.getresponse().read().__len__(), 0)
        finally:
            connection.close()

    def test_hostile_paths_ids_and_methods_add_no_series(self):
        self.ask_hostile(0)
        before = len(self.text().splitlines())
        for number in range(1, 60):
            self.ask_hostile(number)
        text = self.text()
        self.assertEqual(len(text.splitlines()), before)
        for trace in ("not-an-id", "no/such", "nobody", "X59"):
            self.assertNotIn(trace, text)


if __name__ == "__main__":
    unittest.main()
