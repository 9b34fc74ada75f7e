#!/usr/bin/env python3
"""Prints what calls cost beside 5 thousand and beside 5 million finished tasks: median milliseconds
of each, over REST. Usage: at_scale.py BIN_FOLDER [--postgres] [--tasks N]... [--rounds N] [--kept FILE]"""

import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))
from coordinator import Coordinator  # noqa: E402
from past_tasks import fill_postgres, fill_sqlite  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

PENDING_OF_OTHERS = 100_000


class Client:
    def __init__(self, port):
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def call(self, method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        self.link.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.link.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text) if text and answer.getheader("Content-Type") == "application/json" else None

    def first_line(self, path):
        self.link.request("GET", path)
        line = self.link.getresponse().readline()
        self.link.close()
        return line


def milliseconds(action, rounds):
    action()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def lists(count):
    worker, group = f"worker-{100 + count % 50}-docker", f"group-{count // 2000}"
    return {
        "list": "", "list, by priority": "sort=-priority", "list, oldest first": "sort=created_at",
        "list, completed": "status=completed", "list, timed out": "status=timeout",
        "list, pending (few)": "status=pending", "list, of a problem": "problem_id=problem-7",
        "list, of a problem, pending": "problem_id=problem-7&status=pending",
        "list, of a problem, timed out": "problem_id=problem-7&status=timeout",
        "list, of a problem, by priority": "problem_id=problem-7&sort=-priority",
        "list, of a backend": "backend_type=docker",
        "list, of a backend, running": "backend_type=docker&status=running",
        "list, of a backend and problem": "backend_type=kind&problem_id=problem-7",
        "list, of a worker": f"worker_id={worker}", "list, of a worker, failed": f"worker_id={worker}&status=failed",
        "list, of a group": f"group_id={group}", "list, of a group, by priority": f"group_id={group}&sort=priority",
    }


def measure(client, count, rounds):
    rows = {}
    for name, query in lists(count).items():
        rows[name] = milliseconds(lambda q=query: client.call("GET", f"/tasks?{q}"), rounds)
    middle = client.call("GET", f"/tasks?limit=1&offset={count // 2}")["next_cursor"]
    rows["list, from the middle by cursor"] = milliseconds(
        lambda: client.call("GET", f"/tasks?cursor={middle}"), rounds)
    task = client.call("GET", "/tasks?limit=1&status=completed")["tasks"][0]["id"]
    rows["a task in detail"] = milliseconds(lambda: client.call("GET", f"/tasks/{task}"), rounds)
    rows["stats"] = milliseconds(lambda: client.call("GET", "/tasks/stats"), rounds)
    rows["health"] = milliseconds(lambda: client.call("GET", "/health"), rounds)
    rows["metrics"] = milliseconds(lambda: client.call("GET", "/metrics"), rounds)
    rows["feed, first line"] = milliseconds(lambda: client.first_line("/trajectories"), rounds)
    rows["feed, first line, timed out"] = milliseconds(
        lambda: client.first_line("/trajectories?status=timeout"), rounds)
    return rows


def measure_claims(client, rounds, name):
    worker = {"id": f"worker-001-{name}", "backend_type": name, "capabilities": {
        "max_parallel_tasks": 1000, "supported_problems": ["p*"]}}
    client.call("POST", "/workers/register", worker)
    client.call("POST", "/tasks/batch", {"tasks": [
        {"problem_id": "p", "backend_type": name, "priority": 0}] * (2 * rounds)})
    claimed = []

    def claim():
        claimed.extend(client.call("POST", f"/workers/{worker['id']}/claim", {})["tasks"])

    def complete():
        task = claimed.pop()["id"]
        client.call("POST", f"/workers/{worker['id']}/tasks/{task}/complete",
                    {"attempt": 1, "result": {"success": True}})

    one = {"problem_id": "q", "backend_type": "x"}
    return {"submit one": milliseconds(lambda: client.call("POST", "/tasks", one), rounds),
            "claim one": milliseconds(claim, rounds), "complete one": milliseconds(complete, rounds)}


def measure_others(client, rounds):
    """Claims with many pending tasks in front that no waiting worker may take."""
    for _ in range(PENDING_OF_OTHERS // 1000):
        client.call("POST", "/tasks/batch", {"tasks": [
            {"problem_id": "q", "backend_type": "other", "priority": 9}] * 1000})
    claims = measure_claims(client, rounds, "behind")["claim one"]
    empty = {"id": "worker-001-empty", "backend_type": "empty"}
    client.call("POST", "/workers/register", empty)
    nothing = milliseconds(lambda: client.call("POST", f"/workers/{empty['id']}/claim", {}), rounds)
    return {f"claim one, {PENDING_OF_OTHERS} of another backend in front": claims,
            f"claim nothing, beside {PENDING_OF_OTHERS} of another backend": nothing}


def run(binaries, on_postgres, count, rounds, kept=None):
    """`kept` is an SQLite file that was filled before; the calls measured stay in it."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer() if on_postgres else None
        try:
            coordinator = Coordinator(binaries / "opslab", folder, "", server)
            if kept:
                os.link(kept, f"{folder}/opslab.db")
                began = time.monotonic()
                subprocess.run([coordinator.program, "db", "migrate", "--config", coordinator.config], check=True)
                print(f"migrated in {time.monotonic() - began:.0f} s", flush=True)
            else:
                coordinator.start()
                coordinator.stop()
                began = time.monotonic()
                size = fill_postgres(server.url, count) if server else fill_sqlite(f"{folder}/opslab.db", count)
                took = time.monotonic() - began
                print(f"filled with {count} tasks in {took:.0f} s, {size / 1e9:.2f} GB", flush=True)
            began = time.monotonic()
            coordinator.start()
            print(f"ready in {time.monotonic() - began:.1f} s", flush=True)
            client = Client(coordinator.port)
            rows = measure(client, count, rounds)
            rows |= measure_claims(client, rounds, "bench")
            rows |= measure_others(client, rounds)
            coordinator.stop()
            return rows
        finally:
            if server:
                server.remove()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("binaries", type=pathlib.Path)
    words.add_argument("--postgres", action="store_true")
    words.add_argument("--tasks", type=int, action="append")
    words.add_argument("--rounds", type=int, default=30)
    words.add_argument("--kept", type=pathlib.Path, help="an SQLite file filled before, of --tasks")
    given = words.parse_args()
    counts = given.tasks or [5_000, 5_000_000]
    columns = {n: run(given.binaries.resolve(), given.postgres, n, given.rounds, given.kept) for n in counts}
    print(f"{'PostgreSQL' if given.postgres else 'SQLite'}, {os.cpu_count()} cores, median ms of {given.rounds}")
    print("| call | " + " | ".join(f"{n:,} tasks" for n in counts) + " |")
    print("| --- |" + " --- |" * len(counts))
    for name in columns[counts[0]]:
        print(f"| {name} | " + " | ".join(f"{columns[n][name]:.2f}" for n in counts) + " |")


if __name__ == "__main__":
    main()
