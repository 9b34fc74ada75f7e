"""The fields of every request: types, bounds, defaults, null, and unknown ones. Each wrong request
must name exactly the fields that are wrong."""

import json

from audit import NO_TASK, NO_WORKER, TIME, UUID_7, Audit

# field: (accepted values, refused values)
TASK_FIELDS = {
    "problem_id": (["p", "x" * 255, "ü" * 255, "😀" * 255, " ", "a/b\n"], ["", "x" * 256, 1, [], {}, True]),
    "agent_config": ([{}, {"other": [1, {"deep": None}]}, {"model": "m", "temperature": 0},
                      {"temperature": 2}, {"temperature": 1.5}, {"model": None}],
                     ["x", 1, [], True]),
    "max_steps": ([1, 1000], [0, 1001, -1, 30.0, 1.5, "30", True, [], {}, 1e3, 2**63, 2**64, -(2**70)]),
    "timeout_minutes": ([1, 180], [0, 181, 30.0, "30", False, 2**40]),
    "callback_url": (["http://a", "https://example.com:8443/x?y=%20#z", "HTTP://A/", "http://[::1]:8/x",
                      "http://10.0.0.1/"],
                     ["", "a", "/x", "ftp://a/", "http://", "http:///x", "//a/x", "http:a", 1, [], {},
                      "http://a b/", "javascript:alert(1)", "http://a:99999/", "http://:80/",
                      "http://a/\n", "http://a:x/"]),
    "metadata": ([{}, {"a": [None, 1.5, "x", True, {"b": {}}]}], ["x", 1, [], False]),
    "priority": ([0, 10], [-1, 11, 5.0, "5", True]),
    "backend_type": (["kind", "a-b-1"], ["", "Kind", "a b", "ä", 1, [], {}]),
    "max_retries": ([0, 10], [-1, 11, 1.0, "1", True]),
    "group_id": (["g", "x" * 255, "ü" * 255], ["", "x" * 256, 1, [], {}]),
}
DEFAULTS = {
    "agent_config": {}, "max_steps": 30, "timeout_minutes": 30, "callback_url": None,
    "metadata": {}, "priority": 5, "max_retries": 0,
}


class TaskRequest(Audit):
    def request(self, field, value):
        return {"problem_id": "p"} | {field: value}

    def test_each_field_takes_its_values_and_answers_them(self):
        for field, (good, _) in TASK_FIELDS.items():
            for value in good:
                task = self.expect(201, "POST", "/tasks", self.request(field, value))
                where = task if field in ("problem_id", "group_id", "backend_type") else task["parameters"]
                self.assertEqual(where[field], value)
                again = self.expect(200, "GET", f"/tasks/{task['id']}")
                where = again if field in ("problem_id", "group_id", "backend_type") else again["parameters"]
                self.assertEqual(where[field], value)

    def test_each_field_refuses_other_values_by_its_name(self):
        before = self.call("GET", "/tasks?limit=1")[2]["total"]
        for field, (_, bad) in TASK_FIELDS.items():
            for value in bad:
                self.invalid([f"/{field}"], "POST", "/tasks", self.request(field, value))
                batch = {"tasks": [{"problem_id": "p"}, self.request(field, value)]}
                self.invalid([f"/tasks/1/{field}"], "POST", "/tasks/batch", batch)
        self.assertEqual(self.call("GET", "/tasks?limit=1")[2]["total"], before)

    def test_model_and_temperature_are_checked_inside_agent_config(self):
        for model in (1, [], {}, True):
            self.invalid(["/agent_config/model"], "POST", "/tasks",
                         self.request("agent_config", {"model": model}))
        for temperature in (-0.1, 2.01, "1", True, []):
            self.invalid(["/agent_config/temperature"], "POST", "/tasks",
                         self.request("agent_config", {"temperature": temperature}))
        self.invalid(["/agent_config/model", "/agent_config/temperature"], "POST", "/tasks",
                     self.request("agent_config", {"model": 1, "temperature": 3}))

    def test_an_explicit_null_is_as_if_absent(self):
        nulls = {field: None for field in TASK_FIELDS} | {"problem_id": "p"}
        task = self.expect(201, "POST", "/tasks", nulls)
        self.assertEqual(task["parameters"], DEFAULTS)
        self.invalid(["/problem_id"], "POST", "/tasks", {"problem_id": None})
        self.invalid(["/problem_id"], "POST", "/tasks", {})

    def test_a_new_task_has_every_field_with_defaults_and_nulls(self):
        status, headers, task = self.call("POST", "/api/v1/tasks", {"problem_id": "p"})
        self.assertEqual(status, 201)
        self.assertEqual(headers["Location"], f"/api/v1/tasks/{task['id']}")
        self.assertRegex(task["id"], UUID_7)
        self.assertRegex(task["created_at"], TIME)
        self.assertRegex(task["updated_at"], TIME)
        fixed = {key: task[key] for key in task if key not in ("id", "created_at", "updated_at")}
        self.assertEqual(fixed, {
            "problem_id": "p", "status": "pending", "parameters": DEFAULTS, "worker_id": None,
            "attempt": 0, "started_at": None, "completed_at": None, "group_id": None,
            "backend_type": None,
        })
        detail = self.expect(200, "GET", headers["Location"])
        more = {key: detail[key] for key in detail if key not in task}
        self.assertEqual(sorted(more), ["attempts", "error_details", "failure", "phases", "result"])
        self.assertEqual((more["result"], more["error_details"], more["failure"], more["attempts"]),
                         (None, None, None, []))
        self.assertLessEqual({"queue", "prepare", "setup", "loop", "evaluate", "teardown"},
                             set(more["phases"]))

    def test_metadata_and_agent_config_come_back_exactly(self):
        text = (b'{"problem_id":"p","metadata":{"z":1,"a":1.0,"big":18446744073709551615,'
                b'"low":-9223372036854775808,"e":1e-7,"\xc3\xa4/~":"\\ud83d\\ude00\\n","":null,'
                b'"0.1":0.1,"long":[[[[]]]]}}')
        task = self.expect(201, "POST", "/tasks", text)
        wanted = json.loads(text)["metadata"]
        self.assertEqual(task["parameters"]["metadata"], wanted)
        self.assertEqual(type(task["parameters"]["metadata"]["a"]), float)
        self.assertEqual(self.expect(200, "GET", f"/tasks/{task['id']}")["parameters"]["metadata"], wanted)

    def test_every_wrong_field_is_named_at_once_with_pointers(self):
        wrong = {field: bad[-1] for field, (_, bad) in TASK_FIELDS.items()}
        unknown = {"a/b~c": 1, "": 2, "Problem_id": 3}
        names = [f"/{field}" for field in wrong] + ["/a~1b~0c", "/", "/Problem_id"]
        self.invalid(names, "POST", "/tasks", wrong | unknown)
        batch = {"tasks": [{"problem_id": "p"}, wrong, 7, {"problem_id": "p", "x": 1}], "y": 1}
        wanted = [f"/tasks/1/{field}" for field in wrong] + ["/tasks/2", "/tasks/3/x", "/y"]
        self.invalid(wanted, "POST", "/tasks/batch", batch)

    def test_a_thousand_wrong_tasks_are_named_one_by_one(self):
        batch = {"tasks": [{"problem_id": ""}] * 1000}
        self.invalid([f"/tasks/{i}/problem_id" for i in range(1000)], "POST", "/tasks/batch", batch)

    def test_a_batch_has_1_to_1000_tasks(self):
        for tasks in ([], [{"problem_id": "p"}] * 1001, None, {}, "x", 1):
            self.invalid(["/tasks"], "POST", "/tasks/batch", {"tasks": tasks})
        self.invalid(["/tasks"], "POST", "/tasks/batch", {})
        sent = [{"problem_id": f"p{i}", "priority": i % 11} for i in range(1000)]
        tasks = self.expect(201, "POST", "/tasks/batch", {"tasks": sent})["tasks"]
        self.assertEqual([task["problem_id"] for task in tasks], [task["problem_id"] for task in sent])
        self.assertEqual(len({task["id"] for task in tasks}), 1000)


class WorkerRequests(Audit):
    def test_a_worker_id_has_its_form_and_ends_in_its_backend(self):
        for good in ("worker-001-{}", "worker-0002-{}", "worker-999999-{}"):
            backend = self.fresh("id-")
            request = {"id": good.format(backend), "backend_type": backend}
            self.expect(201, "POST", "/workers/register", request)
        for bad in ("worker-1-b", "worker-01-b", "worker-001", "worker-001-", "Worker-001-b", "b",
                    "worker-abc-b", "worker-001-b ", "worker-001_b", "xworker-001-b", "worker--001-b",
                    "worker-001-c", "worker-001-bb", "worker-001-a-b", ""):
            self.invalid(["/id"], "POST", "/workers/register", {"id": bad, "backend_type": "b"})
        for backend in ("B", "ä", "a_b", "a b", "", 1, []):
            named = self.refused(400, "validation_error", "POST", "/workers/register",
                                 {"id": "worker-001-b", "backend_type": backend})
            self.assertIn("/backend_type", named)
        self.invalid(["/id", "/backend_type"], "POST", "/workers/register", {})

    def test_capabilities_and_metadata(self):
        backend = self.fresh("cap")
        request = {"id": f"worker-001-{backend}", "backend_type": backend}
        for value in (0, 1001, 1.0, "1", True, -1):
            self.invalid(["/capabilities/max_parallel_tasks"], "POST", "/workers/register",
                         request | {"capabilities": {"max_parallel_tasks": value}})
        for value in ("x", [1], {}, [""], [None]):
            self.invalid(["/capabilities/supported_problems"], "POST", "/workers/register",
                         request | {"capabilities": {"supported_problems": value}})
        for field in ("capabilities", "metadata"):
            for value in ("x", 1, []):
                self.invalid([f"/{field}"], "POST", "/workers/register", request | {field: value})
        self.invalid(["/colour"], "POST", "/workers/register", request | {"colour": 1})
        more = {"capabilities": {"gpu": {"n": 1}, "max_parallel_tasks": 1000,
                                 "supported_problems": ["a*"]}, "metadata": {"host": "h"}}
        worker = self.expect(201, "POST", "/workers/register", request | more)
        self.assertEqual((worker["capabilities"], worker["metadata"]),
                         (more["capabilities"], more["metadata"]))

    def test_a_registered_worker_has_every_field(self):
        backend = self.fresh("plain")
        request = {"id": f"worker-001-{backend}", "backend_type": backend, "capabilities": None,
                   "metadata": None}
        worker = self.expect(201, "POST", "/workers/register", request)
        self.assertEqual(
            sorted(worker),
            sorted("id backend_type status last_heartbeat current_task_id capabilities metadata "
                   "registered_at tasks_completed tasks_failed".split()),
        )
        self.assertRegex(worker["registered_at"], TIME)
        self.assertRegex(worker["last_heartbeat"], TIME)
        self.assertEqual(
            (worker["status"], worker["current_task_id"], worker["metadata"], worker["tasks_completed"],
             worker["tasks_failed"], worker["capabilities"]),
            ("idle", None, {}, 0, 0, {"max_parallel_tasks": 1, "supported_problems": []}))

    def test_heartbeat_fields(self):
        worker = self.worker(self.fresh("beat"), supported_problems=["none"])
        path, good = "/workers/heartbeat", {"worker_id": worker, "status": "idle"}
        self.assertEqual(self.expect(200, "POST", path, good),
                         {"acknowledged": True, "next_task_id": None, "cancel": []})
        self.expect(200, "POST", path, good | {"current_task_id": None})
        self.invalid(["/worker_id", "/status"], "POST", path, {})
        for status in ("offline", "IDLE", "", 1, True):
            self.invalid(["/status"], "POST", path, good | {"status": status})
        for task in ("x", "", 1, []):
            self.invalid(["/current_task_id"], "POST", path, good | {"current_task_id": task})
        self.invalid(["/worker_id", "/x"], "POST", path, {"worker_id": "w", "status": "idle", "x": 1})
        self.refused(404, "not_found", "POST", path, {"worker_id": NO_WORKER, "status": "idle"})

    def test_claim_fields(self):
        worker = self.worker(self.fresh("claim"), supported_problems=["none"])
        path = f"/workers/{worker}/claim"
        for value in (0, 1001, 1.0, "1", True, -1):
            self.invalid(["/max"], "POST", path, {"max": value})
        for value in (-1, 31, 1.0, "1", True):
            self.invalid(["/wait_seconds"], "POST", path, {"wait_seconds": value})
        self.invalid(["/max", "/wait_seconds", "/x"], "POST", path, {"max": 0, "wait_seconds": 31, "x": 0})
        for body in ({}, {"max": None, "wait_seconds": None}, {"max": 1000, "wait_seconds": 0}):
            self.expect(204, "POST", path, body)

    def test_ids_in_paths(self):
        for worker in ("worker-1-b", "x", "worker-001-B"):
            for path in (f"/workers/{worker}", f"/workers/{worker}/stats"):
                self.invalid(["id"], "GET", path)
            self.invalid(["id"], "POST", f"/workers/{worker}/claim", {})
        for task in ("x", "1", NO_TASK[:-1], NO_TASK + "0", NO_TASK.replace("-", "")):
            for path in ("", "/logs", "/trajectory", "/events"):
                self.invalid(["id"], "GET", f"/tasks/{task}{path}")
            self.invalid(["id"], "DELETE", f"/tasks/{task}")
            self.invalid(["id"], "POST", f"/tasks/{task}/cancel")
            named = self.refused(400, "validation_error", "POST",
                                 f"/workers/{NO_WORKER}/tasks/{task}/fail", {"attempt": 1, "error": "e"})
            self.assertEqual(len(named), 1)


class RunReports(Audit):
    def test_events_name_every_wrong_field(self):
        _, _, path = self.running()
        path += "/events"
        self.invalid(["/attempt", "/events"], "POST", path, {})
        for attempt in (0, -1, 1.0, "1", True):
            self.invalid(["/attempt"], "POST", path, {"attempt": attempt, "events": []})
        self.invalid(["/events", "/x"], "POST", path, {"attempt": 1, "events": {}, "x": 1})
        events = [
            {"type": "log", "message": "m"},
            {"type": "log", "message": 1, "level": "loud", "context": [], "x": 1},
            {"type": "step", "step": 0, "observation": 1, "action": 2, "reward": "r", "latency_ms": -1},
            {"type": "phase", "name": "x", "state": "y"},
            {"type": "result", "success": True},
            {},
            5,
            {"type": "log", "message": "m", "timestamp": "yesterday"},
            {"type": "step"},
        ]
        self.invalid(
            ["/events/1/message", "/events/1/level", "/events/1/context", "/events/1/x",
             "/events/2/step", "/events/2/observation", "/events/2/action", "/events/2/reward",
             "/events/2/latency_ms", "/events/3/name", "/events/3/state", "/events/4/type",
             "/events/5/type", "/events/6", "/events/7/timestamp", "/events/8/step",
             "/events/8/observation", "/events/8/action"],
            "POST", path, {"attempt": 1, "events": events})
        log = {"type": "log", "message": "m"}
        self.invalid(["/events"], "POST", path, {"attempt": 1, "events": [log] * 1001})
        self.expect(202, "POST", path, {"attempt": 1, "events": [log] * 1000})
        self.expect(202, "POST", path, {"attempt": 1, "events": []})

    def test_complete_and_fail_name_every_wrong_field(self):
        _, task, path = self.running()
        self.invalid(["/attempt", "/result"], "POST", f"{path}/complete", {})
        bad = {"attempt": 1, "result": {"success": 1, "output": [], "metrics": "m", "reward": "r",
                                        "logs": [1], "x": 1}, "y": 1}
        self.invalid(["/result/success", "/result/output", "/result/metrics", "/result/reward",
                      "/result/logs", "/result/x", "/y"], "POST", f"{path}/complete", bad)
        self.invalid(["/attempt", "/error"], "POST", f"{path}/fail", {})
        for kind in ("timeout", "cancelled", "worker_lost", "", 1):
            self.invalid(["/kind"], "POST", f"{path}/fail", {"attempt": 1, "error": "e", "kind": kind})
        self.invalid(["/error", "/phase", "/x"], "POST", f"{path}/fail",
                     {"attempt": 1, "error": 1, "phase": 1, "x": 1})
        self.assertEqual(self.expect(200, "GET", f"/tasks/{task}")["status"], "running")


class Scale(Audit):
    def test_scale_wants_a_number_of_workers(self):
        path = "/workers/internal/scale"
        self.invalid(["/num_workers"], "POST", path, {})
        for value in (-1, 1.0, "1", True, None):
            self.invalid(["/num_workers"], "POST", path, {"num_workers": value})
        self.invalid(["/num_workers", "/x"], "POST", path, {"x": 1})
        self.expect(200, "GET", "/workers/internal/status")
