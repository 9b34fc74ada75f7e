#!/usr/bin/env python3
"""Verifies leases.pml over its whole state space, and that each broken variant fails.

Usage: check.py SOURCE_DIR. Needs spin and a C compiler.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
MODEL = ROOT / "tests" / "model" / "leases.pml"
LIMIT_SECONDS = 240

SAFETY = (["-DSAFETY", "-DNOCLAIM"], [])
ONE_WRITER = ([], ["-a", "-N", "one_writer"])
ALL_END = (["-DNFAIR=4"], ["-a", "-f", "-N", "all_end"])


def verify(how, *defines):
    """What the verifier of the model with these definitions prints."""
    compile_options, run_options = how
    with tempfile.TemporaryDirectory() as folder:
        def run(*command):
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS
            )
            if done.returncode != 0:
                raise AssertionError(f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
            return done.stdout + done.stderr

        run("spin", "-a", *defines, str(MODEL))
        run("cc", "-O2", "-w", "-DCOLLAPSE", "-DMEMLIM=2048", *compile_options, "-o", "pan", "pan.c")
        return run("./pan", "-m1000000", *run_options)


class Leases(unittest.TestCase):
    def assert_verified(self, report):
        self.assertRegex(report, r"errors: 0\b", report)
        # an incomplete search proves nothing
        for sign in ("Search not completed", "max search depth too small", "out of memory"):
            self.assertNotIn(sign, report)
        states = int(float(re.search(r"(\S+) states, stored", report).group(1)))
        print(f"{self.id().split('.')[-1]}: {states} states", file=sys.stderr)
        self.assertGreater(states, 1000, "the model does next to nothing")

    def assert_broken(self, report, how):
        self.assertRegex(report, r"errors: [1-9]", report)
        self.assertIn(how, report)

    def test_no_stale_write_is_accepted_and_no_terminal_status_changes(self):
        self.assert_verified(verify(SAFETY))

    def test_the_same_holds_for_two_tasks(self):
        self.assert_verified(
            verify(SAFETY, "-DTASKS=2", "-DRETRIES=0", "-DLOSSES=0", "-DONE_SWEEPER")
        )

    def test_the_same_holds_for_two_retries(self):
        self.assert_verified(verify(SAFETY, "-DRETRIES=2"))

    def test_never_may_two_slots_write_to_one_task(self):
        self.assert_verified(verify(ONE_WRITER))

    def test_every_task_ends(self):
        self.assert_verified(verify(ALL_END, "-DONE_SWEEPER"))

    def test_each_guard_is_needed(self):
        for guard in ("ATTEMPT", "STATUS", "CLAIM", "SWEEP", "CANCEL"):
            with self.subTest(guard):
                self.assert_broken(verify(SAFETY, f"-DNO_{guard}_GUARD"), "assertion violated")

    def test_without_deadlines_a_task_may_never_end(self):
        self.assert_broken(verify(ALL_END, "-DNO_DEADLINE", "-DONE_SWEEPER"), "acceptance cycle")

    def test_every_statement_that_the_model_stands_for_exists(self):
        text = MODEL.read_text()
        named = {
            name
            for line in re.findall(r"SQL: (.*)", text)
            for name in re.findall(r"[a-z]+\.[a-z_]+", line)
        }
        self.assertGreater(len(named), 4)
        for storage in sorted((ROOT / "plugins").glob("storage-*/sql")):
            written = "".join(path.read_text() for path in storage.glob("*.sql"))
            exist = set(re.findall(r"^-- name: (\S+)", written, re.MULTILINE))
            self.assertEqual(named - exist, set(), storage)


if __name__ == "__main__":
    unittest.main()
