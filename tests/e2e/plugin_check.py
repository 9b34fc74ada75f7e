#!/usr/bin/env python3
"""`opslab plugin check` as an author of a plugin sees it: our process runner keeps every promise, a
rude one is a failed case and not a dead checker. Usage: plugin_check.py OPSLAB PLUGIN RUDE"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

RUDE = str(pathlib.Path(sys.argv.pop()).resolve())
PLUGIN = str(pathlib.Path(sys.argv.pop()).resolve())
PROGRAM = str(pathlib.Path(sys.argv.pop()).resolve())


def check(*words):
    return subprocess.run(
        [PROGRAM, "plugin", "check", *words],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


class PluginCheck(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text=""):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(text)
        return str(path)

    def test_the_process_runner_keeps_every_promise(self):
        done = check(PLUGIN, "--json")
        report = json.loads(done.stdout)
        broken = [case for case in report["cases"] if case["verdict"] != "passed"]
        self.assertEqual([], broken)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_rude_plugin_fails_its_case_and_the_report_names_it(self):
        settings = self.file("rude.yaml", "manner: throws\n")
        junit = self.file("report.xml")
        done = check(
            RUDE, "--config", settings, "--case", "DriverGetsItsTaskWhole", "--junit", junit
        )
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("FAIL  driver gets its task whole", done.stdout)
        self.assertIn("0 passed, 1 failed, 0 skipped", done.stdout)
        suite = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual("1", suite.get("failures"))

    def test_what_is_no_plugin_is_refused(self):
        done = check(self.file("runner-none.so", "no library"))
        self.assertEqual(1, done.returncode)
        self.assertIn("runner-none", done.stderr)


if __name__ == "__main__":
    unittest.main()
