#!/usr/bin/env python3
"""The kind runner with the real kind command and a real Docker engine; the nodes are fakes with no
Kubernetes in them. Usage: kind_clusters.py OPSLAB SOURCE_DIR DRIVER KIND"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

KIND = pathlib.Path(sys.argv.pop(4)).resolve()
DRIVER = pathlib.Path(sys.argv.pop(3)).resolve()
SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
PREFIX = f"t{os.getpid()}-"


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def nodes():
    """The ids of the control planes of this test's clusters, by cluster."""
    listed = run(
        "docker", "ps", "-a", "--filter", "label=io.x-k8s.kind.cluster", "--no-trunc",
        "--format", "{{.ID}} {{.Names}}",
    )
    found = dict(reversed(line.split()) for line in listed.splitlines())
    end = "-control-plane"
    return {name[: -len(end)]: node for name, node in found.items() if name.startswith(PREFIX)}


class TasksBesideClusters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.image = run(SOURCES / "scripts/simulated-image", DRIVER).split()[-1]
        cls.node = run(SOURCES / "scripts/fake-kind-node", "opslab/fake-kind-node:test").split()[-1]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.remove_clusters)

    def serve(self, slots, **settings):
        config = {
            "image": self.image, "pull": "never", "node_image": self.node,
            "node_image_pull": "never", "worker_nodes": 0, "kind": str(KIND), "scope": PREFIX,
            "name_prefix": PREFIX, "min_free_memory_mb": 0, "min_free_disk_mb": 0,
        } | settings
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder.name,
            f"runners: [{{name: kind, plugin: kind, config: {json.dumps(config)}}}]\n"
            f"workers: [{{runner: kind, count: 1, max_parallel_tasks: {slots}}}]\n",
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def remove_clusters(self):
        for container in run(
            "docker", "ps", "-aq", "--filter", f"label=opslab.scope={PREFIX}"
        ).split():
            subprocess.run(["docker", "rm", "-fv", container], capture_output=True)
        for cluster in nodes():
            subprocess.run(
                [KIND, "delete", "cluster", "--name", cluster,
                 "--kubeconfig", f"{self.folder.name}/unused"],
                capture_output=True,
            )

    def submit(self, **simulate):
        return self.coordinator.submit(
            problem_id="simulated-mitigation", agent_config={"simulate": simulate}
        )

    def ended(self, ids):
        return [self.coordinator.wait_for_end(task_id)["status"] for task_id in ids]

    def test_nine_tasks_on_three_slots_take_three_creations_two_at_a_time_at_most(self):
        self.serve(3)
        ids = [self.submit(step_ms=300) for _ in range(9)]
        most = 0

        def three_made():
            nonlocal most
            shown = run("ps", "-eo", "args").splitlines()
            most = max(most, sum(
                line.startswith(f"{KIND} create cluster --name {PREFIX}") for line in shown
            ))
            return self.creations() == 3

        until(three_made, "three clusters")
        self.assertEqual(self.ended(ids), ["completed"] * 9)
        self.assertEqual(self.creations(), 3)  # and so six tasks had a used one
        self.assertEqual(most, 2)
        self.assertEqual(
            set(nodes()), {PREFIX + name for name in
                           ("worker-001-kind", "worker-001-kind-2", "worker-001-kind-3")}
        )

    def creations(self):
        return pathlib.Path(self.folder.name, "serve.log").read_text().count("is ready: created in")

    def test_clean_cluster_is_used_again(self):
        self.serve(1)
        self.assertEqual(self.ended([self.submit()]), ["completed"])
        before = nodes()
        self.assertEqual(self.ended([self.submit(), self.submit()]), ["completed"] * 2)
        self.assertEqual(nodes(), before)

    def test_dirty_cluster_is_made_anew(self):
        self.serve(1)
        self.assertEqual(self.ended([self.submit(mode="fail", exit_code=9)]), ["completed"])
        before = nodes()
        self.assertEqual(self.ended([self.submit()]), ["completed"])
        self.assertEqual(nodes().keys(), before.keys())
        self.assertNotEqual(nodes(), before)

    def test_sick_cluster_is_made_anew(self):
        self.serve(1)
        self.assertEqual(self.ended([self.submit()]), ["completed"])
        before = nodes()
        self.coordinator.stop()
        run("docker", "exec", next(iter(before.values())), "sh", "-c", "echo > /sick")
        self.coordinator.start()
        self.assertEqual(self.ended([self.submit()]), ["completed"])
        self.assertNotEqual(nodes(), before)

    def test_start_after_a_kill_in_a_creation_removes_what_is_half_made_and_nothing_else(self):
        foreign = PREFIX + "foreign"
        plan = pathlib.Path(self.folder.name, "plan.yaml")
        plan.write_text('{"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}')
        run(KIND, "create", "cluster", "--name", foreign, "--image", self.node, "-q",
            "--config", plan, "--kubeconfig", f"{self.folder.name}/foreign")
        before = nodes()
        self.serve(1)
        task_id = self.coordinator.submit(problem_id="simulated-mitigation", max_retries=3)
        until(lambda: len(nodes()) == 2, "the begin of a creation")
        half_made = nodes()[PREFIX + "worker-001-kind"]
        self.coordinator.kill()
        self.coordinator.start()
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual(task["status"], "completed", task)
        after = nodes()
        self.assertEqual(set(after), {foreign, PREFIX + "worker-001-kind"})
        self.assertEqual(after[foreign], before[foreign])
        self.assertNotEqual(after[PREFIX + "worker-001-kind"], half_made)

    def test_foreign_cluster_of_the_same_name_is_left_alone(self):
        name = PREFIX + "worker-001-kind"
        run(KIND, "create", "cluster", "--name", name, "--image", self.node, "-q",
            "--kubeconfig", f"{self.folder.name}/foreign")
        before = nodes()
        self.serve(1)
        task_id = self.coordinator.submit(problem_id="simulated-mitigation", max_retries=0)
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("opslab did not make", task["failure"]["message"])
        self.assertEqual(nodes(), before)


if __name__ == "__main__":
    unittest.main()
