#!/usr/bin/env python3
"""Tasks in real containers, and containers that outlive their coordinator. Needs a Docker engine.
Usage: docker_recovery.py OPSLAB SOURCE_DIR DRIVER"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

DRIVER = pathlib.Path(sys.argv.pop(3)).resolve()
SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


class TasksInContainers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # its last line is the image's name
        made = subprocess.run(
            [SOURCES / "scripts/simulated-image", DRIVER], check=True, capture_output=True, text=True
        )
        cls.image = made.stdout.split()[-1]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.scope = pathlib.Path(self.folder.name).name
        self.config = {"image": self.image, "pull": "never", "network": "none", "scope": self.scope}
        self.addCleanup(self.remove_containers)
        self.start(self.config)

    def start(self, config):
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder.name,
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
            "workers: [{runner: docker, count: 1, max_parallel_tasks: 4}]\n",
        ).start()
        self.addCleanup(self.coordinator.kill)

    def containers(self):
        listed = subprocess.run(
            ["docker", "ps", "-aq", "--filter", f"label=opslab.scope={self.scope}"],
            check=True,
            capture_output=True,
            text=True,
        )
        return listed.stdout.split()

    def remove_containers(self):
        for container in self.containers():
            subprocess.run(["docker", "rm", "-fv", container], capture_output=True)

    def test_tasks_complete_and_leave_no_container(self):
        ids = [self.coordinator.submit(problem_id="simulated-mitigation") for _ in range(4)]

        tasks = [self.coordinator.wait_for_end(task_id) for task_id in ids]

        self.assertEqual({task["status"] for task in tasks}, {"completed"})
        until(lambda: not self.containers(), "the containers to be removed")

    def test_a_run_outlives_its_coordinator_and_is_finished_by_the_next_as_the_same_attempt(self):
        task_id = self.coordinator.submit(
            problem_id="simulated-detection",
            agent_config={"simulate": {"steps": 8, "step_ms": 700}},
        )
        trajectory = f"/tasks/{task_id}/trajectory"
        until(lambda: len(self.coordinator.get(trajectory)["steps"]) >= 2, "the first steps")

        self.coordinator.kill()
        self.coordinator.start()
        task = self.coordinator.wait_for_end(task_id)

        self.assertEqual((task["status"], task["attempt"]), ("completed", 1))
        steps = [step["step"] for step in self.coordinator.get(trajectory)["steps"]]
        self.assertEqual(steps, list(range(1, 9)), "no step lost, none repeated")
        until(lambda: not self.containers(), "the container to be removed")

    def test_cancelling_stops_the_container(self):
        task_id = self.coordinator.submit(
            problem_id="p", agent_config={"simulate": {"mode": "hang"}}
        )
        until(lambda: self.coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "a step")

        status, _, task = self.coordinator.call("DELETE", f"/tasks/{task_id}")

        self.assertEqual((status, task["status"]), (200, "cancelled"))
        until(lambda: not self.containers(), "the container to be removed")

    def test_a_program_that_is_not_in_the_image_is_an_infrastructure_failure(self):
        self.coordinator.stop()
        self.start({**self.config, "entrypoint": ["/nonexistent"]})
        task_id = self.coordinator.submit(problem_id="simulated-detection")

        task = self.coordinator.wait_for_end(task_id)

        self.assertEqual(task["failure"]["kind"], "infrastructure", task)
        self.assertIn("could not be run", task["failure"]["message"])

    def test_a_missing_image_is_an_infrastructure_failure_that_names_it(self):
        self.coordinator.stop()
        text = self.coordinator.config.read_text().replace(self.image, "opslab/no-such-image:1")
        self.coordinator.config.write_text(text)
        self.coordinator.start()
        task = self.coordinator.wait_for_end(self.coordinator.submit(problem_id="p"))

        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("opslab/no-such-image:1", task["error_details"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
