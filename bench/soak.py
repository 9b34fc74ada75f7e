#!/usr/bin/env python3
"""Runs a coordinator for some minutes under a low, mixed load (submissions, runs of the process
runner, lists, followers that come and go, feed readers, scrapes) and prints the slope of its memory
over the time after the first quarter. Usage: soak.py BIN_FOLDER [MINUTES [TASKS_A_SECOND]]"""

import http.client
import json
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from coordinator import Coordinator  # noqa: E402
from many_followers import Follower, Followers  # noqa: E402

CONFIG = (
    "runners:\n"
    "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
    "workers: [{runner: process, count: 2, max_parallel_tasks: 2}]\n"
)
SAMPLE_SECONDS = 5


def resident(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


def slope(samples):
    """Bytes a second, by least squares over (seconds, bytes)."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


class Load:
    def __init__(self, coordinator):
        self.coordinator = coordinator
        self.cursor = ""
        self.submitted = 0
        self.read = 0

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.coordinator.port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def one_round(self):
        status, text = self.ask("POST", "/tasks", {"problem_id": f"soak-{random.randrange(50)}"})
        assert status == 201, text
        task = json.loads(text)["id"]
        self.submitted += 1
        followers = Followers()
        follower = followers.add(Follower(self.coordinator.port, task))
        # every other one leaves in the middle
        if self.submitted % 2:
            followers.read_until(lambda: follower.ended, "the end of a task")
        followers.close()
        self.ask("GET", f"/tasks/{task}?include_logs=true")
        self.ask("GET", f"/tasks/{task}/explain")
        if self.submitted % 10 == 0:
            for path in ("/tasks?limit=100", "/tasks/stats", "/metrics", "/workers", "/no/such/path"):
                self.ask("GET", path)
            self.read_feed()

    def read_feed(self):
        since = f"?since_cursor={self.cursor}" if self.cursor else ""
        _, text = self.ask("GET", "/trajectories" + since)
        lines = text.splitlines()
        if lines:
            self.read += len(lines)
            self.cursor = json.loads(lines[-1])["cursor"]


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "opslab"
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    with tempfile.TemporaryDirectory() as folder:
        coordinator = Coordinator(program, folder, CONFIG).start()
        try:
            load = Load(coordinator)
            began = time.monotonic()
            samples = []
            next_sample = 0.0
            while (now := time.monotonic() - began) < minutes * 60:
                load.one_round()
                if now >= next_sample:
                    samples.append((now, resident(coordinator.process)))
                    next_sample = now + SAMPLE_SECONDS
                time.sleep(max(0.0, load.submitted / rate - (time.monotonic() - began)))
            load.read_feed()
            settled = [sample for sample in samples if sample[0] >= minutes * 15]
            print(
                f"{minutes:g} minutes, {load.submitted} tasks, {load.read} attempts read from the feed; "
                f"memory {samples[0][1] / 2**20:.1f} MB at first, {samples[-1][1] / 2**20:.1f} MB at last, "
                f"slope {slope(settled) * 3600 / 2**20:+.2f} MB an hour"
            )
        finally:
            coordinator.kill()


if __name__ == "__main__":
    main()
