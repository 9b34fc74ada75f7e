#!/usr/bin/env python3
"""The docker runner keeps every promise that `opslab plugin check` knows, in real containers. Needs a
Docker engine. Usage: plugin_check_docker.py OPSLAB SOURCE_DIR DRIVER PLUGIN"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PLUGIN = pathlib.Path(sys.argv.pop()).resolve()
DRIVER = pathlib.Path(sys.argv.pop()).resolve()
SOURCES = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

# what is left of a run: its containers, whatever their state
LEFTOVERS = '#!/bin/sh\nexec docker ps -aq --filter "label=opslab.run=$1"\n'
SETTINGS = "image: {image}\npull: never\nnetwork: none\nscope: ${{OPSLAB_CHECK_ID}}\n"


class DockerRunner(unittest.TestCase):
    def test_it_keeps_every_promise(self):
        made = subprocess.run(
            [SOURCES / "scripts/simulated-image", DRIVER], check=True, capture_output=True, text=True
        )
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "leftovers").write_text(LEFTOVERS)
            (folder / "leftovers").chmod(0o755)
            (folder / "docker.yaml").write_text(SETTINGS.format(image=made.stdout.split()[-1]))
            (folder / "none.yaml").write_text(SETTINGS.format(image="opslab/no-such-image:none"))
            done = subprocess.run(
                [PROGRAM, "plugin", "check", PLUGIN, "--json", "--runs-outlive-host",
                 "--config", folder / "docker.yaml", "--without-driver", folder / "none.yaml",
                 "--leftovers", folder / "leftovers"],
                capture_output=True,
                text=True,
                timeout=560,
                check=False,
            )
        self.assertTrue(done.stdout, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([], [case for case in report["cases"] if case["verdict"] != "passed"])
        self.assertGreater(report["passed"], 40)


if __name__ == "__main__":
    unittest.main()
