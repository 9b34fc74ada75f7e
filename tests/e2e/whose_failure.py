#!/usr/bin/env python3
"""Ends without a result, by real processes: which are the task's, and which the place's and tried again.
Usage: whose_failure.py OPSLAB"""

import json
import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()

# What a driver says before it does the rest of its script.
SAID = (
    "word=$(sed -n 's/.*\"event_prefix\":\"\\([^\"]*\\)\".*/\\1/p' $OPSLAB_TASK_FILE); "
    'echo "$word{\\"type\\":\\"phase\\",\\"name\\":\\"setup\\",\\"state\\":\\"begin\\"}"; '
)

SCRIPTS = {
    "supervisor-killed": "kill -9 $PPID; exec sleep 1000",
    "not-there": "exec /nonexistent/driver",
    "not-a-program": "exec /etc/hostname",
    "killed-itself": "kill -9 $$",
    "no-word": "exit 1",
    "spoke-first": SAID + "exit 127",
}


class WhoseFailure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        runners = [
            {"name": name, "plugin": "process", "config": {"command": ["/bin/sh", "-c", script]}}
            for name, script in SCRIPTS.items()
        ]
        workers = [{"runner": name, "count": 1} for name in SCRIPTS]
        self.coordinator = Coordinator(
            PROGRAM,
            folder.name,
            f"runners: {json.dumps(runners)}\nworkers: {json.dumps(workers)}\n"
            "tasks: {retry_base_seconds: 1, retry_max_seconds: 1}\n",
        ).start()
        self.addCleanup(self.coordinator.kill)

    def failures(self, *names):
        """Of each name the kind and the attempts, where one retry was allowed."""
        ids = {
            name: self.coordinator.submit(problem_id="any", backend_type=name, max_retries=1)
            for name in names
        }
        ends = {name: self.coordinator.wait_for_end(task_id) for name, task_id in ids.items()}
        return {name: (end["failure"]["kind"], end["attempt"]) for name, end in ends.items()}

    def test_what_the_place_did_is_tried_again(self):
        names = ("supervisor-killed", "not-there", "not-a-program")

        self.assertEqual(self.failures(*names), dict.fromkeys(names, ("infrastructure", 2)))

    def test_what_a_driver_did_is_not(self):
        names = ("killed-itself", "no-word", "spoke-first")

        self.assertEqual(self.failures(*names), dict.fromkeys(names, ("task", 1)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
