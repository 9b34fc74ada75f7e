#!/usr/bin/env python3
"""The first thing to try after an installation: one of AIOpsLab's problems on a real kind cluster, with an
agent that says "No". Needs the internet, a Docker engine, kind or Go, and about half an hour.
Usage: needs_internet.py SOURCE_DIR PREFIX"""

import pathlib
import subprocess
import sys
import unittest

PREFIX = pathlib.Path(sys.argv.pop()).resolve()
SOURCES = pathlib.Path(sys.argv.pop()).resolve()


class Installation(unittest.TestCase):
    def test_a_problem_of_aiopslab_is_played_on_a_real_cluster(self):
        done = subprocess.run(
            [SOURCES / "scripts/demo", "--runner", "kind", "--prefix", PREFIX],
            capture_output=True, text=True, check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-4000:])
        self.assertIn("Detection Accuracy", done.stdout)


if __name__ == "__main__":
    unittest.main()
