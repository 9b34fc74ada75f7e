#!/usr/bin/env python3
"""Containers that outlive their remote worker, or their worker and their coordinator, and those that
a worker begins and stands still. Needs a Docker engine. Usage: remote_docker.py OPSLAB SOURCE_DIR DRIVER"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from coordinator import Coordinator, until
from held_engine import HeldEngine
from remote_worker import RemoteWorker

DRIVER = pathlib.Path(sys.argv.pop(3)).resolve()
SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
STEPS = 12


class WithRemoteWorker(unittest.TestCase):
    TIMES = ""

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
        self.engine = HeldEngine(self.folder.name)
        self.addCleanup(self.engine.end)
        config = {
            "image": self.image,
            "pull": "never",
            "network": "none",
            "scope": self.scope,
            "socket": self.engine.path,
        }
        self.coordinator = Coordinator(PROGRAM, self.folder.name, self.TIMES).start()
        self.worker = RemoteWorker(
            PROGRAM,
            self.folder.name,
            self.coordinator.port,
            "worker-001-docker",
            f"{self.TIMES}server: {{drain_seconds: 1}}\n"
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n",
            ["--max-parallel-tasks", "2"],
        ).start()
        self.addCleanup(self.remove_containers)
        self.addCleanup(self.worker.end)
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

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


class ContainersOfRemoteWorkers(WithRemoteWorker):
    def steps(self, task_id):
        trajectory = self.coordinator.get(f"/tasks/{task_id}/trajectory")
        return [step["step"] for step in trajectory["steps"]]

    def run_some_steps(self):
        task_id = self.coordinator.submit(
            problem_id="simulated-detection",
            agent_config={"simulate": {"steps": STEPS, "step_ms": 400}},
        )
        until(lambda: len(self.steps(task_id)) >= 2, "the first steps")
        return task_id

    def assert_whole(self, task_id):
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual((task["status"], task["attempt"]), ("completed", 1), task)
        self.assertEqual(self.steps(task_id), list(range(1, STEPS + 1)), "none lost, none repeated")
        logs = self.coordinator.get(f"/tasks/{task_id}/logs?limit=1000")["logs"]
        messages = [log["message"] for log in logs]
        self.assertEqual(len(messages), len(set(messages)), messages)
        until(lambda: not self.containers(), "the container to be removed")

    def test_a_killed_worker_picks_its_containers_up_as_the_same_attempt(self):
        task_id = self.run_some_steps()
        for _ in range(3):
            self.worker.kill()
            self.worker.start()
            seen = len(self.steps(task_id))
            until(lambda: len(self.steps(task_id)) > min(seen, STEPS - 1), "more steps")

        self.assert_whole(task_id)

    def test_a_run_that_ended_while_its_worker_was_dead_gives_its_result(self):
        task_id = self.run_some_steps()
        self.worker.kill()

        def exited():
            listed = subprocess.run(
                ["docker", "ps", "-aq", "--filter", f"label=opslab.scope={self.scope}",
                 "--filter", "status=exited"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            return listed.stdout.split()

        until(exited, "the container to end by itself")
        self.worker.start()

        self.assert_whole(task_id)

    def test_both_killed_both_come_back(self):
        task_id = self.run_some_steps()
        self.coordinator.kill()
        self.worker.kill()
        self.worker.start()
        self.worker.wait_for_log("could not enrol")
        self.coordinator.start()

        self.assert_whole(task_id)

    def test_a_worker_that_is_told_to_stop_leaves_its_containers_to_the_next(self):
        task_id = self.run_some_steps()

        self.assertEqual(self.worker.stop(), 0)

        self.assertEqual(len(self.containers()), 1)
        self.worker.start()
        self.assert_whole(task_id)

    def test_a_second_signal_ends_a_worker_at_once(self):
        task_id = self.run_some_steps()
        config = pathlib.Path(self.folder.name, "worker-001-docker.yaml")
        self.worker.kill()
        config.write_text(config.read_text().replace("drain_seconds: 1", "drain_seconds: 3600"))
        self.worker.start()
        self.worker.wait_for_log("picking up the run")
        self.worker.signal(signal.SIGTERM)
        self.worker.wait_for_log("stopping")

        self.worker.signal(signal.SIGTERM)

        self.assertEqual(self.worker.process.wait(60), -signal.SIGTERM)
        self.worker.start()
        self.assert_whole(task_id)


class WorkersThatStandStill(WithRemoteWorker):
    """A worker is frozen in the middle of a start until its lease ran out and the guard has looked:
    what it goes on to do when it is thawed starts nothing."""

    TIMES = "heartbeat: {interval_seconds: 1, timeout_seconds: 4}\nsweep: {interval_seconds: 1}\n"

    def freeze_in(self, call):
        self.engine.hold(call)
        task_id = self.coordinator.submit(problem_id="simulated-detection", max_retries=0)
        self.assertTrue(self.engine.holds.wait(60), "the call to come")
        self.worker.signal(signal.SIGSTOP)
        return task_id

    def thaw(self, task_id):
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual(task["failure"]["kind"], "worker_lost", task)
        self.engine.release()
        self.worker.signal(signal.SIGCONT)
        until(lambda: not self.containers(), "what was half made to be removed")
        # the worker works on, and by then it is done with the lost run
        other = self.coordinator.submit(problem_id="simulated-detection")
        self.assertEqual(self.coordinator.wait_for_end(other)["status"], "completed")
        self.assertEqual(self.started(), [other])

    def started(self):
        """The tasks whose containers were started, as the engine tells it."""
        told = subprocess.run(
            ["docker", "events", "--since", "10m", "--until", f"{time.time():.9f}",
             "--format", "{{json .Actor.Attributes}}", "--filter", "event=start",
             "--filter", f"label=opslab.scope={self.scope}"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return [json.loads(line)["opslab.task"] for line in told.stdout.splitlines()]

    def test_what_it_had_made_is_gone_before_it_is_started(self):
        task_id = self.freeze_in("/archive?")
        until(lambda: not self.containers(), "the guard to remove what was made")
        self.thaw(task_id)

    def test_what_it_makes_too_late_is_not_started(self):
        self.thaw(self.freeze_in("/containers/create?"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
