#!/usr/bin/env python3
"""What the chaos runs measure beside the checker's counts: signs of faults, and the recovery."""

import pathlib
import tempfile
import types
import unittest

import phases
from recovery import Recovery
from signs import Expected, Metrics, slow

PAGE = """\
# HELP calls_seconds Calls
calls_seconds_count{call="a",plugin="x"} %d
calls_seconds_bucket{call="a",plugin="x",le="0.5"} 1
calls_seconds_bucket{call="a",plugin="x",le="1"} %d
calls_seconds_bucket{call="a",plugin="x",le="+Inf"} %d
lines_total{level="warning"} %d
process_start_time_seconds %d
"""


def page(calls=0, fast=0, warnings=0, started=1000):
    return PAGE % (calls, fast, calls, warnings, started)


class Signs(unittest.TestCase):
    def setUp(self):
        self.metrics = Metrics([])
        self.addCleanup(self.metrics.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "one.log").write_text("it broke\n")
        self.metrics.compare(1, page(calls=2, fast=2, warnings=3))

    def expect(self, moves):
        return Expected(
            types.SimpleNamespace(fault="f", says="it (broke|fell)", moves=moves),
            self.folder,
            self.metrics,
        )

    def test_only_what_comes_after_the_fault_counts(self):
        expected = self.expect('lines_total{level="warning"}')
        self.metrics.compare(1, page(calls=2, fast=2, warnings=3))
        self.assertEqual(len(list(expected.missing())), 2)

        with open(self.folder / "one.log", "a") as log:
            log.write("all is well\n")
        self.metrics.compare(1, page(calls=2, fast=2, warnings=4))
        self.assertFalse(expected.is_there())
        (self.folder / "two.log").write_text("it fell\n")
        self.assertTrue(expected.is_there())
        self.assertEqual(expected.line(), "it fell")

    def test_a_counter_that_began_anew_has_moved_by_what_it_says(self):
        expected = self.expect("lines_total")
        self.metrics.compare(1, page(warnings=0))
        self.assertFalse(expected.has_moved())
        self.metrics.compare(1, page(warnings=1))
        self.assertTrue(expected.has_moved())

    def test_a_start_moves_the_time_of_the_start(self):
        expected = self.expect("process_start_time_seconds")
        self.metrics.compare(2, page(started=1000))  # another that was not looked at before
        self.assertFalse(expected.has_moved())
        self.metrics.compare(1, page(started=1001))
        self.assertTrue(expected.has_moved())

    def test_slow_calls_are_those_over_a_second(self):
        expected = self.expect(slow("calls_seconds"))
        self.metrics.compare(1, page(calls=5, fast=5))
        self.assertFalse(expected.has_moved())
        self.metrics.compare(1, page(calls=6, fast=5))
        self.assertTrue(expected.has_moved())

    def test_every_phase_can_be_struck_and_says_what_it_leaves(self):
        for phase in phases.PHASES:
            self.assertTrue(callable(getattr(phases, phase.fault)), phase)
            self.assertTrue(phase.says and phase.moves, phase)


class Measured(unittest.TestCase):
    def setUp(self):
        self.recovery = Recovery(100.0)

    def look(self, second, alive=(), **tasks):
        self.recovery.look(100.0 + second, tasks, set(alive))

    def test_runs_and_the_queue_are_no_part_of_it_however_long_they_take(self):
        for second in range(30):
            self.look(second, [("a", 1)], a=("running", 1), b=("pending", 0))
        self.assertEqual(self.recovery.seconds, 0)

    def test_a_task_without_its_run_counts_until_it_runs_again(self):
        for second in range(6):
            self.look(second, a=("running", 1))
        self.look(6, a=("pending", 1))
        self.look(7, a=("pending", 1))
        for second in range(8, 20):
            self.look(second, [("a", 2)], a=("running", 2))
        self.assertEqual(self.recovery.seconds, 7)

    def test_a_run_of_an_earlier_attempt_is_not_the_task_s(self):
        self.look(0, [("a", 1)], a=("running", 2))
        self.look(3, [("a", 1)], a=("running", 2))
        self.assertEqual(self.recovery.seconds, 3)

    def test_the_moment_between_a_claim_and_its_run_does_not_count(self):
        for second in range(10):
            self.look(second, a=("running", 1))
            self.look(second + 0.5, [("a", 1)], a=("running", 1))
        self.assertEqual(self.recovery.seconds, 0)


if __name__ == "__main__":
    unittest.main()
