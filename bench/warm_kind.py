#!/usr/bin/env python3
"""Prints how long a task takes from its POST to the driver's first phase on a warm kind cluster, and how
much of that is Docker's own: a container made and started by the engine alone. The kind command and the
engine (one of its own) are real, the nodes run no Kubernetes. Usage: warm_kind.py BIN_FOLDER KIND [TASKS]
"""

import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SOURCES = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SOURCES / "tests/e2e"))
from coordinator import Coordinator  # noqa: E402
from kind_world import Engine, run  # noqa: E402


def container_seconds(image, network):
    """One container, as a run's is, from nothing to running."""
    began = time.monotonic()
    made = run("docker", "run", "-d", "--network", network, "-v", "/opslab", image).strip()
    took = time.monotonic() - began
    run("docker", "rm", "-fv", made)
    return took


def task_seconds(coordinator):
    posted = time.time()
    task_id = coordinator.submit(problem_id="simulated-mitigation")
    task = coordinator.wait_for_end(task_id)
    if task["status"] != "completed":
        raise SystemExit(f"a task ended as {task['status']}: {task['error_details']}")
    prepared = task["phases"]["queue"] + task["phases"]["prepare"]
    begun = datetime.datetime.fromisoformat(task["created_at"].replace("Z", "+00:00")).timestamp()
    return begun - posted + prepared


def main(binaries, kind, tasks):
    engine = Engine(SOURCES)
    engine.start()
    try:
        image = run(SOURCES / "scripts/simulated-image", binaries / "opslab-driver-simulated").split()[-1]
        node = run(SOURCES / "scripts/fake-kind-node", "opslab/fake-kind-node:bench").split()[-1]
        config = {
            "image": image, "pull": "never", "node_image": node, "node_image_pull": "never",
            "worker_nodes": 0, "kind": str(kind), "min_free_memory_mb": 0, "min_free_disk_mb": 0,
            "host_lock_path": "", "max_reuses": 10_000, "on_stop": "remove",
        }
        with tempfile.TemporaryDirectory() as folder:
            coordinator = Coordinator(
                binaries / "opslab",
                folder,
                f"runners: [{{name: kind, plugin: kind, config: {json.dumps(config)}}}]\n"
                "workers: [{runner: kind, count: 1, max_parallel_tasks: 1}]\n",
            ).start()
            try:
                print(f"first task, which makes the cluster: {task_seconds(coordinator):.2f} s")
                warm = []
                for _ in range(tasks):
                    time.sleep(3)  # the cluster is looked at after each run, and is warm then
                    warm.append(task_seconds(coordinator))
                alone = [container_seconds(image, "kind") for _ in range(tasks)]
            finally:
                coordinator.stop()
    finally:
        engine.stop()
    print(f"POST to the driver running, warm:    {statistics.median(warm):.2f} s (median of {tasks}), "
          f"{max(warm):.2f} s at most")
    print(f"a container by the engine alone:     {statistics.median(alone):.2f} s (median)")
    print(f"beyond that:                         {statistics.median(warm) - statistics.median(alone):.2f} s")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(
        pathlib.Path(sys.argv[1]).resolve(),
        pathlib.Path(sys.argv[2]).resolve(),
        int(sys.argv[3]) if len(sys.argv) == 4 else 20,
    )
