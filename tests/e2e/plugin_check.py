#!/usr/bin/env python3
"""`opslab plugin check` as an author of a plugin sees it: our process runner keeps every promise, and
each flaw of a runner breaks the promises that it is about and no other; whatever a plugin does to its
process, the check ends, soon, and names plugin and case.
Usage: plugin_check.py OPSLAB PLUGINS TEST_PLUGINS"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

BROKEN = pathlib.Path(sys.argv.pop()).resolve()
PLUGINS = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = str(pathlib.Path(sys.argv.pop()).resolve())

RUDE = BROKEN / "runner-rude.so"
FLAWED = BROKEN / "runner-flawed.so"

POLITE = {
    "StopIsPoliteFirst",
    "StopReachesProcessesThatLeftGroupAndSession",
    "InterruptEndsAWaitAndTheRunGoesOn",
    "RunPastItsDeadlineGoesOnUntilTheHostStopsIt",
}
# of each flaw of tests/plugins/runner-flawed: the cases that it breaks, and words of the report
FLAWS = {
    "none": (set(), ""),
    "throws-in-health": (
        {"HealthOfAWorkingPlaceIsALineOfText"},
        'the failure internal: runner "flawed": health: it threw: thrown in health',
    ),
    "hangs-in-health": (
        {"HealthOfAWorkingPlaceIsALineOfText"},
        "it did not end within 10 s (--timeout) and was killed",
    ),
    "crashes-in-prepare": ({"PreparingASlotMayBeRepeated"}, "died by SIGSEGV: the plugin crashed"),
    "exits-in-check": ({"OrdinaryTaskPassesTheCheck"}, "the plugin called exit()"),
    "rough": (POLITE, "died by signal 9"),
    "forgets-runs": (
        {
            "OwnedRunsAreThoseOfTheWorkerUntilDestroyed",
            "SuccessorOfAKilledHostFindsItsRunsAndLeavesNothing",
            "HandleThatNobodyGaveHarmsNothing",
        },
        "has 2 elements",
    ),
    "drops-nul": ({"EveryByteArrivesUnchanged"}, "bytes "),
    "leaks": ({"RunsLeaveNoDescriptorAndNoThreadBehind"}, "/proc/self/fd"),
    "leaves-files": (
        {
            "InterruptedStartLeavesNothing",
            "StartThatIsCancelledWhileUnderWayLeavesNothing",
            "DestroyLeavesNothingAndMayBeRepeated",
            "DestroyEndsARunByForceUnderAWait",
            "ProcessesThatTheDriverLeftDoNotKeepTheRunAlive",
            "StopReachesProcessesThatLeftGroupAndSession",
            "SuccessorOfAKilledHostFindsItsRunsAndLeavesNothing",
            "StopsAndDestroysAtTheSameTimeAllSucceed",
        },
        ".left",
    ),
    "forgets-the-code": (
        POLITE
        | {
            "ExitCodesAreTold",
            "ExitAfterAResultIsToldWithTheResult",
            "CrashIsToldAsItsSignal",
            "WaitAfterTheEndSaysTheSameAgain",
            "StopUsesForceAfterTheGrace",
            "DestroyEndsARunByForceUnderAWait",
            "StopsAndDestroysAtTheSameTimeAllSucceed",
        },
        "Expected: exited with 1",
    ),
}


def check(*words):
    return subprocess.run(
        [PROGRAM, "plugin", "check", *map(str, words)],
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

    def check_flaw(self, flaw, *words):
        return check(FLAWED, "--config", self.file(f"{flaw}.yaml", f"flaw: {flaw}\n"), *words)

    def test_the_process_runner_keeps_every_promise(self):
        done = check(PLUGINS / "runner-process.so", "--json")
        report = json.loads(done.stdout)
        broken = [case for case in report["cases"] if case["verdict"] != "passed"]
        self.assertEqual([], broken)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_each_flaw_breaks_the_promises_that_it_is_about_and_no_other(self):
        with ThreadPoolExecutor(4) as pool:
            checks = {
                flaw: pool.submit(self.check_flaw, flaw, "--json", "--timeout", "10")
                for flaw in FLAWS
            }
        for flaw, (expected, words) in FLAWS.items():
            with self.subTest(flaw):
                done = checks[flaw].result()
                report = json.loads(done.stdout)
                failed = [case for case in report["cases"] if case["verdict"] == "failed"]
                self.assertEqual(expected, {case["name"] for case in failed}, failed)
                self.assertEqual(1 if expected else 0, done.returncode)
                self.assertEqual(("flawed", 0), (report["plugin"], report["skipped"]))
                self.assertIn(words, "\n".join(sum((case["messages"] for case in failed), [])))

    def test_one_that_hangs_or_floods_everywhere_is_given_up(self):
        for flaw in ("hangs-in-wait", "floods", "hangs-in-destroy", "nonsense-events"):
            done = self.check_flaw(flaw, "--timeout", "2")
            self.assertEqual(1, done.returncode, flaw)
            self.assertIn('runner plugin "flawed"', done.stdout)
            self.assertIn("FAIL  exit after a result is told with the result", done.stdout)
            self.assertIn("not tried: 3 cases did not end in their time (--timeout)", done.stdout)
            self.assertRegex(done.stdout, r"What was promised and not kept:\n  \w+")

    def test_one_that_crashes_in_every_run_fails_and_the_check_goes_on(self):
        report = json.loads(self.check_flaw("crashes-in-wait", "--json").stdout)
        self.assertGreater(report["failed"], 20)
        self.assertGreater(report["passed"], 10)
        self.assertEqual(0, report["skipped"])

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

    def test_a_storage_is_refused_with_what_to_do(self):
        done = check(PLUGINS / "storage-sqlite.so")
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn("storage-sqlite.so: a storage; runners alone are checked here", done.stderr)

    def test_every_wrong_setting_is_told_with_its_place(self):
        settings = self.file("wrong.yaml", "comand: [x]\nopen_files: many\n")
        done = check(PLUGINS / "runner-process.so", "--config", settings)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn('runner "process": its settings are wrong:', done.stderr)
        self.assertRegex(done.stderr, r'wrong.yaml:1:\d+: comand: unknown key.*"command"')
        self.assertRegex(done.stderr, r"wrong.yaml:2:\d+: open_files: ")

    def test_settings_that_can_be_read_only_once_are_refused(self):
        pipe = str(pathlib.Path(self.folder.name, "pipe"))
        os.mkfifo(pipe)
        done = check(PLUGINS / "runner-process.so", "--config", pipe)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn(f"{pipe}: no file that can be read", done.stderr)

    def test_one_that_the_loader_refuses_is_refused_with_its_reason(self):
        for name, words in (
            ("newer", "this opslab is too old for it"),
            ("unresolved", "undefined symbol"),
            ("short", "the descriptor says that it has 24 bytes"),
            ("crash", "while the library was loaded: the process of this case died by SIGSEGV"),
        ):
            done = check(BROKEN / f"runner-{name}.so")
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertIn(f"runner-{name}.so", done.stderr)
            self.assertIn(words, done.stderr)

    def test_a_crash_at_load_elsewhere_names_the_plugin_too(self):
        done = subprocess.run(
            [PROGRAM, "plugin", "list", "--path", BROKEN], capture_output=True, text=True, check=False
        )
        self.assertLess(done.returncode, 0)
        self.assertIn(
            f"the plugin {BROKEN}/runner-crash.so crashed this process (SIGSEGV) in its loading",
            done.stderr,
        )


if __name__ == "__main__":
    unittest.main()
