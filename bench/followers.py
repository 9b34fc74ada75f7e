#!/usr/bin/env python3
"""Prints what followers cost a coordinator: memory for each, and the delay from a worker's report to
the followers that get it. Usage: followers.py BIN_FOLDER [FOLLOWERS [REPORTS]]"""

import pathlib
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
# pylint: disable=wrong-import-position
from coordinator import Coordinator  # noqa: E402
from many_followers import Follower, Followers  # noqa: E402

WORKER = "worker-001-hand"


def resident(process):
    pages = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096


class Bench:
    def __init__(self, program, folder):
        self.coordinator = Coordinator(program, folder, "").start()
        self.post("/workers/register", {
            "id": WORKER, "backend_type": "hand", "capabilities": {"max_parallel_tasks": 1000},
        })  # fmt: skip
        self.followers = Followers()

    def post(self, path, body):
        status, _, answer = self.coordinator.call("POST", path, body)
        assert status < 300, answer
        return answer

    def tasks(self, count):
        request = {"tasks": [{"problem_id": "p"} for _ in range(count)]}
        ids = [task["id"] for task in self.post("/tasks/batch", request)["tasks"]]
        self.post(f"/workers/{WORKER}/claim", {"max": count})
        return ids

    def measure(self, name, tasks, followers, reports):
        before = resident(self.coordinator.process)
        everyone = [
            self.followers.add(Follower(self.coordinator.port, tasks[at % len(tasks)]))
            for at in range(followers)
        ]
        known = 2
        self.wait(everyone, known)
        after = resident(self.coordinator.process)
        delays = []
        for _ in range(reports):
            sent = {}
            poster = threading.Thread(target=self.report, args=(tasks, sent))
            poster.start()
            known += 1
            self.wait(everyone, known)
            poster.join()
            delays += [
                one.times[-1] - sent[tasks[at % len(tasks)]] for at, one in enumerate(everyone)
            ]
        at_work = resident(self.coordinator.process)
        delays.sort()
        print(
            f"{name}: {followers} followers of {len(tasks)} tasks, "
            f"{(after - before) / followers / 1024:.1f} KiB each "
            f"({(at_work - before) / followers / 1024:.1f} after {reports} reports), delay "
            f"median {statistics.median(delays) * 1000:.1f} ms, "
            f"p99 {delays[int(len(delays) * 0.99)] * 1000:.1f} ms, last {delays[-1] * 1000:.1f} ms"
        )
        for one in everyone:
            self.followers.selector.unregister(one.socket)
            one.close()
        self.followers.all.clear()

    def report(self, tasks, sent):
        for task in tasks:
            sent[task] = time.monotonic()
            events = [{"type": "log", "level": "info", "message": "a line as agents write them"}]
            self.post(f"/workers/{WORKER}/tasks/{task}/events", {"attempt": 1, "events": events})

    def wait(self, everyone, count):
        self.followers.read_until(
            lambda: all(len(one.ids) >= count for one in everyone), f"{count} events", 300
        )


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "opslab"
    followers = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    reports = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, folder)
        try:
            bench.measure("one task", bench.tasks(1), followers, reports)
            bench.measure("many tasks", bench.tasks(100), followers, reports)
        finally:
            bench.coordinator.kill()


if __name__ == "__main__":
    main()
