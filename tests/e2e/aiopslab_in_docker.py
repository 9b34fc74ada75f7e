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

from cheating import KEY, SETTINGS, cheat
from coordinator import Coordinator
from docker_engine import Engine, remove_containers
from python_image import make_image

SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
DRIVER = SOURCES / "drivers/aiopslab"


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
        os.environ["OPENAI_API_KEY"] = KEY
        config = {"image": self.image, "pull": "never", "network": "none"} | SETTINGS
        coordinator = Coordinator(
            PROGRAM,
            folder,
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
            "workers: [{runner: docker, count: 1, max_parallel_tasks: 1}]\n",
        ).start()
        self.addCleanup(lambda: coordinator.process.poll() is None and coordinator.stop())
        cheat(self, coordinator)


if __name__ == "__main__":
    unittest.main()
