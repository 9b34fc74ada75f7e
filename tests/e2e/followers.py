#!/usr/bin/env python3
"""A thousand followers of one task on one coordinator: each gets every event once, few reads serve
them all, and one that takes nothing is cut off and goes on where it was. Usage: followers.py OPSLAB"""

import pathlib
import sys
import tempfile
import unittest

from coordinator import Coordinator, until
from many_followers import Follower, Followers

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
WORKER = "worker-001-hand"
COUNT = 1000


class ManyFollowers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.coordinator = Coordinator(PROGRAM, folder.name, "")
        config = self.coordinator.config
        config.write_text(
            config.read_text().replace("drain_seconds: 5", "drain_seconds: 5, slow_client_seconds: 2")
        )
        self.coordinator.start()
        self.addCleanup(self.coordinator.kill)
        self.followers = Followers()
        self.addCleanup(self.followers.close)

    def post(self, wanted, path, body):
        status, _, answer = self.coordinator.call("POST", path, body)
        self.assertEqual(status, wanted, answer)

    def start_task(self):
        self.post(201, "/workers/register", {"id": WORKER, "backend_type": "hand"})
        self.task = self.coordinator.submit(problem_id="p")
        self.post(200, f"/workers/{WORKER}/claim", {})
        self.run = f"/workers/{WORKER}/tasks/{self.task}"

    def say(self, count, text="x"):
        events = [{"type": "log", "level": "info", "message": text} for _ in range(count)]
        self.post(202, f"{self.run}/events", {"attempt": 1, "events": events})

    def complete(self):
        self.post(200, f"{self.run}/complete", {"attempt": 1, "result": {"success": True}})

    def follow(self, **more):
        return self.followers.add(Follower(self.coordinator.port, self.task, **more))

    def metric(self, series):
        for line in self.coordinator.get("/metrics").splitlines():
            if line.startswith(series):
                return float(line.split()[-1])
        return 0

    def reads(self):
        name = 'opslab_plugin_call_seconds_count{call="history.events"'
        return self.metric(name)

    def test_each_of_a_thousand_gets_every_event_once_from_few_reads(self):
        self.start_task()
        everyone = [self.follow() for _ in range(COUNT)]
        known = 2  # pending, running

        def all_have(count):
            return lambda: all(len(one.ids) == count for one in everyone)

        self.followers.read_until(all_have(known), "the history")
        self.assertEqual(self.metric('opslab_http_load{what="streams"}'), COUNT)
        before = self.reads()
        for _ in range(10):
            self.say(3)
            known += 3
            self.followers.read_until(all_have(known), f"{known} events with everyone")
        # a read for each change, and now and then a look of one that came late: not for each follower
        self.assertLess(self.reads() - before, COUNT / 10)
        self.complete()
        self.followers.read_until(lambda: all(one.ended for one in everyone), "the end")
        first = everyone[0].ids
        self.assertEqual(len(first), len(set(first)))
        self.assertTrue(all(one.ids == first for one in everyone))

    def test_one_that_takes_nothing_is_cut_off_and_loses_nothing(self):
        self.start_task()
        for _ in range(12):
            self.say(16, "y" * 65536)
        self.complete()
        slow = Follower(self.coordinator.port, self.task, receive_buffer=4096)
        self.addCleanup(slow.close)
        quick = self.follow()
        self.followers.read_until(lambda: quick.ended, "the quick one's end")
        streams = 'opslab_http_load{what="streams"}'
        until(lambda: self.metric(streams) == 0, "the slow one to be cut off")
        # what was under way to it still comes, and then the connection ends before the end
        self.followers.add(slow)
        self.followers.read_until(lambda: slow.closed, "the end of its connection")
        self.assertFalse(slow.ended)
        self.assertGreater(len(slow.ids), 0)
        again = self.follow(last_id=slow.ids[-1].decode())
        self.followers.read_until(lambda: again.ended, "the rest")
        self.assertEqual(slow.ids + again.ids, quick.ids)


if __name__ == "__main__":
    unittest.main()
