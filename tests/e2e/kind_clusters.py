#!/usr/bin/env python3
"""Clusters of the kind runner, made by the real kind command on a real Docker engine: their number,
names, reuse and what they are given. Usage: kind_clusters.py OPSLAB SOURCE_DIR DRIVER KIND"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from cheating import KEY, SETTINGS, cheat
from coordinator import until
from docker_engine import run
from kind_world import KindTest, nodes
from python_image import make_image

KindTest.kind = pathlib.Path(sys.argv.pop(4)).resolve()
KindTest.driver = pathlib.Path(sys.argv.pop(3)).resolve()
KindTest.sources = pathlib.Path(sys.argv.pop(2)).resolve()
KindTest.program = pathlib.Path(sys.argv.pop(1)).resolve()
ONE = "worker-001-kind"


class Clusters(KindTest):
    def test_nine_tasks_on_three_slots_take_three_creations_two_at_a_time_at_most(self):
        coordinator = self.serve(3)
        ids = [self.submit(coordinator, step_ms=300) for _ in range(9)]
        self.assertEqual([coordinator.wait_for_end(one)["status"] for one in ids], ["completed"] * 9)
        self.assertEqual(len(self.calls("create-begin")), 3)  # and so six tasks had a used one
        self.assertEqual(self.most_at_once("create"), 2)
        self.assertEqual(set(nodes()), {ONE, f"{ONE}-2", f"{ONE}-3"})

    def test_two_creations_at_once_is_the_bound_of_all_coordinators_of_the_machine(self):
        both = [self.serve(2, name, name_prefix=f"{name}-", scope=name) for name in ("a", "b")]
        ids = [(one, self.submit(one, step_ms=300)) for one in both for _ in range(4)]
        for coordinator, task_id in ids:
            self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        self.assertEqual(set(nodes()), {f"{p}-{ONE}{n}" for p in "ab" for n in ("", "-2")})
        self.assertEqual(self.most_at_once("create"), 2)

    def test_clean_cluster_is_used_again_up_to_max_reuses(self):
        a, b, c, d = self.clusters_of_four_tasks(max_reuses=1)
        self.assertEqual((a, c), (b, d))
        self.assertNotEqual(a, c)

    def test_reuse_never_gives_each_task_a_cluster_of_its_own(self):
        self.assertEqual(len(set(self.clusters_of_four_tasks(reuse="never"))), 4)

    def clusters_of_four_tasks(self, **settings):
        """The node that each had, of tasks one after the other that all end clean."""
        coordinator = self.serve(**settings)
        seen = []
        for _ in range(4):
            task_id = self.submit(coordinator, step_ms=400)
            until(lambda: coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "a step")
            seen.append(nodes()[ONE])
            self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        return seen

    def test_dirty_cluster_is_made_anew(self):
        coordinator = self.serve()
        self.completed(coordinator, mode="fail", exit_code=9)
        self.completed(coordinator)
        self.assertEqual(len(self.calls("create-begin")), 2)
        self.assertEqual(set(nodes()), {ONE})

    def with_data(self, coordinator, bound=""):
        """Plays a task that leaves data on its node, in use still or not; the node."""
        task_id = self.submit(coordinator, step_ms=400)
        until(lambda: coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "a step")
        node = nodes()[ONE]
        run("docker", "exec", node, "sh", "-c",
            "mkdir -p /data/volumes/geo-pv /data/other && echo x > /data/volumes/geo-pv/mongod && "
            "echo x > /data/other/kept")
        run("docker", "exec", node, "sh", "-c", f"echo '{bound}' > /bound")
        self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        self.completed(coordinator)
        return node

    def test_data_that_a_run_leaves_on_the_nodes_is_gone_before_the_next_one(self):
        coordinator = self.serve()
        node = self.with_data(coordinator)
        self.assertEqual(nodes(), {ONE: node})
        self.assertEqual(run("docker", "exec", node, "ls", "/data").split(), ["other"])

    def test_a_cluster_whose_data_is_in_use_still_is_made_anew(self):
        coordinator = self.serve()
        node = self.with_data(coordinator, bound="/data/volumes/geo-pv")
        self.assertNotEqual(nodes()[ONE], node)

    def test_data_stays_where_a_folder_of_the_machine_is_mounted(self):
        mounted = pathlib.Path(self.folder, "mounted", "volumes")
        mounted.mkdir(parents=True)
        config = pathlib.Path(self.folder, "kind.yaml")
        config.write_text(
            "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n"
            f"  extraMounts: [{{hostPath: {mounted.parent}, containerPath: /data}}]\n"
        )
        node = self.with_data(self.serve(kind_config=str(config)))
        self.assertEqual(nodes(), {ONE: node})
        self.assertTrue((mounted / "geo-pv/mongod").exists())

    def test_sick_cluster_is_made_anew(self):
        coordinator = self.serve()
        self.completed(coordinator)
        before = nodes()
        coordinator.stop()
        run("docker", "exec", before[ONE], "sh", "-c", "echo > /sick")
        coordinator.start()
        self.completed(coordinator)
        self.assertNotEqual(nodes(), before)

    def test_images_are_loaded_into_each_new_cluster(self):
        coordinator = self.serve(preload_images=[self.image, self.node])
        self.completed(coordinator)
        loaded = run("docker", "exec", nodes()[ONE], "cat", "/loaded").split()
        self.assertEqual(len(loaded), 2)
        self.assertGreater(min(map(int, loaded)), 100_000)  # bytes of an archive

    def test_an_image_that_cannot_be_loaded_is_an_infrastructure_failure_and_leaves_no_cluster(self):
        coordinator = self.serve(preload_images=["no/such:image"])
        task = coordinator.wait_for_end(self.submit(coordinator))
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("no/such:image", task["failure"]["message"])
        until(lambda: not nodes(), "the removal of the cluster")

    def test_a_creation_that_fails_within_kind_leaves_nothing_and_says_why(self):
        broken = pathlib.Path(self.folder, "kubeadm")
        broken.write_text("#!/bin/sh\necho no room for etcd >&2\nexit 1\n")
        broken.chmod(0o755)
        config = pathlib.Path(self.folder, "kind.yaml")
        config.write_text(
            "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n"
            f"  extraMounts: [{{hostPath: {broken}, containerPath: /bin/kubeadm}}]\n"
        )
        coordinator = self.serve(kind_config=str(config))
        task = coordinator.wait_for_end(self.submit(coordinator))
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("no room for etcd", task["failure"]["message"])
        until(lambda: not nodes(), "the removal of the cluster")
        coordinator.stop()
        self.assertEqual(list(pathlib.Path(self.folder, "one/state").rglob("record.json")), [])

    def test_cancel_during_a_creation_does_not_waste_it(self):
        coordinator = self.serve()
        self.pause("create-end")
        task_id = self.submit(coordinator)
        until(lambda: self.is_paused("create-end"), "the creation")
        status, _, task = coordinator.call("DELETE", f"/tasks/{task_id}")
        self.assertEqual((status, task["status"]), (200, "cancelled"))
        self.go_on("create-end")
        self.completed(coordinator)
        self.assertEqual(len(self.calls("create-begin")), 1)

    def test_stop_during_a_creation_leaves_no_cluster(self):
        coordinator = self.serve()
        self.pause("create-end")
        self.submit(coordinator)
        until(lambda: self.is_paused("create-end"), "the creation")
        self.assertEqual(len(nodes()), 1)
        self.assertEqual(coordinator.stop(), 0)
        self.assertEqual(nodes(), {})

    def test_on_stop_remove_leaves_the_clusters_of_runs_and_foreign_ones_alone(self):
        foreign = self.make_foreign("foreign")
        coordinator = self.serve(2, on_stop="remove")
        task_id = self.submit(coordinator, mode="hang")
        until(lambda: coordinator.get(f"/tasks/{task_id}/logs")["logs"], "the run")
        (busy,) = set(nodes()) - {"foreign"}
        self.completed(coordinator)
        kept = {"foreign": foreign, busy: nodes()[busy]}
        self.assertEqual(len(nodes()), 3)
        self.assertEqual(coordinator.stop(), 0)
        self.assertEqual(nodes(), kept)

    def test_creations_pause_after_failures_in_a_row_and_tasks_say_why(self):
        coordinator = self.serve(
            breaker_failures=2, breaker_seconds=3600, preload_images=["no/such:image"]
        )
        told = [coordinator.wait_for_end(self.submit(coordinator))["failure"]["message"]
                for _ in range(5)]
        self.assertIn("creations in a row failed", told[2])
        self.assertIn("no/such:image", told[2])
        # the worker's own circuit, which spares the tasks that wait
        waiting = [self.submit(coordinator) for _ in range(5)][-1]
        explain = f"/tasks/{waiting}/explain"
        until(lambda: coordinator.get(explain)["reason"] == "circuits_open", "an open circuit")
        (worker,) = coordinator.get(explain)["waiting"]["workers"]
        self.assertIn("creations in a row failed", worker["message"])
        self.assertEqual(len(self.calls("create-begin")), 2)

    def test_the_doctor_shows_what_the_runner_says_of_this_machine(self):
        coordinator = self.serve(min_free_memory_mb=16_000_000, image="no/such:driver")
        told = subprocess.run(
            [self.program, "doctor", "--config", coordinator.config, "--json"],
            capture_output=True, text=True,
        )
        ours = [one for one in json.loads(told.stdout)["checks"] if one["name"] == "runner kind"]
        self.assertEqual(ours[0]["result"], "ok", ours)
        for word in ("kind v", "Docker", "MiB of memory available", "room for about",
                     "MiB free on the disk", "inotify"):
            self.assertIn(word, ours[0]["found"])
        self.assertEqual({one["result"] for one in ours[1:]}, {"warning"})
        warnings = " ".join(one["found"] for one in ours[1:])
        self.assertIn("min_free_memory_mb is 16000000; use fewer slots or more memory", warnings)
        self.assertIn('image "no/such:driver" is not on the engine', warnings)

    def test_an_agent_that_cheats_in_every_way_gains_nothing(self):
        image = make_image("opslab/python:test", {"opt/driver": self.sources / "drivers/aiopslab"})
        os.environ["OPENAI_API_KEY"] = KEY
        self.addCleanup(os.environ.pop, "OPENAI_API_KEY")
        # with the default init, which keeps the driver's variables as the first process
        cheat(self, self.serve(image=image, **SETTINGS | {"init": True}))

    def test_foreign_cluster_of_the_same_name_is_left_alone(self):
        before = self.make_foreign(ONE)
        coordinator = self.serve()
        task = coordinator.wait_for_end(self.submit(coordinator))
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("opslab did not make", task["failure"]["message"])
        self.assertEqual(nodes(), {ONE: before})


if __name__ == "__main__":
    unittest.main()
