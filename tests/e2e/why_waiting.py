#!/usr/bin/env python3
"""Ten workers, a hundred tasks and then two thousand: /metrics tells the story, and explain is right
for every pending task, as the claims that follow bear out. And each reason by itself.
Usage: why_waiting.py OPSLAB TEST_PLUGIN_DIR"""

import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

PLUGINS = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
CONFIG = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 600}\n"  # the workers here never beat
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 600, retry_max_seconds: 600}\n"
)
KINDS = ("kind", "docker")


class Fixture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.coordinator = Coordinator(PROGRAM, folder.name, CONFIG).start()
        self.addCleanup(self.coordinator.kill)

    def post(self, wanted, path, body):
        status, _, answer = self.coordinator.call("POST", path, body)
        self.assertEqual(status, wanted, answer)
        return answer

    def register(self, number, backend, **capabilities):
        worker = f"worker-{number:03}-{backend}"
        body = {"id": worker, "backend_type": backend, "capabilities": capabilities}
        self.post(201, "/workers/register", body)
        return worker

    def claim(self, worker, count=1):
        status, _, answer = self.coordinator.call("POST", f"/workers/{worker}/claim", {"max": count})
        self.assertIn(status, (200, 204), answer)
        return [task["id"] for task in answer["tasks"]] if status == 200 else []

    def explain(self, task):
        return self.coordinator.get(f"/tasks/{task}/explain")

    def verdicts(self, told):
        return {one["worker_id"]: one["verdict"] for one in told["waiting"]["workers"]}

    def metric(self, series):
        for line in self.coordinator.get("/metrics").splitlines():
            if line.startswith(series + " "):
                return float(line.split()[-1])
        return None


class EachReason(Fixture):
    def test_offline_busy_other_backend_and_problem_filter_are_told_apart(self):
        gone = self.register(1, "kind")
        self.post(200, f"/workers/{gone}/retire", {})
        busy = self.register(2, "kind")
        self.coordinator.submit(problem_id="first", backend_type="kind")
        self.assertEqual(len(self.claim(busy)), 1)
        other = self.register(3, "docker")
        picky = self.register(4, "kind", supported_problems=["network-*"])
        task = self.coordinator.submit(problem_id="disk-1", backend_type="kind")
        told = self.explain(task)
        self.assertEqual(told["reason"], "workers_busy")
        self.assertEqual(
            self.verdicts(told),
            {gone: "offline", busy: "busy", other: "backend_type", picky: "problem_filter"},
        )
        messages = {one["worker_id"]: one["message"] for one in told["waiting"]["workers"]}
        self.assertIn("last heartbeat at", messages[gone])
        self.assertIn("runs 1 task in 1 slot", messages[busy])
        self.assertIn("the task asks for kind", messages[other])
        self.assertIn('leave "disk-1" out', messages[picky])
        self.assertTrue(told["waiting"]["since"].endswith("Z"))

    def test_no_worker_none_that_fits_and_all_offline_are_told_apart(self):
        task = self.coordinator.submit(problem_id="disk-1", backend_type="kind")
        self.assertEqual(self.explain(task)["reason"], "no_workers")
        self.register(1, "docker")
        self.assertEqual(self.explain(task)["reason"], "no_fitting_worker")
        gone = self.register(2, "kind")
        self.post(200, f"/workers/{gone}/retire", {})
        self.assertEqual(self.explain(task)["reason"], "workers_offline")

    def test_a_retry_says_when(self):
        worker = self.register(1, "kind")
        task = self.coordinator.submit(problem_id="p", max_retries=1)
        self.claim(worker)
        path = f"/workers/{worker}/tasks/{task}/fail"
        self.post(200, path, {"attempt": 1, "error": "no disk", "kind": "infrastructure"})
        told = self.explain(task)
        self.assertEqual(told["reason"], "retry_not_before")
        self.assertGreater(told["waiting"]["not_before"], told["at"])
        self.assertIn(told["waiting"]["not_before"], told["summary"])
        self.assertEqual(told["attempts"][0]["failure"]["message"], "no disk")

    def test_a_running_one_tells_phase_last_event_lease_deadline_and_what_is_usual(self):
        worker = self.register(1, "kind")
        for _ in range(2):
            done = self.coordinator.submit(problem_id="p")
            self.claim(worker)
            path = f"/workers/{worker}/tasks/{done}"
            self.post(200, f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        task = self.coordinator.submit(problem_id="p")
        self.claim(worker)
        events = [
            {"type": "phase", "name": "setup", "state": "begin"},
            {"type": "phase", "name": "setup", "state": "end"},
            {"type": "phase", "name": "loop", "state": "begin"},
            {"type": "step", "step": 4, "observation": "o", "action": "a"},
        ]
        self.post(202, f"/workers/{worker}/tasks/{task}/events", {"attempt": 1, "events": events})
        told = self.explain(task)
        running = told["running"]
        self.assertEqual((told["reason"], running["phase"]), ("running", "loop"))
        self.assertEqual(running["last_event"]["text"], "step 4")
        self.assertLessEqual(running["since"], running["phase_since"])
        self.assertLess(told["at"], running["lease_until"])
        self.assertLess(running["lease_until"], running["deadline"])
        self.assertGreaterEqual(told["usual_seconds"]["p95"], told["usual_seconds"]["p50"])

    def test_a_finished_one_tells_its_attempts_in_order(self):
        worker = self.register(1, "kind")
        task = self.coordinator.submit(problem_id="p")
        self.claim(worker)
        path = f"/workers/{worker}/tasks/{task}/fail"
        self.post(200, path, {"attempt": 1, "error": "broken", "phase": "loop"})
        told = self.explain(task)
        self.assertEqual((told["reason"], told["status"]), ("ended", "failed"))
        (attempt,) = told["attempts"]
        self.assertEqual(attempt["worker_id"], worker)
        self.assertLess(attempt["started_at"], attempt["completed_at"])
        self.assertEqual(attempt["failure"]["phase"], "loop")


class CircuitOpen(unittest.TestCase):
    def test_a_worker_whose_starts_keep_failing_claims_nothing_and_explain_says_why(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        fake = "runners: [{name: fake, plugin: fake}]\nworkers: [{runner: fake, count: 1}]\n"
        coordinator = Coordinator(PROGRAM, folder.name, fake)
        own = coordinator.config.read_text()
        coordinator.config.write_text(own.replace("plugins: {", f"plugins: {{path: ['{PLUGINS}'], "))
        coordinator.start()
        self.addCleanup(coordinator.kill)

        def submit(script, priority):
            return coordinator.submit(
                problem_id="p", priority=priority, agent_config={"fake": script}
            )

        broken = [submit({"start": "infrastructure"}, 9) for _ in range(12)]
        fine = submit({"play": [{"event": {"type": "result", "success": True}}]}, 0)
        explained = f"/tasks/{fine}/explain"
        until(lambda: coordinator.get(explained)["reason"] == "circuits_open", "an open circuit")
        for task in broken[:5]:
            self.assertEqual(coordinator.wait_for_end(task)["failure"]["kind"], "infrastructure")
        until(lambda: coordinator.get(explained)["reason"] == "circuits_open", "it to open again")
        told = coordinator.get(explained)
        self.assertIn("starts keep failing", told["summary"])
        (worker,) = told["waiting"]["workers"]
        self.assertEqual(worker["verdict"], "circuit_open")
        self.assertIn("scripted failure of start", worker["message"])

        for task in broken:
            coordinator.call("DELETE", f"/tasks/{task}")
        self.assertEqual(coordinator.wait_for_end(fine)["status"], "completed")
        log = (pathlib.Path(folder.name) / "serve.log").read_text()
        self.assertEqual(log.count("runs cannot be started here; no task is claimed for now"), 1)
        self.assertIn("starts work again; tasks are claimed as before", log)


class TenWorkers(Fixture):
    def submit_many(self, count):
        tasks = [
            {"problem_id": f"problem-{at % 7}", "priority": at % 11}
            | ({"backend_type": KINDS[at % 3]} if at % 3 < 2 else {})
            for at in range(count)
        ]
        ids = []
        for first in range(0, count, 1000):
            answer = self.post(201, "/tasks/batch", {"tasks": tasks[first : first + 1000]})
            ids += [task["id"] for task in answer["tasks"]]
        return ids

    def pending(self):
        found, cursor = [], ""
        while True:
            page = self.coordinator.get(f"/tasks?status=pending&sort=created_at&limit=100{cursor}")
            found += page["tasks"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def check_all(self, reasons):
        """Explains every pending task; each must give one of the reasons, and count right."""
        tasks = self.pending()
        ordered = sorted(
            tasks,
            key=lambda task: (-task["parameters"]["priority"], task["created_at"], task["id"]),
        )
        for place, task in enumerate(ordered):
            told = self.explain(task["id"])
            self.assertIn(told["reason"], reasons)
            kind = task["backend_type"]
            fits = [
                one for one in ordered[:place] if kind is None or one["backend_type"] in (None, kind)
            ]
            self.assertEqual(told["waiting"]["ahead"], len(fits), told)
            verdicts = self.verdicts(told)
            for worker, verdict in verdicts.items():
                other = kind is not None and not worker.endswith(kind)
                self.assertEqual(verdict == "backend_type", other)
        return ordered

    def test_explain_is_right_for_each_and_the_metrics_tell_the_story(self):
        workers = [self.register(at + 1, KINDS[at % 2]) for at in range(10)]
        self.submit_many(100)
        ordered = self.check_all({"claimable", "queued"})
        self.assertEqual(self.metric('task_queue_size{status="pending"}'), 100)
        self.assertEqual(self.metric('worker_count{status="idle"}'), 10)
        # what explain called first is what the next claim of a worker that fits takes
        first = ordered[0]["id"]
        self.assertEqual(self.explain(first)["reason"], "claimable")
        kind = ordered[0]["backend_type"] or "kind"
        worker = next(one for one in workers if one.endswith(kind))
        self.assertEqual(self.claim(worker), [first])
        for one in workers:
            self.claim(one)
        self.assertEqual(self.metric('task_queue_size{status="running"}'), 10)
        self.assertEqual(self.metric('task_queue_size{status="pending"}'), 90)
        self.assertEqual(self.metric('worker_count{status="busy"}'), 10)
        self.assertEqual(self.metric("task_queue_wait_seconds_count"), 10)
        self.check_all({"workers_busy"})

    def test_it_still_is_with_two_thousand(self):
        workers = [self.register(at + 1, KINDS[at % 2]) for at in range(10)]
        ids = self.submit_many(2000)
        for worker in workers:
            self.claim(worker)
        self.assertEqual(self.metric('task_queue_size{status="pending"}'), 1990)
        self.assertEqual(len(self.check_all({"workers_busy"})), 1990)
        self.assertEqual(self.metric("opslab_tasks_submitted_total"), 2000)
        self.assertEqual(len(set(ids)), 2000)


if __name__ == "__main__":
    unittest.main()
