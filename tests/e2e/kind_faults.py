#!/usr/bin/env python3
"""The kind runner under faults: kill -9 at each point of a cluster's life and a restart of the engine,
with a cluster beside that opslab did not make. Usage: kind_faults.py OPSLAB SOURCE_DIR DRIVER KIND"""

import os
import pathlib
import signal
import sys
import unittest

from coordinator import until
from docker_engine import run
from kind_world import KindTest, nodes, runs

KindTest.kind = pathlib.Path(sys.argv.pop(4)).resolve()
KindTest.driver = pathlib.Path(sys.argv.pop(3)).resolve()
KindTest.sources = pathlib.Path(sys.argv.pop(2)).resolve()
KindTest.program = pathlib.Path(sys.argv.pop(1)).resolve()
ONE = "worker-001-kind"


class Faults(KindTest):
    def setUp(self):
        super().setUp()
        self.foreign = self.make_foreign("foreign")

    def end_well(self, **settings):
        """A new start has what it wants and nothing more, and the foreign one is as it was."""
        coordinator = self.serve(**settings)
        self.completed(coordinator)
        until(lambda: not runs(), "no run's container to be left")
        left = nodes()
        self.assertEqual(set(left), {ONE, "foreign"})
        self.assertEqual(left["foreign"], self.foreign)
        coordinator.stop()

    def killed_at(self, point, spared=(), **settings):
        with self.subTest(point=point, spared=spared):
            coordinator = self.serve(**settings)
            self.pause(point)
            self.submit(coordinator, max_retries=5)
            until(lambda: self.is_paused(point), point)
            self.kill_all(spared)
            self.go_on(point)
            self.end_well(**settings)
            self.drop()

    def test_kill_of_everything_with_three_slots_leaves_what_a_new_start_wants(self):
        slots = {ONE, f"{ONE}-2", f"{ONE}-3"}
        coordinator = self.serve(3)
        ids = [self.submit(coordinator, step_ms=300) for _ in range(9)]
        for task_id in ids:
            self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        self.assertEqual(len(self.calls("create-begin")), 3)
        used = nodes()
        # one slot waits, one has a run, and one is dirty and at its removal
        running = self.submit(coordinator, mode="hang", max_retries=1)
        until(lambda: coordinator.task(running)["phases"]["setup"] is not None or
              coordinator.get(f"/tasks/{running}/logs")["logs"], "the run")
        self.pause("delete-begin")
        self.submit(coordinator, mode="fail", exit_code=9)
        until(lambda: self.is_paused("delete-begin"), "the removal of a dirty cluster")
        self.kill_all()
        run("docker", "kill", *runs())
        self.go_on("delete-begin")

        coordinator = self.serve(3)
        again = [self.submit(coordinator, step_ms=300) for _ in range(3)]
        for task_id in again:
            self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        until(lambda: set(nodes()) == slots | {"foreign"}, "the clusters that it wants, and no other")
        self.assertEqual(nodes()["foreign"], self.foreign)
        self.assertTrue(set(used.values()) & set(nodes().values()) - {self.foreign}, "one is kept")
        self.assertLessEqual(self.most_at_once("create"), 2)

    def drop(self):
        """All but the foreign cluster is as at the beginning."""
        self.kill_all()
        for cluster in set(nodes()) - {"foreign"}:
            run(self.kind, "delete", "cluster", "--name", cluster, "--kubeconfig",
                f"{self.folder}/unused")
        for one in pathlib.Path(self.folder, "one").iterdir():
            if one.name == "opslab.db" or one.name.startswith("opslab.db-"):
                one.unlink()
        run("rm", "-rf", f"{self.folder}/one/state")

    def test_kill_at_each_point_of_a_creation(self):
        self.killed_at("create-begin")
        self.killed_at("create-end")
        self.killed_at("exec-begin")  # the API is asked whether it is ready
        self.killed_at("get-end")  # the kubeconfig for runs
        self.killed_at("load-begin", preload_images=[self.image])

    def test_kill_that_spares_the_tools(self):
        # they go on for a moment as orphans, and must not beside a successor
        self.killed_at("create-begin", spared=("kind", "sh", "sleep"))
        self.killed_at("create-end", spared=("kind", "sh", "sleep"))

    def test_kill_in_a_run_and_of_its_driver(self):
        coordinator = self.serve()
        task_id = self.submit(coordinator, max_retries=1, mode="hang")
        until(lambda: coordinator.task(task_id)["phases"]["setup"] is not None or
              coordinator.get(f"/tasks/{task_id}/logs")["logs"], "the run")
        before = nodes()[ONE]
        self.kill_all()
        run("docker", "kill", *runs())
        coordinator = self.serve()
        until(lambda: nodes().get(ONE) not in (None, before), "the dirty cluster to be made anew")
        self.assertEqual(nodes()["foreign"], self.foreign)

    def test_a_run_that_outlives_its_coordinator_keeps_its_cluster(self):
        coordinator = self.serve()
        task_id = self.submit(coordinator, step_ms=1500)
        until(lambda: coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "a step")
        before, driver = nodes(), runs()
        self.kill_all()
        coordinator = self.serve()
        self.assertEqual(runs(), driver)
        task = coordinator.wait_for_end(task_id)
        self.assertEqual((task["status"], task["attempt"]), ("completed", 1), task)
        self.completed(coordinator)
        self.assertEqual(nodes(), before)  # it ended clean

    def test_a_run_whose_node_did_not_live_throughout_is_tried_again(self):
        def die(node):  # by itself: kind's restart policy starts it again
            os.kill(int(run("docker", "inspect", "-f", "{{.State.Pid}}", node)), signal.SIGKILL)

        def is_back(node):
            words = run("docker", "inspect", "-f", "{{.State.Running}} {{.RestartCount}}", node)
            return words.split() == ["true", "1"]

        ways = {
            "stopped": lambda node: run("docker", "kill", node),
            "restarted": lambda node: (die(node), until(lambda: is_back(node), "the node's return")),
            "removed": lambda node: run("docker", "rm", "-f", node),
        }
        coordinator = self.serve(change=lambda text: text + "tasks: {retry_base_seconds: 1}\n")
        for way, harm in ways.items():
            with self.subTest(way=way):
                task_id = self.submit(coordinator, max_retries=1, steps=3, step_ms=700)
                until(lambda: coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "a step")
                broken, driver = nodes()[ONE], runs()
                run("docker", "pause", *driver)  # so that it is still in its run, however long it takes
                harm(broken)
                run("docker", "unpause", *driver)
                task = coordinator.wait_for_end(task_id)
                self.assertEqual((task["status"], task["attempt"]), ("completed", 2), task)
                failure = task["attempts"][0]["failure"]
                self.assertEqual(failure["kind"], "infrastructure", failure)
                named = broken[:12] if way == "removed" else f"{ONE}-control-plane"
                self.assertIn(f'node "{named}" of the run\'s cluster', failure["message"])
                self.assertNotEqual(nodes()[ONE], broken)

    def test_kill_in_the_removal_of_a_dirty_cluster(self):
        for point in ("delete-begin", "delete-end"):
            with self.subTest(point=point):
                coordinator = self.serve()
                self.pause(point)
                self.completed(coordinator, mode="fail", exit_code=9)
                until(lambda: self.is_paused(point), point)
                self.kill_all()
                self.go_on(point)
                self.end_well()
                self.drop()

    def test_engine_that_is_killed_and_comes_back(self):
        coordinator = self.serve(engine_away_seconds=1)
        self.completed(coordinator)
        self.engine.kill()
        lost = self.submit(coordinator, max_retries=10)
        self.engine.start()
        # the foreign one's node is as the engine left it; what opslab wants is there
        run("docker", "start", self.foreign)
        task = coordinator.wait_for_end(lost)
        self.assertEqual(task["status"], "completed", task)
        left = nodes()
        self.assertEqual(set(left), {ONE, "foreign"})
        self.assertEqual(left["foreign"], self.foreign)

    def test_locks_of_a_killed_kind_are_no_obstacle(self):
        coordinator = self.serve()
        self.completed(coordinator)
        coordinator.kill()
        for record in pathlib.Path(self.folder, "one/state").rglob("record.json"):
            record.with_name("kubeconfig.lock").touch()
        run("docker", "exec", nodes()[ONE], "sh", "-c", "echo > /sick")
        self.end_well()


if __name__ == "__main__":
    unittest.main()
