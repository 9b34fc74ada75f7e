#!/usr/bin/env python3
"""The AIOpsLab driver in real containers, with the stand-in for AIOpsLab and an agent that cheats.
Usage: aiopslab_in_docker.py OPSLAB SOURCE_DIR"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from coordinator import Coordinator
from kind_world import Engine, remove_containers
from python_image import make_image

SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
DRIVER = SOURCES / "drivers/aiopslab"
KEY = "sk-the-operators-own-key"
FAKE = json.dumps({"type": "result", "success": True, "reward": 99})
KUBECONFIG = {
    "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
}


def shell(command):
    return f"exec_shell({command!r})"


CHEATS = {
    "printing a result": f"echo '{FAKE}'; echo '{FAKE}' >&2; echo 'opslab-{FAKE}' > /dev/stdout",
    "writing to others' descriptors":
        f"for f in /proc/[0-9]*/fd/*; do echo '{FAKE}' > $f; done 2>/dev/null; true",
    "reading environments": "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | sed s/sk-/found-/",
    "reading command lines": "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '",
    "reading memory": "for m in /proc/[0-9]*/mem; do head -c 1 $m && echo opened-$m; done 2>/dev/null; true",
    "looking for the task": "find / -name 'task*.json' 2>/dev/null | sed s/^/task-at:/; ls -la /opslab/task",
    "looking for the answers": "cat /opt/driver/tests/standin/aiopslab/orchestrator/problems.py",
}


class CheatingInDocker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(SOURCES)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.start()
        cls.image = make_image("opslab/python:test", {"opt/driver": DRIVER})

    def test_an_agent_that_cheats_in_every_way_gains_nothing(self):
        folder = tempfile.mkdtemp(prefix="oka")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.addCleanup(remove_containers)
        path = pathlib.Path(folder, "kubeconfig")
        path.write_text(json.dumps(KUBECONFIG))
        os.environ["OPENAI_API_KEY"] = KEY
        config = {
            "image": self.image, "pull": "never", "network": "none", "init": False,
            "kubeconfig": str(path), "environment": ["OPENAI_API_KEY"],
            # the sources are closed to the agent, as in the real image
            "entrypoint": ["sh", "-c", "chmod 0700 /opt/driver; exec python3 -m opslab_aiopslab_driver"],
            "variables": {
                "PYTHONPATH": "/opt/driver:/opt/driver/tests/standin",
                "OPSLAB_AGENT_USER": "agent",
                "STANDIN": "{}",
            },
        }
        coordinator = Coordinator(
            PROGRAM,
            folder,
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
            "workers: [{runner: docker, count: 1, max_parallel_tasks: 1}]\n",
        ).start()
        self.addCleanup(lambda: coordinator.process.poll() is None and coordinator.stop())
        actions = [shell(command) for command in CHEATS.values()] + ['submit("Yes")']

        task_id = coordinator.submit(
            problem_id="standin-detection-1",
            max_steps=len(actions),
            agent_config={"agent": "scripted", "actions": actions},
        )
        task = coordinator.wait_for_end(task_id)

        self.assertEqual(task["status"], "completed", task)
        self.assertEqual((task["result"]["success"], task["result"]["reward"]), (False, 0.0))
        steps = coordinator.get(f"/tasks/{task_id}/trajectory")["steps"]
        self.assertEqual(len(steps), len(actions))
        seen = dict(zip(CHEATS, (step["observation"] for step in steps[1:])))
        self.assertIn("USER=agent", seen["reading environments"])  # its own, and no other
        self.assertNotIn("found-", seen["reading environments"])
        self.assertNotIn("opened-", seen["reading memory"])
        self.assertNotIn("task-at:", seen["looking for the task"])
        self.assertNotIn("class", seen["looking for the answers"])
        logs = coordinator.get(f"/tasks/{task_id}/logs?limit=1000")
        stored = json.dumps([logs, steps, coordinator.task(task_id)])
        self.assertNotIn(KEY, stored)
        self.assertNotIn(KEY.replace("sk-", "found-"), stored)


if __name__ == "__main__":
    unittest.main()
