"""A worker's life, its claims, reports and ends of attempts, and retries."""

import concurrent.futures
import time

from audit import NO_TASK, NO_WORKER, TIME, Audit, until

COMPLETE = {"attempt": 1, "result": {"success": True}}


class Lives(Audit):
    def test_an_id_is_409_until_its_worker_is_offline_and_then_registers_again(self):
        backend = self.fresh("life")
        worker = self.worker(backend)
        request = {"id": worker, "backend_type": backend, "metadata": {"second": 1},
                   "capabilities": {"supported_problems": ["none"]}}
        self.expect(409, "POST", "/workers/register", request)
        self.expect(200, "POST", f"/workers/{worker}/retire")
        self.assertEqual(self.expect(200, "GET", f"/workers/{worker}")["status"], "offline")
        self.expect(409, "POST", f"/workers/{worker}/claim", {})
        again = self.expect(201, "POST", "/workers/register", request)
        self.assertEqual((again["status"], again["metadata"]), ("idle", {"second": 1}))
        self.expect(409, "POST", "/workers/register", request)
        self.expect(204, "POST", f"/workers/{worker}/claim", {})

    def test_one_of_many_registrations_at_once_wins(self):
        backend = self.fresh("race")
        request = {"id": f"worker-001-{backend}", "backend_type": backend}
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda _: self.call("POST", "/workers/register", request)[0], range(12)))
        self.assertEqual(sorted(statuses), [201] + [409] * 11)

    def test_workers_are_listed_by_status_and_backend(self):
        backend = self.fresh("seen")
        for number in (1, 2, 3):
            self.worker(backend, number)
        self.expect(200, "POST", f"/workers/worker-003-{backend}/retire")
        beat = {"worker_id": f"worker-002-{backend}", "status": "busy"}
        self.expect(200, "POST", "/workers/heartbeat", beat)
        found = self.expect(200, "GET", f"/workers?backend_type={backend}")
        self.assertEqual(sorted(found), ["total", "workers"])
        self.assertEqual(found["total"], 3)
        for status, number in (("idle", 1), ("busy", 2), ("offline", 3)):
            found = self.expect(200, "GET", f"/workers?backend_type={backend}&status={status}")
            self.assertEqual([w["id"] for w in found["workers"]], [f"worker-00{number}-{backend}"])
        self.assertEqual(self.expect(200, "GET", "/workers?backend_type=none"), {"workers": [], "total": 0})
        self.invalid(["status", "x"], "GET", "/workers?status=gone&x=1")
        self.refused(404, "not_found", "GET", f"/workers/{NO_WORKER}")
        self.refused(404, "not_found", "GET", f"/workers/{NO_WORKER}/stats")

    def test_a_worker_is_busy_with_a_task_and_counts_what_it_ended(self):
        worker, task, path = self.running()
        seen = self.expect(200, "GET", f"/workers/{worker}")
        self.assertEqual((seen["status"], seen["current_task_id"]), ("busy", task))
        self.expect(200, "POST", f"{path}/complete", COMPLETE)
        seen = self.expect(200, "GET", f"/workers/{worker}")
        self.assertEqual((seen["status"], seen["current_task_id"]), ("idle", None))
        self.assertEqual((seen["tasks_completed"], seen["tasks_failed"]), (1, 0))

    def test_a_heartbeat_hints_at_the_next_task_without_claiming_it(self):
        backend = self.fresh("hint")
        worker = self.worker(backend, supported_problems=[backend])
        task = self.submit(problem_id=backend, backend_type=backend)["id"]
        beat = {"worker_id": worker, "status": "idle"}
        for _ in range(2):
            self.assertEqual(self.expect(200, "POST", "/workers/heartbeat", beat)["next_task_id"], task)
        self.assertEqual(self.expect(200, "GET", f"/tasks/{task}")["status"], "pending")
        before = self.expect(200, "GET", f"/workers/{worker}")["last_heartbeat"]
        self.expect(200, "POST", "/workers/heartbeat", beat)
        self.assertLess(before, self.expect(200, "GET", f"/workers/{worker}")["last_heartbeat"])


class Claims(Audit):
    def test_claims_go_by_priority_then_age_and_never_beyond_free_slots(self):
        backend = self.fresh("order")
        worker = self.worker(backend, max_parallel_tasks=3, supported_problems=[backend])
        ids = {}
        for priority in (5, 1, 9, 5, 9):
            task = self.submit(problem_id=backend, backend_type=backend, priority=priority)
            ids.setdefault(priority, []).append(task["id"])
        first = [task["id"] for task in self.claim(worker, max=1000)]
        self.assertEqual(first, ids[9] + ids[5][:1])
        began = time.monotonic()
        self.expect(204, "POST", f"/workers/{worker}/claim", {"max": 5, "wait_seconds": 20})
        self.assertLess(time.monotonic() - began, 10, "no slot is free: there is nothing to wait for")
        self.expect(200, "POST", f"/workers/{worker}/tasks/{first[0]}/complete", COMPLETE)
        self.assertEqual([task["id"] for task in self.claim(worker, max=5)], ids[5][1:])
        self.assertEqual(self.expect(200, "GET", f"/tasks/{ids[1][0]}")["status"], "pending")

    def test_a_claim_takes_only_its_backend_and_its_problems(self):
        backend = self.fresh("fit")
        worker = self.worker(backend, max_parallel_tasks=10, supported_problems=[f"{backend}-a*", f"{backend}-?"])
        other = self.fresh("other")
        fit = [self.submit(problem_id=f"{backend}-{tail}", **more)["id"]
               for tail, more in (("abc", {}), ("x", {"backend_type": backend}), ("a", {}))]
        for tail, more in (("xx", {}), ("a", {"backend_type": other}), ("", {})):
            self.submit(problem_id=f"{backend}-{tail}" if tail else backend, **more)
        self.assertEqual([task["id"] for task in self.claim(worker, max=10)], fit)

    def test_a_claimed_task_is_running_with_worker_attempt_and_start(self):
        worker, task, _ = self.running()
        seen = self.expect(200, "GET", f"/tasks/{task}")
        self.assertEqual((seen["status"], seen["worker_id"], seen["attempt"], seen["completed_at"]),
                         ("running", worker, 1, None))
        self.assertRegex(seen["started_at"], TIME)
        attempt = seen["attempts"][0]
        self.assertLessEqual({"attempt", "worker_id", "status", "started_at", "completed_at", "failure"},
                             set(attempt))
        self.assertEqual((attempt["attempt"], attempt["status"], attempt["worker_id"]), (1, "running", worker))

    def test_a_waiting_claim_wakes_as_the_task_arrives(self):
        backend = self.fresh("wake")
        worker = self.worker(backend, max_parallel_tasks=5, supported_problems=[backend])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.claim, worker, wait_seconds=30, max=5)
            time.sleep(0.3)  # so that the claim waits by then; right either way
            posted = time.monotonic()
            task = self.submit(problem_id=backend, backend_type=backend)["id"]
            self.assertEqual([one["id"] for one in waiting.result()], [task])
            self.assertLess(time.monotonic() - posted, 4, "sooner than the poll")

    def test_a_claim_that_waits_in_vain_is_204(self):
        worker = self.worker(self.fresh("vain"), supported_problems=["none"])
        began = time.monotonic()
        self.expect(204, "POST", f"/workers/{worker}/claim", {"wait_seconds": 1})
        self.assertGreaterEqual(time.monotonic() - began, 0.9)

    def test_no_task_goes_to_two_of_many_claims_at_once(self):
        backend = self.fresh("many")
        workers = [self.worker(backend, n, max_parallel_tasks=20, supported_problems=[backend])
                   for n in range(1, 9)]
        tasks = {"tasks": [{"problem_id": backend, "backend_type": backend}] * 100}
        ids = {task["id"] for task in self.expect(201, "POST", "/tasks/batch", tasks)["tasks"]}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            claimed = [one["id"] for batch in pool.map(lambda w: self.claim(w, max=10), workers * 2)
                       for one in batch]
        self.assertEqual((len(claimed), set(claimed)), (100, ids))


class Reports(Audit):
    def test_events_are_202_with_cancel_and_the_attempts_deadline(self):
        _, task, path = self.running(timeout_minutes=7)
        answer = self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": []})
        self.assertIs(answer["cancel"], False)
        self.assertRegex(answer["deadline"], TIME)
        detail = self.expect(200, "GET", f"/tasks/{task}")
        minutes = (int(answer["deadline"][14:16]) - int(detail["started_at"][14:16])) % 60
        self.assertEqual((minutes, answer["deadline"][16:]), (7, detail["started_at"][16:]))

    def test_phases_are_timed_on_the_task(self):
        _, task, path = self.running()
        times = {"setup": (0, 2), "loop": (2, 5.5), "evaluate": (6, 6.25), "teardown": (7, 8)}
        events = [{"type": "phase", "name": name, "state": state,
                   "timestamp": f"2026-01-01T00:00:{second:09.6f}Z"}
                  for name, span in times.items() for state, second in zip(("begin", "end"), span)]
        self.expect(202, "POST", f"{path}/events", {"attempt": 1, "events": events})
        self.expect(200, "POST", f"{path}/complete", COMPLETE)
        phases = self.expect(200, "GET", f"/tasks/{task}")["phases"]
        for name, (begin, end) in times.items():
            self.assertAlmostEqual(phases[name], end - begin, places=5)
        self.assertGreaterEqual(phases["queue"], 0)

    def test_who_does_not_own_the_attempt_gets_409_and_changes_nothing(self):
        worker, task, path = self.running()
        other, _, _ = self.running()
        stranger = f"/workers/{other}/tasks/{task}"
        log = {"type": "log", "message": "m"}
        for base, attempt in ((path, 2), (stranger, 1)):
            for verb, body in (("events", {"events": [log]}), ("complete", {"result": {"success": True}}),
                               ("fail", {"error": "e"})):
                self.refused(409, "stale_attempt", "POST", f"{base}/{verb}", body | {"attempt": attempt})
        waiting = self.submit(backend_type="nobody")["id"]
        self.refused(409, "stale_attempt", "POST", f"/workers/{worker}/tasks/{waiting}/events",
                     {"attempt": 1, "events": [log]})
        for base in (f"/workers/{NO_WORKER}/tasks/{task}", f"/workers/{worker}/tasks/{NO_TASK}"):
            self.refused(404, "not_found", "POST", f"{base}/events", {"attempt": 1, "events": [log]})
            self.refused(404, "not_found", "POST", f"{base}/complete", COMPLETE)
            self.refused(404, "not_found", "POST", f"{base}/fail", {"attempt": 1, "error": "e"})
        detail = self.expect(200, "GET", f"/tasks/{task}?include_logs=true")
        self.assertEqual((detail["status"], detail["logs"]), ("running", []))


class Ends(Audit):
    def test_a_result_comes_back_whole_with_what_is_missing_filled_in(self):
        results = {
            '{"success": false}': {"logs": [], "metrics": {}, "output": {}, "success": False, "reward": None},
            '{"success":true,"logs":["a"],"metrics":{"m":1},"output":{"o":[null]},"reward":-1.5}':
                {"logs": ["a"], "metrics": {"m": 1}, "output": {"o": [None]}, "success": True, "reward": -1.5},
        }
        for text, wanted in results.items():
            worker, task, path = self.running()
            body = f'{{"attempt":1,"result":{text}}}'.encode()
            ended = self.expect(200, "POST", f"{path}/complete", body)
            self.assertEqual((ended["status"], ended["worker_id"]), ("completed", worker))
            self.assertRegex(ended["completed_at"], TIME)
            detail = self.expect(200, "GET", f"/tasks/{task}")
            self.assertEqual((detail["result"], detail["failure"], detail["error_details"]),
                             (wanted, None, None))

    def test_exactly_the_same_end_again_is_200_and_any_other_409(self):
        worker, task, path = self.running()
        same = {"attempt": 1, "result": {"success": True, "output": {"a": 1, "b": 2}}}
        self.expect(200, "POST", f"{path}/complete", same)
        self.expect(200, "POST", f"{path}/complete", same)
        self.expect(200, "POST", f"{path}/complete",
                    b'{"result":{"output":{"b":2,"a":1},"success":true},"attempt":1}')
        self.refused(409, "stale_attempt", "POST", f"{path}/complete", COMPLETE)
        self.refused(409, "stale_attempt", "POST", f"{path}/complete", same | {"attempt": 2})
        self.refused(409, "stale_attempt", "POST", f"{path}/fail", {"attempt": 1, "error": "e"})
        self.refused(409, "stale_attempt", "POST", f"{path}/events", {"attempt": 1, "events": []})
        other, _, _ = self.running()
        self.refused(409, "stale_attempt", "POST", f"/workers/{other}/tasks/{task}/complete", same)

    def test_a_task_failure_is_final_and_says_what_and_where(self):
        _, task, path = self.running(max_retries=5)
        body = {"attempt": 1, "error": "it broke", "phase": "loop"}
        self.assertEqual(self.expect(200, "POST", f"{path}/fail", body)["status"], "failed")
        self.expect(200, "POST", f"{path}/fail", body)
        self.refused(409, "stale_attempt", "POST", f"{path}/fail", body | {"error": "other"})
        detail = self.expect(200, "GET", f"/tasks/{task}")
        self.assertEqual(detail["failure"], {"kind": "task", "phase": "loop", "message": "it broke"})
        self.assertIn("it broke", detail["error_details"])
        self.assertIsNone(detail["result"])

    def test_an_infrastructure_failure_is_tried_again_after_about_5_seconds(self):
        worker, task, path = self.running(max_retries=1)
        body = {"attempt": 1, "error": "no disk", "kind": "infrastructure"}
        waiting = self.expect(200, "POST", f"{path}/fail", body)
        failed = time.monotonic()
        self.assertEqual((waiting["status"], waiting["worker_id"], waiting["started_at"],
                          waiting["completed_at"]), ("pending", None, None, None))
        self.assertEqual(self.expect(200, "POST", f"{path}/fail", body)["status"], "pending")
        self.expect(204, "POST", f"/workers/{worker}/claim", {})
        again = until(lambda: self.claim(worker, wait_seconds=5), "the retry", 20)
        self.assertTrue(3.9 <= time.monotonic() - failed <= 9, time.monotonic() - failed)
        self.assertEqual((again[0]["id"], again[0]["attempt"]), (task, 2))
        self.expect(200, "POST", f"{path}/fail", body)  # told again, of the attempt before
        self.refused(409, "stale_attempt", "POST", f"{path}/events", {"attempt": 1, "events": []})
        last = self.expect(200, "POST", f"{path}/fail", body | {"attempt": 2})
        self.assertEqual(last["status"], "failed")
        detail = self.expect(200, "GET", f"/tasks/{task}")
        self.assertEqual(detail["failure"]["kind"], "infrastructure")
        self.assertEqual([(a["attempt"], a["status"], a["failure"]["kind"]) for a in detail["attempts"]],
                         [(1, "failed", "infrastructure"), (2, "failed", "infrastructure")])

    def test_one_of_many_ends_at_once_wins(self):
        _, task, path = self.running()
        ends = [{"attempt": 1, "result": {"success": True, "output": {"n": n}}} for n in range(12)]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda e: self.call("POST", f"{path}/complete", e)[0], ends))
        self.assertEqual(sorted(statuses), [200] + [409] * 11)
        won = self.expect(200, "GET", f"/tasks/{task}")["result"]["output"]["n"]
        self.assertEqual(statuses[won], 200)
