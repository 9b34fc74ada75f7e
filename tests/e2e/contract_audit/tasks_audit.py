"""Tasks: lists and cursors, details, idempotency keys, cancelling, stats."""

import concurrent.futures
import itertools
import time

from audit import NO_TASK, TIME, Audit

STATUSES = ["pending", "running", "completed", "failed", "timeout", "cancelled"]


class Lists(Audit):
    def pages(self, query, limit):
        seen, path = [], f"/tasks?{query}&limit={limit}"
        page = self.expect(200, "GET", path)
        while True:
            self.assertEqual(sorted(page), ["limit", "next_cursor", "offset", "tasks", "total"])
            self.assertEqual(page["limit"], limit)
            self.assertLessEqual(len(page["tasks"]), limit)
            seen += page["tasks"]
            if page["next_cursor"] is None:
                return seen, page["total"]
            page = self.expect(200, "GET", f"{path}&cursor={page['next_cursor']}")

    def some(self, count, **request):
        group = self.fresh("list")
        tasks = [{"problem_id": "p", "group_id": group, "backend_type": group,
                  "priority": i % 3} | request for i in range(count)]
        return group, self.expect(201, "POST", "/tasks/batch", {"tasks": tasks})["tasks"]

    def test_each_sort_orders_with_ties_by_id_in_the_same_direction(self):
        group, _ = self.some(7)
        self.some(3)
        for i in range(3):
            self.submit(group_id=group, backend_type=group, priority=1)
        for sort, key in (("created_at", lambda t: t["created_at"]),
                          ("priority", lambda t: t["parameters"]["priority"])):
            for name, down in ((sort, False), (f"-{sort}", True)):
                for limit in (1, 3, 10, 100):
                    seen, total = self.pages(f"group_id={group}&sort={name}", limit)
                    wanted = sorted(seen, key=lambda t: (key(t), t["id"]), reverse=down)
                    self.assertEqual([t["id"] for t in seen], [t["id"] for t in wanted])
                    self.assertEqual((len(seen), len({t["id"] for t in seen}), total), (10, 10, 10))
        newest = self.expect(200, "GET", f"/tasks?group_id={group}")
        self.assertEqual((newest["limit"], newest["offset"]), (20, 0))
        self.assertEqual([t["id"] for t in newest["tasks"]],
                         [t["id"] for t in self.pages(f"group_id={group}&sort=-created_at", 20)[0]])

    def test_offset_skips_and_the_total_stays(self):
        group, tasks = self.some(5)
        ids = [task["id"] for task in tasks]
        for offset in (0, 1, 4, 5, 1000, 10**18):
            page = self.expect(200, "GET", f"/tasks?group_id={group}&sort=created_at&offset={offset}")
            self.assertEqual([t["id"] for t in page["tasks"]], ids[offset:])
            self.assertEqual((page["offset"], page["total"], page["next_cursor"]), (offset, 5, None))

    def test_each_filter_and_all_together(self):
        worker, task, path = self.running(group_id=self.fresh("filter"))
        detail = self.expect(200, "GET", f"/tasks/{task}")
        filters = {"status": "running", "problem_id": detail["problem_id"], "worker_id": worker,
                   "backend_type": detail["backend_type"], "group_id": detail["group_id"]}
        for size in range(1, 6):
            for names in itertools.combinations(filters, size):
                query = "&".join(f"{name}={filters[name]}" for name in names)
                for sort in ("created_at", "-priority"):
                    page = self.expect(200, "GET", f"/tasks?{query}&sort={sort}&limit=100")
                    self.assertIn(task, [t["id"] for t in page["tasks"]])
                    for found in page["tasks"]:
                        self.assertLessEqual(filters.items() & {n: filters[n] for n in names}.items(),
                                             found.items())
                    if len(page["tasks"]) < 100:
                        self.assertEqual(page["total"], len(page["tasks"]))
        for status in STATUSES:
            page = self.expect(200, "GET", f"/tasks?status={status}&group_id={filters['group_id']}")
            self.assertEqual(page["total"], 1 if status == "running" else 0)
        for name, value in (("worker_id", "worker-998-none"), ("problem_id", "none"), ("group_id", "-"),
                            ("backend_type", "none")):
            page = self.expect(200, "GET", f"/tasks?{name}={value}")
            self.assertEqual((page["tasks"], page["total"], page["next_cursor"]), ([], 0, None))

    def test_wrong_parameters_are_all_named(self):
        self.invalid(["status", "worker_id", "limit", "offset", "sort", "cursor", "x", "problem_id"], "GET",
                     "/tasks?status=lost&worker_id=w&limit=0&offset=-1&sort=id&cursor=zz&x=1&problem_id=")
        for name, values in {"limit": ("0", "101", "1.0", "x", "", "-1", "99999999999999999999", "1e1"),
                             "offset": ("-1", "1.5", "x", "", "99999999999999999999"),
                             "status": ("Pending", "", "done"), "sort": ("", "id", "+created_at")}.items():
            for value in values:
                self.invalid([name], "GET", f"/tasks?{name}={value}")
        self.invalid(["limit"], "GET", "/tasks?limit=1&limit=2")
        for path in (f"/tasks/{NO_TASK}?include_logs=", f"/tasks/{NO_TASK}?include_logs=yes"):
            self.invalid(["include_logs"], "GET", path)

    def test_a_cursor_belongs_to_its_sort_and_filters(self):
        group, _ = self.some(3)
        cursor = self.expect(200, "GET", f"/tasks?group_id={group}&limit=1")["next_cursor"]
        for query in ("", f"group_id={group}&sort=created_at&", f"group_id={group}&status=pending&",
                      "group_id=other&", f"group_id={group}&problem_id=p&"):
            self.invalid(["cursor"], "GET", f"/tasks?{query}cursor={cursor}")
        # the size of a page is no part of it
        self.expect(200, "GET", f"/tasks?group_id={group}&limit=2&sort=-created_at&cursor={cursor}")
        for bad in ("x", cursor[:-1], cursor + "A", cursor[::-1], "a" * 5000):
            self.invalid(["cursor"], "GET", f"/tasks?group_id={group}&cursor={bad}")

    def test_pages_neither_skip_nor_repeat_while_tasks_arrive(self):
        group, tasks = self.some(6)
        page = self.expect(200, "GET", f"/tasks?group_id={group}&limit=2")
        seen = [task["id"] for task in page["tasks"]]
        while page["next_cursor"]:
            self.submit(group_id=group, backend_type=group)
            page = self.expect(200, "GET", f"/tasks?group_id={group}&limit=2&cursor={page['next_cursor']}")
            seen += [task["id"] for task in page["tasks"]]
        self.assertEqual(seen, [task["id"] for task in tasks][::-1])


class Keys(Audit):
    def post(self, key, body, path="/tasks"):
        return self.call("POST", path, body, {"Idempotency-Key": key})

    def test_the_same_key_and_body_is_200_and_the_task_as_it_is_now(self):
        key, body = self.fresh("key"), {"problem_id": "p", "backend_type": "nobody"}
        status, headers, first = self.post(key, body)
        self.assertEqual(status, 201)
        self.assertEqual(self.post(key, body)[::2], (200, first))
        self.assertEqual(self.post(key, b' {"backend_type":"nobody", "problem_id":"p"}')[::2], (200, first))
        self.expect(200, "DELETE", f"/tasks/{first['id']}")
        status, headers, again = self.post(key, body)
        self.assertEqual((status, again["id"], again["status"]), (200, first["id"], "cancelled"))

    def test_another_body_is_409_and_a_refused_request_uses_up_nothing(self):
        key = self.fresh("key")
        self.assertEqual(self.post(key, {"problem_id": ""})[0], 400)
        self.assertEqual(self.post(key, b"{")[0], 400)
        self.assertEqual(self.post(key, {"problem_id": "p"})[0], 201)
        self.refused(409, "idempotency_conflict", "POST", "/tasks", {"problem_id": "q"},
                     {"Idempotency-Key": key})
        self.assertEqual(self.post(key, {"problem_id": "p"})[0], 200)
        self.assertEqual(self.post(key, {"problem_id": ""})[0], 400)

    def test_tasks_and_batches_have_a_space_of_keys_each(self):
        key, body = self.fresh("key"), {"tasks": [{"problem_id": "p"}, {"problem_id": "q"}]}
        self.assertEqual(self.post(key, {"problem_id": "p"})[0], 201)
        status, _, first = self.post(key, body, "/tasks/batch")
        self.assertEqual(status, 201)
        self.assertEqual(self.post(key, body, "/tasks/batch")[::2], (200, first))
        self.refused(409, "idempotency_conflict", "POST", "/tasks/batch",
                     {"tasks": body["tasks"][:1]}, {"Idempotency-Key": key})

    def test_keys_are_1_to_255_printable_characters(self):
        for path, body in (("/tasks", {"problem_id": "p"}), ("/tasks/batch", {"tasks": [{"problem_id": "p"}]})):
            for good in ("x", "a b", "~!/\"'", self.fresh("k").ljust(255, "x")):
                self.assertIn(self.post(good, body, path)[0], (200, 201), good)
            for bad in ("", "x" * 256, "ä".encode(), b"\x80", "a\tb"):
                self.invalid(["Idempotency-Key"], "POST", path, body, {"Idempotency-Key": bad})

    def test_one_of_many_at_once_makes_the_task(self):
        for path, body in (("/tasks", {"problem_id": "p"}),
                           ("/tasks/batch", {"tasks": [{"problem_id": "p"}] * 50})):
            key = self.fresh("race")
            with concurrent.futures.ThreadPoolExecutor(24) as pool:
                answers = list(pool.map(lambda _: self.post(key, body, path), range(24)))
            self.assertEqual(sorted(status for status, _, _ in answers), [200] * 23 + [201])
            ids = {str([task["id"] for task in answer.get("tasks", [answer])]) for _, _, answer in answers}
            self.assertEqual(len(ids), 1)
        key = self.fresh("race")
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda i: self.post(key, {"problem_id": f"p{i}"}), range(24)))
        self.assertEqual(sorted(status for status, _, _ in answers), [201] + [409] * 23)


class Cancelling(Audit):
    def test_both_ways_cancel_at_once_and_only_once(self):
        for method, suffix in (("DELETE", ""), ("POST", "/cancel")):
            task = self.submit(backend_type="nobody")["id"]
            ended = self.expect(200, method, f"/tasks/{task}{suffix}")
            self.assertEqual((ended["status"], ended["worker_id"], ended["attempt"]), ("cancelled", None, 0))
            self.assertRegex(ended["completed_at"], TIME)
            detail = self.expect(200, "GET", f"/tasks/{task}")
            self.assertEqual(detail["failure"]["kind"], "cancelled")
            self.assertEqual(sorted(detail["failure"]), ["kind", "message", "phase"])
            for again, tail in (("DELETE", ""), ("POST", "/cancel")):
                self.expect(409, again, f"/tasks/{task}{tail}")
            self.refused(404, "not_found", method, f"/tasks/{NO_TASK}{suffix}")

    def test_a_running_one_is_cancelled_at_once_and_its_worker_told(self):
        worker, task, path = self.running()
        ended = self.expect(200, "POST", f"/tasks/{task}/cancel")
        self.assertEqual((ended["status"], ended["worker_id"], ended["attempt"]), ("cancelled", worker, 1))
        log = {"attempt": 1, "events": [{"type": "log", "message": "m"}]}
        self.refused(409, "stale_attempt", "POST", f"{path}/events", log)
        done = {"attempt": 1, "result": {"success": True}}
        self.refused(409, "stale_attempt", "POST", f"{path}/complete", done)
        self.refused(409, "stale_attempt", "POST", f"{path}/fail", {"attempt": 1, "error": "e"})
        beat = {"worker_id": worker, "status": "busy", "current_task_id": task}
        for _ in range(3):
            self.assertEqual(self.expect(200, "POST", "/workers/heartbeat", beat)["cancel"], [task])
        idle = {"worker_id": worker, "status": "idle"}
        self.assertEqual(self.expect(200, "POST", "/workers/heartbeat", idle)["cancel"], [])
        detail = self.expect(200, "GET", f"/tasks/{task}")
        self.assertEqual(detail["failure"]["kind"], "cancelled")
        self.assertEqual([a["status"] for a in detail["attempts"]], ["cancelled"])

    def test_completed_and_failed_ones_are_409(self):
        _, task, _ = self.ended()
        self.expect(409, "DELETE", f"/tasks/{task}")
        _, task, path = self.running()
        self.expect(200, "POST", f"{path}/fail", {"attempt": 1, "error": "e"})
        self.expect(409, "POST", f"/tasks/{task}/cancel")

    def test_one_of_many_cancels_at_once_wins(self):
        task = self.submit(backend_type="nobody")["id"]
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda _: self.call("DELETE", f"/tasks/{task}")[0], range(12)))
        self.assertEqual(sorted(statuses), [200] + [409] * 11)


class Stats(Audit):
    def test_stats_count_what_happened(self):
        before = self.expect(200, "GET", "/tasks/stats")
        problem = self.fresh("stats")
        worker, _, _ = self.ended(problem_id=problem)
        _, _, path = self.running(problem_id=problem)
        self.expect(200, "POST", f"{path}/fail", {"attempt": 1, "error": "e"})
        self.running(problem_id=problem)
        task = self.submit(problem_id=problem, backend_type="nobody")["id"]
        self.expect(200, "DELETE", f"/tasks/{task}")
        self.submit(problem_id=problem, backend_type="nobody")
        stats = self.expect(200, "GET", "/tasks/stats")
        self.assertEqual(sorted(stats), ["by_problem", "by_status", "by_worker", "duration_seconds",
                                         "queue_seconds", "success_rate", "total"])
        self.assertEqual(sorted(stats["by_status"]), sorted(STATUSES))
        self.assertEqual(stats["total"], sum(stats["by_status"].values()))
        self.assertEqual(stats["total"] - before["total"], 5)
        for status in STATUSES:
            more = 0 if status == "timeout" else 1
            self.assertEqual(stats["by_status"][status] - before["by_status"][status], more, status)
        self.assertTrue(0 <= stats["success_rate"] <= 1)
        for name in ("duration_seconds", "queue_seconds"):
            self.assertEqual(sorted(stats[name]), ["avg", "p50", "p95"])
            self.assertTrue(all(value >= 0 for value in stats[name].values()))
        for rows, name in (("by_problem", "problem_id"), ("by_worker", "worker_id")):
            self.assertLessEqual(len(stats[rows]), 100)
            totals = [sum(v for k, v in row.items() if k in STATUSES) for row in stats[rows]]
            self.assertEqual(totals, sorted(totals, reverse=True))
        found = {row["problem_id"]: row for row in stats["by_problem"]}
        if problem in found:
            self.assertEqual([found[problem][s] for s in STATUSES], [1, 1, 1, 1, 0, 1])
        own = self.expect(200, "GET", f"/workers/{worker}/stats")
        self.assertEqual(own["worker_id"], worker)
        self.refused(404, "not_found", "GET", "/workers/worker-997-none/stats")

    def test_durations_are_measured_in_seconds(self):
        worker, task, path = self.running()
        began = self.expect(200, "GET", f"/tasks/{task}")["started_at"]
        time.sleep(0.1)  # what is measured, not waited for
        ended = self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        self.assertLess(began, ended["completed_at"])
        self.assertGreaterEqual(
            self.expect(200, "GET", f"/workers/{worker}/stats")["duration_seconds"]["avg"], 0.1)
