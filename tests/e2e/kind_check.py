#!/usr/bin/env python3
"""The kind runner keeps every promise that `opslab plugin check` knows: clusters by the real kind
command on an engine of this test's own, with fake nodes. Usage: kind_check.py OPSLAB SOURCE_DIR DRIVER
KIND PLUGIN"""

import json
import pathlib
import subprocess
import sys
import unittest

from docker_engine import run
from kind_world import KindTest, nodes

PLUGIN = pathlib.Path(sys.argv.pop(5)).resolve()
KindTest.kind = pathlib.Path(sys.argv.pop(4)).resolve()
KindTest.driver = pathlib.Path(sys.argv.pop(3)).resolve()
KindTest.sources = pathlib.Path(sys.argv.pop(2)).resolve()
KindTest.program = pathlib.Path(sys.argv.pop(1)).resolve()

LIMIT_SECONDS = 1700
# what is left of a run: its containers, whatever their state
LEFTOVERS = '#!/bin/sh\nexec docker ps -aq --filter "label=opslab.run=$1"\n'


class Check(KindTest):
    def file(self, name, text, mode=0o644):
        path = pathlib.Path(self.folder, name)
        path.write_text(text)
        path.chmod(mode)
        return path

    def settings(self, **changed):
        """Each case begins with no state, so the clusters of the one before must be gone."""
        return json.dumps({
            "image": self.image, "pull": "never", "node_image": self.node, "node_image_pull": "never",
            "worker_nodes": 0, "kind": str(self.kind), "min_free_memory_mb": 0,
            "min_free_disk_mb": 0, "host_lock_path": f"{self.folder}/locks", "on_stop": "remove",
            "scope": "${OPSLAB_CHECK_ID}",
        } | changed)

    def test_it_keeps_every_promise(self):
        foreign = self.make_foreign("foreign")
        done = subprocess.run(
            [self.program, "plugin", "check", PLUGIN, "--json", "--runs-outlive-host",
             "--config", self.file("kind.yaml", self.settings()),
             "--without-driver", self.file("none.yaml", self.settings(image="opslab/no-such:none")),
             "--leftovers", self.file("leftovers", LEFTOVERS, 0o755),
             "--timeout", "600"],  # one case makes ten clusters
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        self.assertTrue(done.stdout, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([], [case for case in report["cases"] if case["verdict"] != "passed"])
        self.assertGreater(report["passed"], 40)
        self.assertEqual({"foreign": foreign}, nodes())
        self.assertEqual("", run("docker", "ps", "-aq", "--filter", "label=opslab.run"))


if __name__ == "__main__":
    unittest.main()
