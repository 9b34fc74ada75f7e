#!/usr/bin/env python3
"""Runs a coordinator for some minutes under a mixed load (submissions, runs of the process runner,
lists, followers that come and go, feed readers, scrapes) and prints its memory every few minutes,
and at the end the slope over the time after the first quarter."""

import argparse
import contextlib
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
from postgres_server import PostgresServer  # noqa: E402

CONFIG = (
    "runners:\n"
    "  - {name: process, plugin: process, config: {command: [opslab-driver-simulated]}}\n"
    "workers: [{runner: process, count: 2, max_parallel_tasks: 2}]\n"
)
SAMPLE_SECONDS = 5


def memory(process):
    """Bytes: all that is resident, and of it what is the process's own (heap and stacks)."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if " kB" in line}
    return sizes["VmRSS"], sizes["RssAnon"]


def megabytes(count):
    return f"{count / 2**20:.1f} MB"


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


def soak(coordinator, arguments):
    load = Load(coordinator)
    began = time.monotonic()
    samples = []
    next_sample = next_line = 0.0
    while (now := time.monotonic() - began) < arguments.minutes * 60:
        load.one_round()
        if now >= next_sample:
            resident, own = memory(coordinator.process)
            samples.append((now, resident))
            next_sample = now + SAMPLE_SECONDS
            if now >= next_line:
                print(
                    f"minute {now / 60:5.1f}: {megabytes(resident)} resident, {megabytes(own)} of it "
                    f"its own, {load.submitted} tasks",
                    flush=True,
                )
                next_line = now + arguments.every * 60
        time.sleep(max(0.0, load.submitted / arguments.rate - (time.monotonic() - began)))
    load.read_feed()
    settled = [sample for sample in samples if sample[0] >= arguments.minutes * 15]
    print(
        f"{arguments.minutes:g} minutes, {load.submitted} tasks, {load.read} attempts read from the "
        f"feed; {megabytes(samples[0][1])} at first, {megabytes(samples[-1][1])} at last, slope "
        f"{slope(settled) * 3600 / 2**20:+.2f} MB an hour"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_folder", type=pathlib.Path, help="where opslab is, with its driver")
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument("rate", type=float, nargs="?", default=2.0, help="tasks a second (2)")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--every", type=float, default=5.0, help="minutes between lines (5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        program = arguments.bin_folder.resolve() / "opslab"
        server = PostgresServer() if arguments.postgres else None
        if server:
            ends.callback(server.remove)
        coordinator = Coordinator(program, folder, CONFIG, server).start()
        ends.callback(coordinator.kill)
        soak(coordinator, arguments)


if __name__ == "__main__":
    main()
