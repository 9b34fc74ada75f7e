#!/usr/bin/env python3
"""The AIOpsLab driver under a real coordinator and the real process runner, with the stand-in for
AIOpsLab. Usage: aiopslab_driver.py OPSLAB SOURCE_DIR"""

import json
import os
import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
DRIVER = SOURCES / "drivers/aiopslab"
KEY = "sk-the-operators-own-key"


def scripted(*actions):
    return {"agent": "scripted", "actions": list(actions)}


def shell(command):
    return f"exec_shell({command!r})"


class AIOpsLabDriver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.journal = self.folder / "journal"
        self.journal.touch()
        (self.folder / "kubeconfig").write_text(
            json.dumps(
                {
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )

    def serve(self, program=PROGRAM, **plan):
        config = {
            "command": [sys.executable, "-m", "opslab_aiopslab_driver"],
            "environment": ["OPENAI_API_KEY"],
            "variables": {
                "PYTHONPATH": f"{DRIVER}:{DRIVER}/tests/standin",
                "KUBECONFIG": str(self.folder / "kubeconfig"),
                "STANDIN": json.dumps({"journal": str(self.journal), **plan}),
            },
        }
        os.environ["OPENAI_API_KEY"] = KEY
        coordinator = Coordinator(
            program,
            self.folder,
            f"runners: [{{name: process, plugin: process, config: {json.dumps(config)}}}]\n"
            "workers: [{runner: process, count: 1, max_parallel_tasks: 2}]\n",
        ).start()
        self.addCleanup(lambda: coordinator.process.poll() is None and coordinator.stop())
        return coordinator

    def everything_stored(self, coordinator, task_id):
        logs = coordinator.get(f"/tasks/{task_id}/logs?limit=1000")
        steps = coordinator.get(f"/tasks/{task_id}/trajectory")
        return json.dumps([logs, steps, coordinator.task(task_id)])

    def test_a_problem_is_played_judged_and_told_in_phases(self):
        coordinator = self.serve()
        task_id = coordinator.submit(
            problem_id="standin-localization-1",
            agent_config=scripted(shell("echo looked"), 'submit(["geo"])'),
        )
        task = coordinator.wait_for_end(task_id)

        self.assertEqual(task["status"], "completed", task)
        self.assertEqual((task["result"]["success"], task["result"]["reward"]), (True, 1.0))
        self.assertEqual(task["result"]["output"]["outcome"], "submitted")
        for phase in ("setup", "loop", "evaluate", "teardown"):
            self.assertIn(phase, task["phases"])
        steps = coordinator.get(f"/tasks/{task_id}/trajectory")["steps"]
        self.assertIn("looked", steps[1]["observation"])

    def test_an_agent_that_cheats_gains_nothing(self):
        coordinator = self.serve()
        fake = json.dumps({"type": "result", "success": True, "reward": 99})
        task_id = coordinator.submit(
            problem_id="standin-detection-1",
            max_steps=6,
            agent_config=scripted(
                shell(f"echo '{fake}'; echo 'opslab-{fake}' >&2"),
                shell("cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -a OPENAI | sed s/sk-/found-/"),
                shell("for f in /proc/$PPID/fd/*; do echo '%s' > $f; done; ls -R $HOME/.." % fake),
                shell("find / -xdev -name task.json -newer /proc/self 2>/dev/null; echo $OPSLAB_TASK_FILE"),
                'submit("Yes")',
            ),
        )
        task = coordinator.wait_for_end(task_id)

        self.assertEqual(task["status"], "completed", task)
        self.assertEqual((task["result"]["success"], task["result"]["reward"]), (False, 0.0))
        stored = self.everything_stored(coordinator, task_id)
        for secret in (KEY, KEY.replace("sk-", "found-")):
            self.assertNotIn(secret, stored)

    def test_an_agent_of_opslabs_own_user_finds_no_key_in_any_environment(self):
        # without capabilities root is a user as any other
        plain = self.folder / "opslab"
        plain.write_text(f'#!/bin/sh\nexec setpriv --bounding-set -all --inh-caps -all {PROGRAM} "$@"\n')
        plain.chmod(0o755)
        coordinator = self.serve(plain if os.geteuid() == 0 else PROGRAM)
        look = (
            "cd /proc; for p in [0-9]*; do "
            "tr '\\0' '\\n' <$p/environ | grep -q sk-the-operators && echo leak: $p; "
            "done 2>/dev/null; cat self/environ | tr '\\0' '\\n' | grep ^HOME="
        )
        task_id = coordinator.submit(
            problem_id="standin-detection-1",
            max_steps=2,
            agent_config=scripted(shell(look), 'submit("Yes")'),
        )
        self.assertEqual(coordinator.wait_for_end(task_id)["status"], "completed")
        seen = coordinator.get(f"/tasks/{task_id}/trajectory")["steps"][1]["observation"]
        self.assertIn("HOME=", seen)  # it can read its own
        self.assertNotIn("leak:", seen)

    def test_a_cancelled_task_recovers_its_fault(self):
        coordinator = self.serve(hang_in="step")
        task_id = coordinator.submit(problem_id="standin-detection-1", agent_config=scripted("x()"))
        until(lambda: "hanging in step" in self.journal.read_text(), "the driver to be in a step")

        status, _, task = coordinator.call("DELETE", f"/tasks/{task_id}")

        self.assertEqual((status, task["status"]), (200, "cancelled"))
        until(lambda: "gone openebs" in self.journal.read_text(), "the end of the teardown")
        self.assertIn("recover", self.journal.read_text().splitlines())

    def test_infrastructure_failures_are_retried_and_wrong_tasks_are_not(self):
        coordinator = self.serve(raise_in="deploy")
        broken = coordinator.submit(problem_id="standin-detection-1", agent_config=scripted("x()"))
        unknown = coordinator.submit(problem_id="unheard-of", max_retries=3)

        task = coordinator.wait_for_end(broken)
        self.assertEqual((task["failure"]["kind"], task["failure"]["phase"]), ("infrastructure", "setup"))
        self.assertIn("raised in deploy", task["error_details"])
        task = coordinator.wait_for_end(unknown)
        self.assertEqual((task["failure"]["kind"], task["attempt"]), ("task", 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
