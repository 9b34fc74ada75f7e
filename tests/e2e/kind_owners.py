#!/usr/bin/env python3
"""Whose clusters are whose: a second process on the same state directory (the guard of leases, another
coordinator, a worker process) and clusters of opslab's names that somebody else made. Usage:
kind_owners.py OPSLAB SOURCE_DIR DRIVER KIND"""

import json
import os
import pathlib
import signal
import sys
import unittest

from coordinator import processes_with, until
from docker_engine import run
from kind_world import KindTest, descendants, nodes, runs
from remote_worker import RemoteWorker

KindTest.kind = pathlib.Path(sys.argv.pop(4)).resolve()
KindTest.driver = pathlib.Path(sys.argv.pop(3)).resolve()
KindTest.sources = pathlib.Path(sys.argv.pop(2)).resolve()
KindTest.program = pathlib.Path(sys.argv.pop(1)).resolve()
ONE, TWO = "worker-001-kind", "worker-001-kind-2"
SHORT_LEASE = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 5}\n"
    "sweep: {interval_seconds: 1}\n"
)


def kind_calls(process):
    """The processes below one that are calls of kind's front."""
    names = ((one, pathlib.Path(f"/proc/{one}/comm")) for one in descendants(process))
    return [one for one, name in names if name.exists() and name.read_text().strip() == "kind"]


def running():
    return run("docker", "ps", "-q", "--filter", "label=opslab.run").split()


class Owners(KindTest):
    def hanging(self, coordinator):
        task_id = self.submit(coordinator, mode="hang")
        until(lambda: coordinator.get(f"/tasks/{task_id}/logs")["logs"], "the run")
        return task_id

    def creating(self, coordinator):
        """A task whose cluster's creation stands still."""
        self.pause("create-end")
        task_id = self.submit(coordinator, max_retries=3)
        until(lambda: self.is_paused("create-end"), "the creation")
        return task_id

    def worker(self, coordinator, worker_id, **places):
        """A worker process of the coordinator's configuration: with a guard, unlike one within it."""
        worker = RemoteWorker(
            self.program, self.folder, coordinator.port, worker_id, coordinator.config.read_text()
        )
        for option, value in places.items():
            worker.command[worker.command.index(f"--{option}") + 1] = value
        self.addCleanup(worker.end)
        worker.start()
        worker.wait_for_log("worker enrolled")
        return worker

    def runs_noted(self, worker):
        return [json.loads(one.read_text())["run"] for one in worker.state.rglob("record.json")]

    def serve_alone(self, **settings):
        """With no worker of its own, and short leases."""
        return self.serve(
            2, change=lambda text: SHORT_LEASE + text.replace("count: 1", "count: 0"), **settings
        )

    def test_the_guard_beside_a_frozen_worker_ends_its_run_and_touches_no_cluster(self):
        coordinator = self.serve_alone()
        worker = self.worker(coordinator, ONE)
        self.hanging(coordinator)
        self.creating(coordinator)
        calls, clusters = kind_calls(worker.process.pid), nodes()
        self.assertTrue(calls)
        worker.signal(signal.SIGSTOP)
        until(lambda: not running(), "the end of the run whose lease lapsed")
        self.assertEqual(kind_calls(worker.process.pid), calls)
        self.assertEqual(nodes(), clusters)
        worker.signal(signal.SIGCONT)
        self.go_on("create-end")
        self.completed(coordinator, 2)
        self.assertEqual(nodes()[TWO], clusters[TWO])
        self.assertEqual(len([one for one in self.calls("create-begin") if TWO in one]), 1)
        self.assertEqual(worker.stop(), 0)

    def test_the_guard_of_a_dead_worker_leaves_its_clusters_to_the_successor(self):
        coordinator = self.serve_alone(on_stop="remove")
        os.environ["OPSLAB_TEST"] = self.folder  # only the worker and its guard have it
        self.addCleanup(os.environ.pop, "OPSLAB_TEST")
        worker = self.worker(coordinator, ONE)
        self.hanging(coordinator)
        self.completed(coordinator)
        until(lambda: "" in self.runs_noted(worker), "one cluster to be warm and free")
        before = nodes()
        self.assertEqual(set(before), {ONE, TWO})
        worker.kill()
        until(lambda: not running(), "the end of the run whose lease lapsed")
        until(lambda: not processes_with(f"OPSLAB_TEST={self.folder}"), "the end of the guard")
        self.assertEqual(nodes(), before)
        self.assertEqual(self.calls("delete"), [])
        worker = self.worker(coordinator, ONE)
        self.completed(coordinator)
        self.assertEqual(len(set(nodes().values()) & set(before.values())), 1)
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(nodes(), {})

    def test_workers_of_two_processes_with_one_state_directory_keep_their_own(self):
        coordinator = self.serve(on_stop="remove")
        self.completed(coordinator)
        before = nodes()
        self.pause("create-end")
        self.submit(coordinator, mode="fail", exit_code=9)  # makes it dirty, and so anew
        until(lambda: self.is_paused("create-end"), "the second creation")
        calls = kind_calls(coordinator.process.pid)
        self.assertTrue(calls)
        other = self.worker(
            coordinator, "worker-002-kind", **{"state-dir": f"{self.folder}/one/state"}
        )
        self.assertEqual(kind_calls(coordinator.process.pid), calls)
        self.go_on("create-end")
        ids = [self.submit(coordinator, step_ms=300) for _ in range(6)]
        for task_id in ids:
            self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        self.assertNotEqual(nodes()[ONE], before[ONE])
        self.assertEqual(set(nodes()), {ONE, "worker-002-kind"})
        kept = nodes()[ONE]
        self.assertEqual(other.stop(), 0)
        self.assertEqual(nodes(), {ONE: kept})

    def test_a_second_process_with_the_same_worker_is_told_so_until_the_first_ends(self):
        first = self.serve()
        self.completed(first)
        second = self.serve(name="two", change=lambda text: text.replace("two/state", "one/state"))
        task = second.wait_for_end(self.submit(second))
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("another opslab process", task["failure"]["message"])
        before = nodes()
        self.completed(first)
        self.assertEqual(nodes(), before)
        first.stop()
        self.completed(second)
        self.assertEqual(nodes(), before)

    def test_a_cluster_that_somebody_makes_in_the_middle_of_a_creation_is_left_alone(self):
        coordinator = self.serve()
        self.pause("create-begin")
        task_id = self.submit(coordinator)
        until(lambda: self.is_paused("create-begin"), "the creation")
        foreign = self.make_foreign(ONE)
        self.go_on("create-begin")
        task = coordinator.wait_for_end(task_id)
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("opslab did not make", task["failure"]["message"])
        coordinator.stop()
        coordinator.start()
        task = coordinator.wait_for_end(self.submit(coordinator))
        self.assertIn("opslab did not make", task["failure"]["message"])
        self.assertEqual(nodes(), {ONE: foreign})

    def test_a_cluster_that_somebody_makes_after_a_kill_is_left_alone(self):
        coordinator = self.serve()
        self.pause("create-begin")
        self.submit(coordinator)
        until(lambda: self.is_paused("create-begin"), "the creation")
        self.kill_all()
        self.go_on("create-begin")
        foreign = self.make_foreign(ONE)
        coordinator = self.serve()
        task = coordinator.wait_for_end(self.submit(coordinator))
        self.assertIn("opslab did not make", task["failure"]["message"])
        self.assertEqual(nodes(), {ONE: foreign})

    def test_a_container_that_comes_to_light_after_its_creation_was_given_up_is_no_obstacle(self):
        coordinator = self.serve()
        self.completed(coordinator)
        coordinator.stop()
        (record,) = pathlib.Path(self.folder, "one/state").rglob("record.json")
        mark = (record.parents[1] / "owner").read_text()
        run(self.kind, "delete", "cluster", "--name", ONE, "--kubeconfig", f"{self.folder}/unused")
        run("rm", "-rf", record.parent)
        # as kind asks for it; it never starts
        run("docker", "create", "--name", f"{ONE}-control-plane", "--label",
            f"io.x-k8s.kind.cluster={ONE}", "--label", "io.x-k8s.kind.role=control-plane",
            "--env", f"NO_PROXY={mark}.invalid", self.node)
        coordinator.start()
        self.completed(coordinator)
        self.assertEqual(set(nodes()), {ONE})
        self.assertEqual(json.loads(record.read_text())["nodes"], [nodes()[ONE]])
        self.assertEqual(runs(), [])


if __name__ == "__main__":
    unittest.main()
