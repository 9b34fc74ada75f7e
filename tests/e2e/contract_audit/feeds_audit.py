"""What can be read of a run: logs, trajectory, Server-Sent Events, and the feed of all runs."""

import http.client
import json
import time

from audit import LIMIT_SECONDS, NO_TASK, TIME, UUID_7, Audit

LEVELS = ["debug", "info", "warning", "error", "critical"]


class Sse:
    """One connection to a task's events."""

    def __init__(self, port, task, last=None):
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_SECONDS)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        self.link.request("GET", f"/tasks/{task}/events", headers=headers)
        self.answer = self.link.getresponse()

    def next(self):
        """The next event as (id, event, data), a comment as (None, None, text), None at the end."""
        event = {}
        while True:
            line = self.answer.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line.startswith(":"):
                return None, None, line
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                if set(event) <= {"retry"}:
                    event = {}
                    continue
                return event.get("id"), event["event"], json.loads(event["data"])

    def event(self):
        """The next event that is no comment."""
        while True:
            event = self.next()
            if event is None or event[1]:
                return event

    def rest(self):
        events = list(iter(self.next, None))
        self.link.close()
        return [event for event in events if event[1]]


class Logs(Audit):
    def logged(self):
        _, task, path = self.running()
        events = [{"type": "log", "level": level, "message": f"{level} ü\n",
                   "timestamp": f"2026-01-0{i + 1}T00:00:00.00000{i}Z",
                   "context": {"step": i, "action": "a", "details": {"x": [i]}, "own": 1}}
                  for i, level in enumerate(LEVELS)]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": events})
        return task, path

    def test_a_log_has_every_field_and_comes_back_as_sent(self):
        task, _ = self.logged()
        answer = self.expect(200, "GET", f"/tasks/{task}/logs")
        self.assertEqual(sorted(answer), ["logs", "next_cursor", "task_id"])
        self.assertEqual(answer["task_id"], task)
        for i, log in enumerate(answer["logs"]):
            self.assertEqual(sorted(log), ["attempt", "context", "id", "level", "message", "timestamp"])
            self.assertRegex(log["id"], UUID_7)
            self.assertEqual(log["timestamp"], f"2026-01-0{i + 1}T00:00:00.00000{i}Z")
            self.assertEqual((log["level"], log["message"], log["attempt"]), (LEVELS[i], f"{LEVELS[i]} ü\n", 1))
            self.assertEqual(log["context"], {"step": i, "action": "a", "details": {"x": [i]}, "own": 1})
        detail = self.expect(200, "GET", f"/tasks/{task}?include_logs=true")
        self.assertEqual(detail["logs"], answer["logs"])
        self.assertNotIn("logs", self.expect(200, "GET", f"/tasks/{task}?include_logs=false"))

    def test_level_is_a_minimum_and_since_is_exclusive(self):
        task, _ = self.logged()
        for i, level in enumerate(LEVELS):
            found = self.expect(200, "GET", f"/tasks/{task}/logs?level={level}")["logs"]
            self.assertEqual([log["level"] for log in found], LEVELS[i:])
            found = self.expect(200, "GET", f"/tasks/{task}/logs?since=2026-01-0{i + 1}T00:00:00.00000{i}Z")
            self.assertEqual([log["level"] for log in found["logs"]], LEVELS[i + 1:])
        shifted = "2026-01-02T01:00:00.000001%2B01:00"
        found = self.expect(200, "GET", f"/tasks/{task}/logs?since={shifted}")["logs"]
        self.assertEqual([log["level"] for log in found], LEVELS[2:])

    def test_the_cursor_is_always_given_and_follows_on(self):
        task, path = self.logged()
        seen, cursor = [], ""
        for _ in range(3):
            answer = self.expect(200, "GET", f"/tasks/{task}/logs?limit=2{cursor}")
            seen += [log["level"] for log in answer["logs"]]
            self.assertIsInstance(answer["next_cursor"], str)
            cursor = f"&cursor={answer['next_cursor']}"
        self.assertEqual(seen, LEVELS)
        for _ in range(2):
            answer = self.expect(200, "GET", f"/tasks/{task}/logs?limit=2{cursor}")
            self.assertEqual(answer["logs"], [])
            cursor = f"&cursor={answer['next_cursor']}"
        late = [{"type": "log", "message": "late"}]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": late})
        answer = self.expect(200, "GET", f"/tasks/{task}/logs?limit=2{cursor}")
        self.assertEqual([log["message"] for log in answer["logs"]], ["late"])
        empty = self.expect(200, "GET", f"/tasks/{self.submit(backend_type='nobody')['id']}/logs")
        self.assertIsInstance(empty["next_cursor"], str)

    def test_wrong_parameters_are_named_and_a_cursor_belongs_to_its_list(self):
        task, _ = self.logged()
        self.invalid(["level", "since", "limit", "cursor", "x"], "GET",
                     f"/tasks/{task}/logs?level=loud&since=today&limit=1001&cursor=z&x=1")
        self.expect(200, "GET", f"/tasks/{task}/logs?limit=1000")
        cursor = self.expect(200, "GET", f"/tasks/{task}/logs?limit=1")["next_cursor"]
        other, _ = self.logged()
        for path in (f"/tasks/{other}/logs?", f"/tasks/{task}/logs?level=error&",
                     f"/tasks/{task}/logs?since=2026-01-01T00:00:00Z&"):
            self.invalid(["cursor"], "GET", f"{path}cursor={cursor}")
        self.refused(404, "not_found", "GET", f"/tasks/{NO_TASK}/logs")


class Steps(Audit):
    def test_a_trajectory_is_the_last_attempts_steps_in_order(self):
        _, task, path = self.running()
        self.assertEqual(self.expect(200, "GET", f"/tasks/{task}/trajectory"),
                         {"task_id": task, "attempt": 1, "steps": []})
        full = {"step": 1, "observation": "o ü", "action": "", "reward": 0.25,
                "usage": {"prompt_tokens": 1, "completion_tokens": 2}, "latency_ms": 12}
        steps = [full] + [{"step": n, "observation": "o", "action": "a"} for n in (2, 3)]
        for step in (steps[1], steps[0], steps[2]):
            self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": [{"type": "step"} | step]})
        found = self.expect(200, "GET", f"/tasks/{task}/trajectory")["steps"]
        self.assertEqual([step["step"] for step in found], [1, 2, 3])
        self.assertLessEqual(full.items(), found[0].items())
        self.refused(404, "not_found", "GET", f"/tasks/{NO_TASK}/trajectory")
        waiting = self.submit(backend_type="nobody")["id"]
        self.assertEqual(self.expect(200, "GET", f"/tasks/{waiting}/trajectory"),
                         {"task_id": waiting, "attempt": 0, "steps": []})


class Events(Audit):
    def sse(self, task, last=None):
        return Sse(self.coordinator.port, task, last)

    def test_history_first_then_what_comes_then_the_end_and_no_more(self):
        worker, task, path = self.running()
        stream = self.sse(task)
        self.assertEqual(stream.answer.status, 200)
        self.assertTrue(stream.answer.getheader("Content-Type").startswith("text/event-stream"))
        first, second = stream.event(), stream.event()
        self.assertEqual([(e[1], e[2]["status"]) for e in (first, second)],
                         [("status", "pending"), ("status", "running")])
        self.assertEqual((second[2]["id"], second[2]["worker_id"], second[2]["attempt"]), (task, worker, 1))
        events = [{"type": "log", "message": "m"}, {"type": "step", "step": 1, "observation": "o", "action": "a"}]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": events})
        log, step = stream.event(), stream.event()
        self.assertEqual((log[1], log[2]["message"], log[2]["attempt"]), ("log", "m", 1))
        self.assertRegex(log[2]["timestamp"], TIME)
        self.assertEqual((step[1], step[2]["step"], step[2]["attempt"]), ("step", 1, 1))
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        status, end = stream.rest()
        self.assertEqual((status[1], status[2]["status"]), ("status", "completed"))
        self.assertEqual((end[1], end[2]["id"], end[2]["result"]["success"]), ("end", task, True))
        self.assertIn("attempts", end[2])

    def test_any_last_event_id_resumes_without_loss_or_repeat(self):
        _, task, path = self.running()
        logs = [{"type": "log", "message": f"m{n}"} for n in range(5)]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": logs})
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        whole = self.sse(task).rest()
        self.assertEqual([event[1] for event in whole], ["status"] * 2 + ["log"] * 5 + ["status", "end"])
        self.assertEqual(len({event[0] for event in whole}), len(whole))
        for i, (last, _, _) in enumerate(whole[:-1]):
            self.assertEqual(self.sse(task, last).rest(), whole[i + 1:])

    def test_a_bad_last_event_id_is_400(self):
        _, task, _ = self.ended()
        _, other, _ = self.ended()
        foreign = self.sse(other).rest()[0][0]
        for bad in ("x", "-1", "999999", foreign, "a" * 2000):
            self.invalid(["Last-Event-ID"], "GET", f"/tasks/{task}/events", None, {"Last-Event-ID": bad})
        self.refused(404, "not_found", "GET", f"/tasks/{NO_TASK}/events")

    def test_a_quiet_stream_says_something_each_15_seconds(self):
        task = self.submit(backend_type="nobody")["id"]
        stream = self.sse(task)
        self.assertEqual(stream.event()[1], "status")
        began = time.monotonic()
        event = stream.next()
        self.assertTrue(event[2].startswith(":"), event)
        self.assertTrue(10 < time.monotonic() - began < 25, time.monotonic() - began)
        self.expect(200, "DELETE", f"/tasks/{task}")
        self.assertEqual([event[1] for event in stream.rest()], ["status", "end"])


class Trajectories(Audit):
    def feed(self, query):
        status, headers, text = self.call("GET", f"/trajectories?{query}")
        self.assertEqual(status, 200, text)
        if isinstance(text, dict):
            return [text]
        return [json.loads(line) for line in text.splitlines()]

    def some(self):
        """One group with an attempt of each end that can be had without waiting."""
        group = self.fresh("feed")
        _, done, path = self.running(group_id=group)
        step = {"type": "step", "step": 1, "observation": "o", "action": "a"}
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": [step]})
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True, "reward": 0.5}})
        _, failed, path = self.running(group_id=group)
        self.expect(200, "POST", f"{path}/fail", {"attempt": 1, "error": "e"})
        _, cancelled, _ = self.running(group_id=group)
        self.expect(200, "DELETE", f"/tasks/{cancelled}")
        _, retried, path = self.running(group_id=group, max_retries=1)
        self.expect(200, "POST", f"{path}/fail", {"attempt": 1, "error": "e", "kind": "infrastructure"})
        return group, [done, failed, cancelled, retried]

    def test_every_finished_attempt_is_a_line_in_order_of_finishing(self):
        group, tasks = self.some()
        lines = self.feed(f"group_id={group}")
        self.assertEqual([line["task"]["id"] for line in lines], tasks)
        for line in lines:
            self.assertEqual(sorted(line), ["attempt", "cursor", "failure", "result", "reward", "status",
                                            "steps", "task"])
            self.assertIn("parameters", line["task"])
            self.assertNotIn("logs", line["task"])
        self.assertEqual([(line["status"], line["attempt"], line["reward"]) for line in lines],
                         [("completed", 1, 0.5), ("failed", 1, None), ("cancelled", 1, None), ("failed", 1, None)])
        self.assertEqual([line["failure"] and line["failure"]["kind"] for line in lines],
                         [None, "task", "cancelled", "infrastructure"])
        self.assertEqual([len(line["steps"]) for line in lines], [1, 0, 0, 0])
        self.assertEqual(lines[0]["result"]["reward"], 0.5)

    def test_a_cursor_goes_on_exactly_after_its_line_whatever_the_filter(self):
        group, tasks = self.some()
        lines = self.feed(f"group_id={group}")
        for i, line in enumerate(lines):
            rest = self.feed(f"group_id={group}&since_cursor={line['cursor']}")
            self.assertEqual([one["task"]["id"] for one in rest], tasks[i + 1:])
        for status, wanted in (("completed", tasks[:1]), ("failed", [tasks[1], tasks[3]]),
                               ("cancelled", [tasks[2]]), ("timeout", [])):
            found = self.feed(f"group_id={group}&status={status}&format=jsonl")
            self.assertEqual([line["task"]["id"] for line in found], wanted)
        problem = lines[0]["task"]["problem_id"]
        self.assertEqual([line["task"]["id"] for line in self.feed(f"problem_id={problem}")], tasks[:1])

    def test_it_follows_for_wait_seconds_without_anything_new(self):
        group, tasks = self.some()
        last = self.feed(f"group_id={group}")[-1]["cursor"]
        began = time.monotonic()
        self.assertEqual(self.feed(f"group_id={group}&since_cursor={last}&wait_seconds=1"), [])
        self.assertTrue(0.9 < time.monotonic() - began < 10)
        link = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=LIMIT_SECONDS)
        link.request("GET", f"/trajectories?group_id={group}&since_cursor={last}&wait_seconds=3")
        answer = link.getresponse()
        _, task, _ = self.ended(group_id=group)
        self.assertEqual(json.loads(answer.readline())["task"]["id"], task)
        self.assertEqual(answer.read(), b"")
        link.close()

    def test_wrong_parameters_are_named(self):
        self.invalid(["since_cursor", "status", "format", "wait_seconds", "x", "problem_id"], "GET",
                     "/trajectories?since_cursor=z&status=pending&format=csv&wait_seconds=301&x=1&problem_id=")
        for value in ("-1", "1.0", "", "x"):
            self.invalid(["wait_seconds"], "GET", f"/trajectories?wait_seconds={value}")
