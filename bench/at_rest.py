#!/usr/bin/env python3
"""Prints three numbers of a coordinator with the process runner: memory at rest, start to ready,
and the median from a POST to the first line of the driver. Usage: at_rest.py BIN_FOLDER [TASKS]
"""

import datetime
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

START_LIMIT_SECONDS = 10
TASK_LIMIT_SECONDS = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read() or b"{}")


def wait_ready(url):
    began = time.monotonic()
    while time.monotonic() - began < START_LIMIT_SECONDS:
        try:
            call(url + "/ready")
            return time.monotonic() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.002)
    raise SystemExit("the coordinator was not ready in time")


def resident_megabytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def first_line_milliseconds(url):
    posted = time.time()
    task = call(url + "/tasks", {"problem_id": "bench"})["id"]
    began = time.monotonic()
    while time.monotonic() - began < TASK_LIMIT_SECONDS:
        logs = call(f"{url}/tasks/{task}/logs?limit=1")["logs"]
        if logs:
            said = datetime.datetime.fromisoformat(logs[0]["timestamp"].replace("Z", "+00:00"))
            return (said.timestamp() - posted) * 1000
        time.sleep(0.005)
    raise SystemExit("a task's driver said nothing in time")


def main(binaries, tasks):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = pathlib.Path(folder, "opslab.yaml")
        driver = json.dumps([str(binaries / "opslab-driver-simulated")])
        config.write_text(
            f'server: {{listen: "127.0.0.1:{port}"}}\n'
            f'plugins: {{state_path: "{folder}/state"}}\n'
            f'storage: {{plugin: sqlite, sqlite: {{path: "{folder}/opslab.db"}}}}\n'
            f"runners: [{{name: process, plugin: process, config: {{command: {driver}}}}}]\n"
            "workers: [{runner: process, count: 1, max_parallel_tasks: 64}]\n"
        )
        url = f"http://127.0.0.1:{port}/api/v1"
        server = subprocess.Popen(
            [binaries / "opslab", "serve", "--config", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            print(f"start to ready:            {wait_ready(url) * 1000:.0f} ms")
            time.sleep(1)
            print(f"memory at rest:            {resident_megabytes(server.pid):.1f} MB")
            times = [first_line_milliseconds(url) for _ in range(tasks)]
            print(f"POST to first driver line: {statistics.median(times):.1f} ms (median)")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) == 3 else 50)
