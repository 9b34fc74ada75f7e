"""Clients of the coordinators that never stop asking, and write down what they were told."""

import hashlib
import http.client
import json
import random
import threading
import time
import uuid

from checker import TERMINAL

ANSWER_SECONDS = 20
AGAIN_SECONDS = 0.2
MAX_RETRIES = 10
LONG_SHARE = 0.02  # of the tasks that outlast a lease, so that what is cut off meets its successor
LONGEST_SECONDS = 14  # that a task takes by itself


class Away(Exception):
    """No answer, or a 5xx: what was asked may have happened or not."""


def exchange(port, method, path, raw=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request(method, path, raw, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise Away(str(problem)) from problem
    finally:
        connection.close()


def ask_text(port, path):
    status, raw = exchange(port, "GET", path)
    return status, raw.decode(errors="replace")


def ask(port, method, path, body=None, headers=None):
    raw = None if body is None else json.dumps(body)
    headers = {**(headers or {}), **({"Content-Type": "application/json"} if raw else {})}
    status, got = exchange(port, method, path, raw, headers)
    try:
        answer = json.loads(got or b"null")
    except ValueError as problem:
        raise Away(str(problem)) from problem
    if status >= 500:
        raise Away(f"{status} {answer}")
    return status, answer


class Observer:
    """`ports`: of the coordinators, any of which may be asked. `ceiling`: how many tasks are open at
    once; `total`: how many are submitted in all (None: until it is stopped); `long_share`: of how many
    takes LONGEST_SECONDS."""

    def __init__(self, history, ports, seed, ceiling, total=None, long_share=0.0):
        self.history = history
        self.ports = ports
        self.random = random.Random(seed)
        self.ceiling = ceiling
        self.left = total
        self.long_share = long_share
        self.open = {}  # task: status as last seen
        self.attempts = {}
        self.ended = []
        self.wanted_steps = {}
        self.cancel_at = {}
        self.asking = 0
        self.moved = threading.Condition()
        self.stopping = threading.Event()
        self.quiet = threading.Event()  # no more submissions
        self.threads = [threading.Thread(target=self.submit_on, daemon=True) for _ in range(2)]
        self.threads.append(threading.Thread(target=self.watch_on, daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop_submitting(self):
        self.quiet.set()
        with self.moved:
            self.moved.notify_all()

    def stop(self):
        self.stop_submitting()
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def port(self):
        return self.random.choice(self.ports)

    def is_done(self):
        with self.moved:
            return not self.open and not self.asking and (self.quiet.is_set() or self.left == 0)

    def running(self):
        with self.moved:
            return [task for task, status in self.open.items() if status == "running"]

    def unfinished(self):
        """Status and attempt of each task that has not ended, as last seen."""
        with self.moved:
            return {task: (status, self.attempts.get(task, 0)) for task, status in self.open.items()}

    # submissions

    def submit_on(self):
        while True:
            with self.moved:
                self.moved.wait_for(
                    lambda: self.quiet.is_set() or len(self.open) + self.asking < self.ceiling
                )
                if self.quiet.is_set() or self.left == 0:
                    return
                count = self.random.choice((1, 1, 1, 5))
                if self.left is not None:
                    count = min(count, self.left)
                    self.left -= count
                self.asking += count
            try:
                self.submit([self.task() for _ in range(count)])
            finally:
                with self.moved:
                    self.asking -= count

    def task(self):
        steps = self.random.randint(1, 6)
        pace = self.random.choice((0, 20, 100, 250))
        if self.random.random() < self.long_share:
            pace = 1000 * LONGEST_SECONDS // steps
        return {
            "problem_id": "simulated-detection",
            "max_steps": steps,
            "timeout_minutes": 5,
            "max_retries": MAX_RETRIES,
            "priority": self.random.randint(0, 10),
            "agent_config": {"simulate": {"steps": steps, "step_ms": pace}},
        }

    def submit(self, tasks):
        key = str(uuid.uuid4())
        single = len(tasks) == 1
        path, body = ("/tasks", tasks[0]) if single else ("/tasks/batch", {"tasks": tasks})
        while not self.stopping.is_set():
            try:
                status, answer = ask(self.port(), "POST", path, body, {"Idempotency-Key": key})
            except Away:
                self.stopping.wait(AGAIN_SECONDS)
                continue
            if status not in (200, 201):
                self.history.note("refused", status=status, answer=answer)
                return
            made = [answer] if single else answer["tasks"]
            self.acknowledge(key, tasks, [task["id"] for task in made])
            # now and then as a client that has lost the answer
            if self.random.random() > 0.05:
                return

    def acknowledge(self, key, tasks, ids):
        self.history.note("acknowledged", key=key, tasks=ids)
        with self.moved:
            for task, task_id in zip(tasks, ids):
                if task_id not in self.wanted_steps:
                    self.wanted_steps[task_id] = task["max_steps"]
                    self.open[task_id] = "pending"
                    if self.random.random() < 0.04:
                        self.cancel_at[task_id] = time.monotonic() + self.random.uniform(0, 2)

    # watching

    def watch_on(self):
        while not self.stopping.is_set():
            with self.moved:
                tasks = list(self.open)
                if self.ended:
                    tasks.append(self.random.choice(self.ended))
            for task in tasks:
                if self.stopping.is_set():
                    return
                try:
                    self.cancel(task)
                    self.look(task)
                except Away:
                    self.stopping.wait(AGAIN_SECONDS)
            self.stopping.wait(0.05)

    def cancel(self, task):
        if time.monotonic() < self.cancel_at.get(task, float("inf")):
            return
        self.history.note("cancel_asked", task=task)
        status, _ = ask(self.port(), "POST", f"/tasks/{task}/cancel")
        if status == 200:
            self.history.note("cancelled", task=task)
        del self.cancel_at[task]

    def look(self, task):
        status, answer = ask(self.port(), "GET", f"/tasks/{task}")
        if status != 200:
            self.history.note("missing", task=task, status=status)
            with self.moved:
                self.open.pop(task, None)
            return
        seen = sighting(answer)
        with self.moved:
            is_open = task in self.open
            if is_open and (self.open[task], self.attempts.get(task)) == (
                seen["status"], seen["attempt"],
            ):  # fmt: skip
                return
            if is_open:
                self.open[task] = seen["status"]
                self.attempts[task] = seen["attempt"]
                if seen["status"] in TERMINAL:
                    del self.open[task]
                    self.ended.append(task)
                    self.moved.notify_all()
        self.history.note("seen", **seen)

    # the end

    def note_stuck(self):
        with self.moved:
            for task, status in self.open.items():
                self.history.note("stuck", task=task, status=status)

    def note_finals(self):
        """When nothing moves any more: all tasks once again, in full."""
        cursor = ""
        while cursor is not None:
            _, page = ask(self.ports[0], "GET", f"/tasks?limit=100&sort=created_at{cursor}")
            for task in page["tasks"]:
                self.history.note("listed", task=task["id"])
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        for task, wanted in self.wanted_steps.items():
            status, answer = ask(self.port(), "GET", f"/tasks/{task}")
            if status != 200:
                continue  # the checker sees that it has no end
            _, trajectory = ask(self.port(), "GET", f"/tasks/{task}/trajectory")
            self.history.note(
                "final",
                **sighting(answer),
                wanted_steps=wanted,
                max_retries=MAX_RETRIES,
                steps=[step["step"] for step in trajectory["steps"]],
                error=answer["error_details"],
                attempts=[
                    {"attempt": one["attempt"], "kind": (one["failure"] or {}).get("kind")}
                    for one in answer["attempts"]
                ],
            )


def sighting(task):
    print_of_end = ""
    if task["status"] in TERMINAL:
        whole = json.dumps(task, sort_keys=True).encode()
        print_of_end = hashlib.sha256(whole).hexdigest()[:16]
    return {
        "task": task["id"],
        "status": task["status"],
        "attempt": task["attempt"],
        "worker": task["worker_id"],
        "print": print_of_end,
    }
