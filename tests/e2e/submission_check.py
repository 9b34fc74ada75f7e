#!/usr/bin/env python3
"""What the runners of a coordinator can never run is refused when it is submitted; where workers
elsewhere may be able to, it is not. Neither Docker nor kind is needed: a runner knows its settings.
Usage: submission_check.py OPSLAB"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
FLOWER = "flower_node_stop-detection"
POD = "pod_failure_hotel_res-detection-1"


class SubmissionCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def serve(self, workers="docker", runners=("docker", "kind")):
        config = f'{{image: none, socket: "{self.folder}/none.sock"}}'
        listed = ", ".join(f"{{name: {one}, plugin: {one}, config: {config}}}" for one in runners)
        counted = f"{{runner: {workers}, count: 1}}" if workers else ""
        self.coordinator = Coordinator(
            PROGRAM, self.folder, f"runners: [{listed}]\nworkers: [{counted}]\n"
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def serve_with_problems(self, text, strict):
        self.table = pathlib.Path(self.folder, "problems.json")
        self.table.write_text(text)
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder,
            "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            f"    config: {{command: [opslab-driver-simulated], problems_file: {self.table}}}\n"
            "workers: [{runner: process, count: 2}]\n"
            f"tasks: {{strict_problems: {strict}}}\n",
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def listed(self):
        return {one["id"]: one for one in self.coordinator.get("/problems")["problems"]}

    def test_the_problems_of_a_workers_driver_are_accepted_where_unknown_ones_are_not(self):
        new = {"id": "new-detection-1", "task_type": "detection", "deployment": "kubernetes"}
        self.serve_with_problems(json.dumps({"problems": [new]}), "true")
        until(lambda: new["id"] in self.listed(), "the driver's own problem")
        self.assertIn(self.listed()[new["id"]]["told_by"], ("worker-001-process", "worker-002-process"))
        self.assertEqual(self.submit(new["id"], key="k")[0], 201)
        status, _, answer = self.submit("new-detection-2")
        self.assertEqual((status, answer["details"]["fields"][0]["field"]), (400, "/problem_id"))
        shown = subprocess.run(
            [PROGRAM, "problem", "list", "--coordinator", f"http://127.0.0.1:{self.coordinator.port}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        self.assertRegex(shown, r"new-detection-1 +detection +.*worker-00[12]-process")

        # the key is answered as before, though the next start's drivers know the problem no more
        self.coordinator.stop()
        self.table.write_text('{"problems": []}')
        self.coordinator.start()
        until(lambda: new["id"] not in self.listed(), "the end of the driver's own problem")
        self.assertEqual(self.submit(new["id"])[0], 400)
        self.assertEqual(self.submit(new["id"], key="k")[0], 200)

    def test_a_table_that_cannot_be_read_is_said_and_stops_nothing(self):
        self.serve_with_problems("no table", "false")
        task = self.coordinator.wait_for_end(self.submit("simulated-detection")[2]["id"])
        self.assertEqual(task["status"], "completed")
        self.assertEqual(len(self.listed()), 89)
        self.assertIn("what problems the driver can play is not known", (self.coordinator.folder / "serve.log").read_text())

    def submit(self, problem, backend=None, key=None):
        body = {"problem_id": problem} | ({"backend_type": backend} if backend else {})
        return self.coordinator.call(
            "POST", "/tasks", body, {"Idempotency-Key": key} if key else None
        )

    def test_the_runner_of_the_backend_refuses_and_says_what_to_set(self):
        self.serve()
        for backend in ("docker", "kind"):
            status, _, answer = self.submit(FLOWER, backend)
            self.assertEqual((status, answer["code"]), (400, "validation_error"))
            (field,) = answer["details"]["fields"]
            self.assertEqual(field["field"], "/problem_id")
            self.assertRegex(field["message"], f'^runner "{backend}": .*set docker_engine_image')
        self.assertEqual(self.coordinator.get("/tasks")["total"], 0)
        self.assertEqual(self.submit(POD, "docker")[0], 201)

    def test_a_batch_is_refused_whole_with_each_task_that_cannot_run(self):
        self.serve()
        tasks = [{"problem_id": one, "backend_type": "docker"} for one in (POD, FLOWER, POD, FLOWER)]
        status, _, answer = self.coordinator.call("POST", "/tasks/batch", {"tasks": tasks})
        self.assertEqual(status, 400)
        self.assertEqual(
            [field["field"] for field in answer["details"]["fields"]],
            ["/tasks/1/problem_id", "/tasks/3/problem_id"],
        )
        self.assertEqual(self.coordinator.get("/tasks")["total"], 0)

    def test_a_task_for_any_backend_is_refused_until_a_worker_of_another_kind_is_there(self):
        self.serve()
        self.assertEqual(self.submit(FLOWER)[0], 400)
        worker = {"id": "worker-001-elsewhere", "backend_type": "elsewhere"}
        self.assertEqual(self.coordinator.call("POST", "/workers/register", worker)[0], 201)
        self.assertEqual(self.submit(FLOWER)[0], 201)
        self.assertEqual(self.submit(FLOWER, "elsewhere")[0], 201)
        self.assertEqual(self.submit(FLOWER, "docker")[0], 400)

    def test_a_key_is_answered_as_before_and_a_refused_one_is_not_used_up(self):
        self.serve(workers=None, runners=())
        status, _, first = self.submit(FLOWER, "docker", key="old")
        self.assertEqual(status, 201)
        self.coordinator.stop()
        self.serve(workers=None)
        status, _, again = self.submit(FLOWER, "docker", key="old")
        self.assertEqual((status, again["id"]), (200, first["id"]))
        self.assertEqual(self.submit(FLOWER, "docker", key="new")[0], 400)
        self.assertEqual(self.submit(POD, "docker", key="new")[0], 201)

    def test_the_command_line_shows_the_reason(self):
        self.serve()
        told = subprocess.run(
            [PROGRAM, "task", "submit", FLOWER, "--backend", "docker",
             "--coordinator", f"http://127.0.0.1:{self.coordinator.port}"],
            capture_output=True, text=True,
        )
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertIn("set docker_engine_image", told.stderr)


if __name__ == "__main__":
    unittest.main()
