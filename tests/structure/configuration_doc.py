#!/usr/bin/env python3
"""docs/configuration.md is what the program writes, and the sample configurations are right.

Usage: configuration_doc.py ROOT OPSLAB [--refresh]"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

REFRESH = "--refresh" in sys.argv and (sys.argv.remove("--refresh") or True)
ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
PAGE = ROOT / "docs/configuration.md"
SAMPLES = sorted((ROOT / "examples/config").rglob("*.yaml")) + [
    ROOT / f"packaging/container/{name}.yaml" for name in ("opslab", "coordinator", "worker")
]


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)


def written():
    # only the plugins of this build, not those that the machine may have installed
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("plugins: {path: []}\n")
        file.flush()
        made = run("config", "reference", "--config", file.name)
    assert made.returncode == 0, made.stderr
    return made.stdout


class Configuration(unittest.TestCase):
    maxDiff = None

    def test_the_page_is_what_the_program_writes(self):
        self.assertEqual(
            written(),
            PAGE.read_text(),
            "the settings have changed: tests/structure/configuration_doc.py . OPSLAB --refresh",
        )

    def test_every_key_of_the_schema_is_on_the_page(self):
        keys = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M))
        self.assertGreater(len(keys), 80)
        for key in ("server.listen", "runners[].name", "storage.postgres.url"):
            self.assertIn(key, keys)

    def test_every_sample_is_accepted(self):
        self.assertGreaterEqual(len(SAMPLES), 4)
        for sample in SAMPLES:
            with self.subTest(sample.name):
                checked = run("config", "check", str(sample))
                self.assertEqual((0, ""), (checked.returncode, checked.stderr))

    def test_a_sample_with_a_mistake_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(SAMPLES[0].read_text().replace("plugin:", "plugn:", 1))
            file.flush()
            self.assertEqual(2, run("config", "check", file.name).returncode)


if __name__ == "__main__":
    if REFRESH:
        PAGE.write_text(written())
        sys.exit(0)
    unittest.main()
