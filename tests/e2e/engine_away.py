#!/usr/bin/env python3
"""Runs whose Docker engine is killed or shut down under them, and started again, or ends them for somebody
else. The engine is real.
Usage: engine_away.py OPSLAB SOURCE_DIR DRIVER"""

import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from coordinator import Coordinator, until
from docker_engine import Engine, remove_containers, run

DRIVER = pathlib.Path(sys.argv.pop(3)).resolve()
SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()

STEPS = 4


class EngineAway(unittest.TestCase):
    """What an engine loses or ends is no failure of the task: it is tried again."""

    def setUp(self):
        self.engine = Engine(SOURCES)
        # a disk of its own, that can be filled
        run("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", self.engine.folder)
        self.addCleanup(os.rmdir, self.engine.folder)
        self.addCleanup(run, "umount", "-l", self.engine.folder)
        self.addCleanup(self.engine.stop)
        self.engine.start()
        self.image = run(SOURCES / "scripts/simulated-image", DRIVER).split()[-1]
        self.folder = tempfile.mkdtemp(prefix="oka")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(remove_containers)
        self.serve()

    def serve(self, **settings):
        config = {"image": self.image, "pull": "never", "network": "none"} | settings
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder,
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
            "tasks: {retry_base_seconds: 1, retry_max_seconds: 1}\n"
            "workers: [{runner: docker, count: 1, max_parallel_tasks: 4}]\n",
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def running(self, **script):
        """A task that has taken its first step, and the process of its container."""
        task_id = self.coordinator.submit(
            problem_id="simulated-detection", max_retries=3,
            agent_config={"simulate": {"steps": STEPS, "step_ms": 500, **script}},
        )  # fmt: skip
        until(lambda: self.steps(task_id), "the first step")
        container = run("docker", "ps", "-q", "--filter", f"label=opslab.task={task_id}").strip()
        return task_id, int(run("docker", "inspect", "-f", "{{.State.Pid}}", container))

    def steps(self, task_id):
        return [row["step"] for row in self.coordinator.get(f"/tasks/{task_id}/trajectory")["steps"]]

    def assert_completed(self, task_id):
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual(task["status"], "completed", task["error_details"])
        self.assertEqual(self.steps(task_id), list(range(1, STEPS + 1)))
        kinds = {attempt["failure"]["kind"] for attempt in task["attempts"][:-1]}
        self.assertLessEqual(kinds, {"infrastructure"})
        return task

    def test_a_driver_that_ends_while_the_engine_is_dead_is_not_blamed_for_what_the_engine_lost(self):
        runs = [self.running() for _ in range(4)]

        self.engine.kill()
        for _, process in runs:
            until(lambda process=process: not os.path.exists(f"/proc/{process}"), "the driver's end")
        self.engine.start()

        for task_id, _ in runs:
            self.assert_completed(task_id)

    def assert_tried_again_where(self, the_engine_ends):
        task_id, _ = self.running(step_ms=3000)

        the_engine_ends()
        self.engine.start()

        self.assertEqual(self.assert_completed(task_id)["attempt"], 2)

    def test_a_driver_that_a_starting_engine_ends_is_tried_again(self):
        self.assert_tried_again_where(self.engine.kill)

    def test_a_driver_that_an_engine_ends_as_it_is_shut_down_is_tried_again(self):
        self.assert_tried_again_where(self.engine.shut_down)

    def test_a_run_that_lives_on_without_its_engine_is_ended_before_it_is_tried_again(self):
        self.coordinator.stop()
        self.serve(engine_away_seconds=1)
        task_id, process = self.running(step_ms=60000)

        self.engine.kill()
        log = pathlib.Path(self.folder, "serve.log")
        until(lambda: "a run may be alive; trying to end it" in log.read_text(), "the patience's end")

        self.assertTrue(os.path.exists(f"/proc/{process}"))
        task = self.coordinator.task(task_id)
        self.assertEqual((task["status"], task["attempt"]), ("running", 1))
        self.engine.start()
        until(lambda: self.coordinator.task(task_id)["attempt"] == 2, "the second attempt")
        first = self.coordinator.task(task_id)["attempts"][0]["failure"]
        self.assertEqual(first["kind"], "infrastructure")
        self.assertFalse(os.path.exists(f"/proc/{process}"))

    def test_a_driver_that_somebody_stops_kills_or_removes_by_the_engine_is_tried_again(self):
        for words in (("stop",), ("kill",), ("rm", "-f")):
            task_id, _ = self.running(step_ms=2000)
            container = run("docker", "ps", "-q", "--filter", f"label=opslab.task={task_id}").strip()

            run("docker", *words, container)

            task = self.assert_completed(task_id)
            self.assertEqual(task["attempt"], 2, words)
            self.assertEqual(task["attempts"][0]["failure"]["kind"], "infrastructure", words)

    def test_a_run_whose_last_words_found_no_room_on_the_engines_disk_is_tried_again(self):
        task_id, _ = self.running(steps=30, step_ms=150)
        filling = pathlib.Path(self.engine.folder, "filling")
        with filling.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

        first = until(
            lambda: self.coordinator.task(task_id)["attempts"][0]["failure"], "the first attempt's end"
        )
        filling.unlink()

        self.assertEqual(first["kind"], "infrastructure", first)
        self.assertEqual(self.coordinator.wait_for_end(task_id)["status"], "completed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
