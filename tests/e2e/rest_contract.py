#!/usr/bin/env python3
"""The REST contract over a real coordinator and real sockets: a worker's life, a task's life, and
bad input of every kind. Usage: rest_contract.py OPSLAB [--postgres]"""

import gzip
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import uuid

from coordinator import Coordinator
from postgres_server import PostgresServer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
ON_POSTGRES = "--postgres" in sys.argv[1:] and (sys.argv.remove("--postgres") or True)


class RestContract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.postgres = PostgresServer() if ON_POSTGRES else None
        if cls.postgres:
            cls.addClassCleanup(cls.postgres.remove)
        cls.coordinator = Coordinator(PROGRAM, cls.folder.name, "", cls.postgres).start()
        cls.workers = 0

    @classmethod
    def tearDownClass(cls):
        cls.coordinator.stop()
        cls.folder.cleanup()

    def call(self, method, path, body=None, headers=None):
        return self.coordinator.call(method, path, body, headers)

    def expect(self, wanted, method, path, body=None, headers=None):
        status, _, answer = self.call(method, path, body, headers)
        self.assertEqual(status, wanted, answer)
        return answer

    def refused(self, wanted, code, method, path, body=None, headers=None):
        answer = self.expect(wanted, method, path, body, headers)
        self.assertEqual(answer["code"], code)
        self.assertTrue(answer["error"])
        return [field["field"] for field in answer["details"].get("fields", [])]

    def new_worker(self, backend, slots=1):
        type(self).workers += 1
        worker = f"worker-{self.workers:03}-{backend}"
        self.expect(
            201,
            "POST",
            "/workers/register",
            {
                "id": worker,
                "backend_type": backend,
                "capabilities": {"max_parallel_tasks": slots},
            },
        )
        return worker

    def running_task(self, backend, **request):
        worker = self.new_worker(backend)
        task = self.coordinator.submit(problem_id="p", backend_type=backend, **request)
        claimed = self.expect(200, "POST", f"/workers/{worker}/claim", {})["tasks"]
        self.assertEqual([one["id"] for one in claimed], [task])
        return worker, task

    # --- lives ------------------------------------------------------------------------------

    def test_a_task_goes_from_submission_to_its_result(self):
        worker, task = self.running_task("life", metadata={"mine": [1, None]}, group_id="g")
        path = f"/workers/{worker}/tasks/{task}"
        events = [
            {"type": "phase", "name": "setup", "state": "begin"},
            {"type": "phase", "name": "setup", "state": "end"},
            {"type": "log", "level": "error", "message": "ü", "context": {"step": 1}},
            {"type": "step", "step": 1, "observation": "o", "action": "a", "reward": 0.5},
        ]
        receipt = self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": events})
        self.assertEqual(receipt["cancel"], False)
        self.assertTrue(receipt["deadline"].endswith("Z"))
        end = {"attempt": 1, "result": {"success": True, "reward": 1.0, "output": {"x": 1}}}
        self.assertEqual(self.expect(200, "POST", f"{path}/complete", end)["status"], "completed")
        # exactly the same again is the same answer; anything else comes too late
        self.expect(200, "POST", f"{path}/complete", end)
        self.refused(409, "stale_attempt", "POST", f"{path}/fail", {"attempt": 1, "error": "no"})
        self.refused(409, "stale_attempt", "POST", f"{path}/events", {"attempt": 1, "events": events})

        detail = self.coordinator.get(f"/tasks/{task}?include_logs=true")
        self.assertEqual(detail["status"], "completed")
        self.assertEqual(detail["result"]["reward"], 1.0)
        self.assertEqual(detail["parameters"]["metadata"], {"mine": [1, None]})
        self.assertEqual([log["message"] for log in detail["logs"]], ["ü"])
        self.assertEqual(detail["attempts"][0]["status"], "completed")
        self.assertIsNotNone(detail["phases"]["setup"])
        steps = self.coordinator.get(f"/tasks/{task}/trajectory")["steps"]
        self.assertEqual((steps[0]["action"], steps[0]["reward"]), ("a", 0.5))
        self.assertEqual(self.coordinator.get(f"/workers/{worker}")["tasks_completed"], 1)
        feed = self.expect(200, "GET", "/trajectories?group_id=g")
        line = feed if isinstance(feed, dict) else json.loads(feed.splitlines()[0])
        self.assertEqual((line["task"]["id"], line["reward"]), (task, 1.0))

    def test_a_task_is_explained_while_it_waits_runs_and_after(self):
        alone = self.coordinator.submit(problem_id="p", backend_type="explained")
        told = self.expect(200, "GET", f"/tasks/{alone}/explain")
        self.assertIn(told["reason"], ("no_workers", "no_fitting_worker"))
        worker, task = self.new_worker("explained"), alone
        self.assertEqual(self.expect(200, "GET", f"/tasks/{task}/explain")["reason"], "claimable")
        self.expect(200, "POST", f"/workers/{worker}/claim", {})
        second = self.coordinator.submit(problem_id="p", backend_type="explained")
        told = self.expect(200, "GET", f"/tasks/{second}/explain")
        self.assertEqual(told["reason"], "workers_busy")
        self.assertEqual(told["waiting"]["workers"][0]["worker_id"], worker)
        path = f"/workers/{worker}/tasks/{task}"
        events = [{"type": "phase", "name": "setup", "state": "begin"}]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": events})
        running = self.expect(200, "GET", f"/tasks/{task}/explain")["running"]
        self.assertEqual((running["phase"], running["last_event"]["type"]), ("setup", "phase"))
        self.expect(200, "POST", f"{path}/fail", {"attempt": 1, "error": "broken"})
        told = self.expect(200, "GET", f"/tasks/{task}/explain")
        self.assertEqual((told["reason"], len(told["attempts"])), ("ended", 1))
        missing = str(uuid.uuid4())
        self.refused(404, "not_found", "GET", f"/tasks/{missing}/explain")
        self.refused(400, "validation_error", "GET", "/tasks/no-id/explain")

    def finish_one(self, backend, group):
        worker, task = self.running_task(backend, group_id=group)
        step = {"type": "step", "step": 1, "observation": "o" * 5000, "action": "a"}
        path = f"/workers/{worker}/tasks/{task}"
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": [step]})
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        return task

    def exported(self, out, *words):
        address = f"http://127.0.0.1:{self.coordinator.port}"
        subprocess.run(
            [PROGRAM, "trajectory", "export", "--coordinator", address, "--out", out, *words],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return [json.loads(line)["task"]["id"] for line in out.read_text().splitlines()]

    def test_an_export_goes_on_from_its_file_and_mends_a_cut_line(self):
        out = pathlib.Path(self.folder.name, "export.jsonl")
        words = ("--group", "exported")
        tasks = [self.finish_one(f"export-{i}", "exported") for i in range(3)]
        self.assertEqual(self.exported(out, *words), tasks)
        tasks.append(self.finish_one("export-3", "exported"))
        self.assertEqual(self.exported(out, *words), tasks)
        whole = out.read_bytes()
        for cut in (1, 100, len(whole.splitlines()[-1]) + 10, len(whole) - 7):
            out.write_bytes(whole[:-cut])
            self.assertEqual(self.exported(out, *words), tasks, cut)
            self.assertEqual(out.read_bytes().count(b"\n"), 4)

    def raw_feed(self, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        try:
            connection.request("GET", "/trajectories?group_id=gzip", headers=headers)
            response = connection.getresponse()
            self.assertEqual(response.getheader("Vary"), "Accept-Encoding")
            return response.read()
        finally:
            connection.close()

    def test_the_feed_is_compressed_where_the_client_asks(self):
        self.finish_one("gzip", "gzip")
        plain = self.raw_feed({"Accept-Encoding": "identity"})
        packed = self.raw_feed({"Accept-Encoding": "br;q=0.5, gzip"})
        self.assertEqual(gzip.decompress(packed), plain)
        self.assertLess(len(packed), len(plain) / 4)
        self.assertEqual(self.raw_feed({"Accept-Encoding": "gzip;q=0, *;q=0"}), plain)

    def test_a_cancelled_run_is_named_to_its_worker_until_it_lets_go(self):
        worker, task = self.running_task("cancel")
        self.assertEqual(self.expect(200, "DELETE", f"/tasks/{task}")["status"], "cancelled")
        self.refused(409, "task_already_terminal", "POST", f"/tasks/{task}/cancel")
        beat = {"worker_id": worker, "status": "busy", "current_task_id": task}
        for _ in range(2):
            self.assertEqual(
                self.expect(200, "POST", "/workers/heartbeat", beat)["cancel"], [task]
            )
        idle = {"worker_id": worker, "status": "idle"}
        self.assertEqual(self.expect(200, "POST", "/workers/heartbeat", idle)["cancel"], [])

    def test_an_infrastructure_failure_is_retried_and_a_task_failure_is_not(self):
        worker, task = self.running_task("retry", max_retries=1)
        path = f"/workers/{worker}/tasks/{task}/fail"
        failed = self.expect(
            200, "POST", path, {"attempt": 1, "error": "no disk", "kind": "infrastructure"}
        )
        self.assertEqual((failed["status"], failed["worker_id"]), ("pending", None))
        worker, task = self.running_task("noretry", max_retries=1)
        path = f"/workers/{worker}/tasks/{task}/fail"
        self.assertEqual(
            self.expect(200, "POST", path, {"attempt": 1, "error": "bad"})["status"], "failed"
        )
        detail = self.coordinator.task(task)
        self.assertEqual(detail["failure"]["kind"], "task")
        self.assertIn("bad", detail["error_details"])

    def test_a_claim_gives_no_more_than_the_free_slots_in_order_of_priority(self):
        worker = self.new_worker("slots", slots=2)
        low = self.coordinator.submit(problem_id="p", backend_type="slots", priority=1)
        high = self.coordinator.submit(problem_id="p", backend_type="slots", priority=9)
        middle = self.coordinator.submit(problem_id="p", backend_type="slots")
        claimed = self.expect(200, "POST", f"/workers/{worker}/claim", {"max": 10})["tasks"]
        self.assertEqual([task["id"] for task in claimed], [high, middle])
        self.expect(204, "POST", f"/workers/{worker}/claim", {"max": 10, "wait_seconds": 30})
        self.assertEqual(self.coordinator.task(low)["status"], "pending")

    def test_an_idempotency_key_answers_the_first_task_again(self):
        key = {"Idempotency-Key": "k-1"}
        first = self.expect(201, "POST", "/tasks", {"problem_id": "idem", "backend_type": "nobody"}, key)
        again = self.expect(200, "POST", "/tasks", {"problem_id": "idem", "backend_type": "nobody"}, key)
        self.assertEqual(first["id"], again["id"])
        self.refused(
            409, "idempotency_conflict", "POST", "/tasks", {"problem_id": "other"}, key
        )

    def test_pages_go_on_by_cursor_and_a_cursor_belongs_to_its_query(self):
        batch = {"tasks": [{"problem_id": "paged", "backend_type": "nobody"} for _ in range(5)]}
        wanted = [task["id"] for task in self.expect(201, "POST", "/tasks/batch", batch)["tasks"]]
        query = "/tasks?problem_id=paged&sort=created_at&limit=2"
        seen = []
        page = self.coordinator.get(query)
        cursor = page["next_cursor"]
        while True:
            self.assertEqual(page["total"], 5)
            seen += [task["id"] for task in page["tasks"]]
            if page["next_cursor"] is None:
                break
            page = self.coordinator.get(f"{query}&cursor={page['next_cursor']}")
        self.assertEqual(seen, wanted)
        self.refused(400, "validation_error", "GET", f"/tasks?cursor={cursor}")

    def test_events_replay_and_end(self):
        worker, task = self.running_task("sse")
        path = f"/workers/{worker}/tasks/{task}"
        self.expect(
            202,
            "POST",
            f"{path}/events",
            {"attempt": 1, "events": [{"type": "log", "message": "m"}]},
        )
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": False}})
        stream = self.expect(200, "GET", f"/tasks/{task}/events")
        kinds = [line[7:] for line in stream.splitlines() if line.startswith("event: ")]
        self.assertEqual(kinds, ["status", "status", "log", "status", "end"])

    # --- bad input --------------------------------------------------------------------------

    def test_bad_task_requests_are_refused_with_every_field(self):
        before = self.coordinator.get("/tasks?limit=1")["total"]
        fields = self.refused(
            400,
            "validation_error",
            "POST",
            "/tasks",
            {"max_steps": 0, "timeout_minutes": 30.0, "priority": "5", "x": 1, "metadata": []},
        )
        self.assertEqual(
            sorted(fields),
            ["/max_steps", "/metadata", "/priority", "/problem_id", "/timeout_minutes", "/x"],
        )
        self.assertEqual(
            self.refused(
                400,
                "validation_error",
                "POST",
                "/tasks/batch",
                {"tasks": [{"problem_id": "p"}, {"problem_id": ""}]},
            ),
            ["/tasks/1/problem_id"],
        )
        self.refused(400, "validation_error", "POST", "/tasks/batch", {"tasks": []})
        too_many = {"tasks": [{"problem_id": "p"}] * 1001}
        self.refused(400, "validation_error", "POST", "/tasks/batch", too_many)
        self.assertEqual(self.coordinator.get("/tasks?limit=1")["total"], before)

    def test_bad_bodies_are_refused_and_nothing_is_stored(self):
        before = self.coordinator.get("/tasks?limit=1")["total"]
        deep = b'{"problem_id":"p","metadata":{"a":' + b"[" * 100 + b"]" * 100 + b"}}"
        for body in (
            b"",
            b"{",
            b'{"problem_id":"\xff"}',
            b'{"problem_id":"\\ud800"}',
            b'{"problem_id":"p","problem_id":"q"}',
            deep,
            b"[" * 200000,
        ):
            self.refused(400, "malformed_json", "POST", "/tasks", body)
        self.assertEqual(
            self.refused(400, "validation_error", "POST", "/tasks", b'{"problem_id":"a\\u0000"}'),
            ["/problem_id"],
        )
        self.assertEqual(self.refused(400, "validation_error", "POST", "/tasks", b"[]"), [""])
        self.expect(415, "POST", "/tasks", b"a=b", {"Content-Type": "text/plain"})
        self.expect(413, "POST", "/tasks", b'{"problem_id":"' + b"a" * (9 << 20) + b'"}')
        self.assertEqual(self.coordinator.get("/tasks?limit=1")["total"], before)

    def test_bad_paths_and_queries_are_refused_and_the_coordinator_goes_on(self):
        self.expect(414, "GET", "/tasks/" + "a" * 100_000)
        self.expect(431, "GET", "/tasks", None, {"X-Big": "a" * 70_000})
        self.refused(400, "validation_error", "GET", "/tasks/no-uuid")
        self.expect(404, "GET", f"/tasks/{uuid.uuid4()}")
        self.expect(404, "GET", "/nowhere")
        status, headers, _ = self.call("PUT", "/tasks")
        self.assertEqual(status, 405)
        self.assertEqual(
            sorted(headers["Allow"].replace(" ", "").split(",")), ["GET", "HEAD", "OPTIONS", "POST"]
        )
        self.assertEqual(
            sorted(
                self.refused(
                    400,
                    "validation_error",
                    "GET",
                    "/tasks?status=lost&limit=101&offset=-1&sort=x&colour=red",
                )
            ),
            ["colour", "limit", "offset", "sort", "status"],
        )
        self.refused(400, "validation_error", "GET", "/workers/worker-1-kind")
        self.expect(404, "GET", "/workers/worker-999-nobody")
        self.expect(200, "GET", "/live")

    def test_a_worker_id_is_taken_until_its_owner_is_offline(self):
        worker = self.new_worker("taken")
        request = {"id": worker, "backend_type": "taken"}
        self.refused(409, "worker_registered", "POST", "/workers/register", request)

    # --- workers that come back ----------------------------------------------------------------

    def running_attempt(self, backend):
        """The worker and the attempt as a successor would find it."""
        worker, _ = self.running_task(backend)
        return worker, self.expect(200, "GET", f"/workers/{worker}/tasks")["tasks"][0]

    def test_a_report_that_is_sent_again_is_stored_once_and_a_run_is_noted_for_a_successor(self):
        worker, task = self.running_attempt("again")
        events = f"/workers/{worker}/tasks/{task['id']}/events"
        line = {"type": "log", "message": "once"}
        report = {
            "attempt": 1,
            "events": [line],
            "first_sequence": task["sequence"] + 1,
            "handle": "mine",
        }
        for _ in range(2):
            status, _, receipt = self.coordinator.call("POST", events, report)
            self.assertEqual((status, receipt["sequence"]), (202, task["sequence"] + 1))
            self.assertGreater(receipt["lease_seconds"], 0)
        status, _, answer = self.coordinator.call(
            "POST", events, report | {"first_sequence": task["sequence"] + 9}
        )
        self.assertEqual((status, answer["code"]), (409, "sequence_gap"))

        logs = self.coordinator.get(f"/tasks/{task['id']}/logs")["logs"]
        self.assertEqual([log["message"] for log in logs], ["once"])
        running = self.expect(200, "GET", f"/workers/{worker}/tasks")["tasks"]
        self.assertEqual(
            [(one["id"], one["handle"], one["sequence"]) for one in running],
            [(task["id"], "mine", task["sequence"] + 1)],
        )

    def test_a_worker_signs_off_and_its_id_is_free(self):
        worker, _ = self.running_attempt("leaving")
        self.assertEqual(self.coordinator.call("POST", f"/workers/{worker}/release")[0], 200)

        status, _, retired = self.coordinator.call("POST", f"/workers/{worker}/retire")

        self.assertEqual((status, retired["status"]), (200, "offline"))
        for verb in ("retire", "release"):
            self.assertEqual(self.coordinator.call("POST", f"/workers/worker-999-nobody/{verb}")[0], 404)
        self.assertEqual(self.coordinator.call("GET", "/workers/worker-999-nobody/tasks")[0], 404)
        request = {"id": worker, "backend_type": "leaving"}
        self.assertEqual(self.coordinator.call("POST", "/workers/register", request)[0], 201)

    def test_a_worker_tells_of_a_run_that_did_not_outlive_it(self):
        worker, task = self.running_attempt("lost")
        report = {
            "attempt": 1,
            "error": "gone",
            "error_details": "gone with the machine",
            "worker_lost": True,
        }
        path = f"/workers/{worker}/tasks/{task['id']}/fail"
        self.assertEqual(self.coordinator.call("POST", path, report | {"kind": "task"})[0], 400)

        self.assertEqual(self.coordinator.call("POST", path, report)[0], 200)

        ended = self.coordinator.task(task["id"])
        self.assertEqual(ended["failure"]["kind"], "worker_lost")
        self.assertEqual(ended["error_details"], "gone with the machine")

    # --- the service --------------------------------------------------------------------------

    def test_the_service_tells_of_itself_under_both_prefixes(self):
        for prefix in ("", "/api/v1"):
            self.assertIn("version", self.expect(200, "GET", f"{prefix}/health"))
            self.expect(200, "GET", f"{prefix}/ready")
            self.assertIn("task_queue_size", self.expect(200, "GET", f"{prefix}/metrics"))
            self.assertIn("paths", self.expect(200, "GET", f"{prefix}/openapi.json"))
        _, headers, _ = self.call("GET", "/live", None, {"X-Request-ID": "mine-1"})
        self.assertEqual(headers["X-Request-ID"], "mine-1")
        _, headers, _ = self.call("GET", "/live", None, {"X-Request-ID": "not sane"})
        self.assertNotEqual(headers["X-Request-ID"], "not sane")
        self.assertEqual(self.call("OPTIONS", "/tasks")[0], 204)
        status, headers, body = self.call("HEAD", "/tasks")
        self.assertEqual((status, body), (200, ""))

    def test_the_problems_of_aiopslab_are_listed(self):
        listed = self.expect(200, "GET", "/problems")["problems"]
        self.assertEqual(len([one for one in listed if one["told_by"] is None]), 89)
        found = self.expect(200, "GET", "/api/v1/problems?task_type=detection&app=flower")
        self.assertEqual({problem["deployment"] for problem in found["problems"]}, {"docker"})
        self.assertEqual(
            self.refused(400, "validation_error", "GET", "/problems?task_type=x"), ["task_type"]
        )

    def test_problems_that_a_worker_tells_of_stand_behind_the_table(self):
        told = {"id": "told-planning-1", "task_type": "planning", "application": None}
        worker = {
            "id": "worker-071-told",
            "backend_type": "told",
            "capabilities": {
                "problems": [told, {"id": "container_kill-detection", "task_type": "odd"}],
                "supported_problems": ["told-*", "plain-told"],
            },
        }
        kept = self.expect(201, "POST", "/workers/register", worker)["capabilities"]["problems"]
        self.assertEqual(kept, [{"id": "told-planning-1", "task_type": "planning"}])

        listed = {one["id"]: one for one in self.expect(200, "GET", "/problems")["problems"]}
        self.assertEqual(
            listed["told-planning-1"],
            {**told, "deployment": None, "needs": [], "told_by": "worker-071-told"},
        )
        self.assertEqual(listed["plain-told"]["told_by"], "worker-071-told")
        self.assertEqual(listed["container_kill-detection"]["task_type"], "detection")
        self.assertNotIn("told-*", listed)
        found = self.expect(200, "GET", "/problems?task_type=planning")
        self.assertEqual([one["id"] for one in found["problems"]], ["told-planning-1"])

    def test_problems_of_a_registration_are_refused_with_all_that_is_wrong(self):
        worker = {"id": "worker-072-told", "backend_type": "told"}
        worker["capabilities"] = {"problems": [{"id": ""}, 7, {"id": "a", "needs": ["a b"]}]}
        self.assertEqual(
            self.refused(400, "validation_error", "POST", "/workers/register", worker),
            [f"/capabilities/problems/{at}" for at in ("0/id", "1", "2/needs")],
        )
        worker["capabilities"] = {"problems": [{"id": f"p{at}"} for at in range(1001)]}
        self.assertEqual(
            self.refused(400, "validation_error", "POST", "/workers/register", worker),
            ["/capabilities/problems"],
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
