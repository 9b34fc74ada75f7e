#!/usr/bin/env python3
"""The checker of the chaos runs sees what it must see: histories are forged, one fault in each."""

import unittest

import checker


def honest():
    """Three tasks: one retried after a kill, one cancelled, one whose driver was killed."""
    whole = {"max_retries": 3, "wanted_steps": 2, "steps": [1, 2], "error": None, "print": "p"}
    lost = {"attempt": 1, "kind": "worker_lost"}
    history = [
        {"what": "acknowledged", "key": "k1", "tasks": ["a", "b"]},
        {"what": "acknowledged", "key": "k1", "tasks": ["a", "b"]},
        {"what": "acknowledged", "key": "k2", "tasks": ["c"]},
        {"what": "seen", "task": "a", "status": "running", "attempt": 1, "print": ""},
        {"what": "cancel_asked", "task": "b"},
        {"what": "cancelled", "task": "b"},
        {"what": "driver_killed", "task": "c", "attempt": 1},
        {"what": "seen", "task": "a", "status": "completed", "attempt": 2, "print": "p"},
        {"what": "listed", "task": "a"},
        {"what": "final", "task": "a", "status": "completed", "attempt": 2, **whole,
         "attempts": [lost, {"attempt": 2, "kind": None}]},
        {"what": "final", "task": "b", "status": "cancelled", "attempt": 0, **whole, "attempts": []},
        {"what": "final", "task": "c", "status": "failed", "attempt": 1, **whole,
         "attempts": [{"attempt": 1, "kind": "task"}]},
    ]  # fmt: skip
    for at, row in enumerate(history):
        row["at"] = (at + 1) * 100
    runs = [
        ("start", "a", 1, 10, 310),
        ("start", "c", 1, 11, 320),
        ("start", "a", 2, 12, 400),
        ("end", "a", 2, 12, 500),
    ]
    return history, runs


class Forged(unittest.TestCase):
    def setUp(self):
        self.history, self.runs = honest()

    def row(self, what, task):
        return next(
            row for row in reversed(self.history) if row["what"] == what and row.get("task") == task
        )

    def assert_only(self, name):
        found = checker.check(self.history, self.runs)
        self.assertEqual({kind for kind, words in found.items() if words}, {name}, found)

    def test_an_honest_history_has_no_finding(self):
        found = checker.check(self.history, self.runs)
        self.assertEqual({kind for kind, words in found.items() if words}, set(), found)

    def test_an_acknowledged_task_that_is_gone_is_lost(self):
        self.history.remove(self.row("final", "c"))
        self.assert_only("lost")

    def test_a_404_for_an_acknowledged_task_is_lost(self):
        self.history.append({"what": "missing", "task": "a", "at": 9000})
        self.assert_only("lost")

    def test_a_run_beside_another_is_seen_by_its_lock(self):
        self.runs.insert(2, ("overlap", "a", 2, 12, 399))
        self.assert_only("twice at once")

    def test_a_run_beside_another_is_seen_by_its_times(self):
        self.runs.append(("end", "a", 1, 10, 450))
        self.assert_only("twice at once")

    def test_the_same_attempt_started_again_is_twice(self):
        self.runs.append(("start", "a", 2, 13, 520))
        self.assert_only("twice at once")

    def test_a_task_that_does_not_end_is_stuck(self):
        self.history.append({"what": "stuck", "task": "a", "status": "running", "at": 9000})
        self.assert_only("stuck")

    def test_another_status_after_the_end_is_a_change(self):
        self.row("final", "a")["print"] = "q"
        self.assert_only("changed after the end")

    def test_a_run_after_the_end_is_a_change(self):
        self.runs.append(("start", "a", 3, 14, 5000))
        self.assert_only("changed after the end")

    def test_a_cancel_that_did_not_hold_is_a_change(self):
        row = self.row("final", "b")
        row.update(status="completed", attempt=1, attempts=[{"attempt": 1, "kind": None}])
        self.runs.append(("start", "b", 1, 20, 10))
        self.assert_only("changed after the end")

    def test_what_is_left_behind_is_counted(self):
        self.history.append({"what": "left", "which": "process 7", "at": 9000})
        self.assert_only("left behind")

    def test_a_failure_that_nothing_excuses_is_wrong(self):
        self.history.remove(self.row("driver_killed", "c"))
        self.assert_only("wrong")

    def test_a_task_whose_retries_are_used_up_may_fail_and_not_before(self):
        self.history.remove(self.row("driver_killed", "c"))
        lost = [{"attempt": number, "kind": "worker_lost"} for number in (1, 2, 3, 4)]
        self.row("final", "c").update(attempt=4, attempts=lost)
        self.assertEqual(checker.check(self.history, self.runs)["wrong"], [])
        self.row("final", "c").update(attempt=3, attempts=lost[:3])
        self.assert_only("wrong")

    def test_a_fault_without_a_sign_is_counted(self):
        self.history.append({"what": "silent", "which": "kill_worker: no log says so", "at": 9000})
        self.assert_only("silent")

    def test_a_step_that_is_missing_or_repeated_is_wrong(self):
        for steps in ([1], [1, 1, 2], [2, 1]):
            self.row("final", "a")["steps"] = steps
            self.assert_only("wrong")

    def test_an_attempt_that_is_missing_is_wrong(self):
        del self.row("final", "a")["attempts"][0]
        self.assert_only("wrong")

    def test_a_retry_after_a_failure_of_the_task_is_wrong(self):
        self.row("final", "a")["attempts"][0]["kind"] = "task"
        self.assert_only("wrong")

    def test_a_failure_that_no_fault_explains_is_wrong(self):
        self.history.remove(self.row("driver_killed", "c"))
        self.assert_only("wrong")

    def test_a_result_that_no_driver_gave_is_wrong(self):
        self.runs = [run for run in self.runs if run[1:3] != ("a", 2)]
        self.assert_only("wrong")

    def test_two_sets_of_tasks_for_one_key_are_wrong(self):
        self.history[1]["tasks"] = ["a", "c"]
        self.assert_only("wrong")

    def test_a_task_that_nobody_was_told_of_is_wrong(self):
        self.history.append({"what": "listed", "task": "z", "at": 9000})
        self.assert_only("wrong")


if __name__ == "__main__":
    unittest.main(verbosity=2)
