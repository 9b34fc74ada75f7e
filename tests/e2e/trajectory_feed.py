#!/usr/bin/env python3
"""The trajectory feed of several coordinators on one PostgreSQL: each finished attempt once and in
order, also where one commits late; following, gzip, and an export that is killed again and again.
Usage: trajectory_feed.py OPSLAB"""

import gzip
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

from coordinator import Coordinator, until
from postgres_server import PostgresServer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
WORKER = "worker-001-hand"
# ends an attempt as a coordinator does, and keeps its place in the feed without committing it
LATE = """
BEGIN;
UPDATE feed_head SET position = position + 1;
UPDATE attempts SET status = 'completed', completed_at = started_at + 1, success = 1,
    result = '{{"logs":[],"metrics":{{}},"output":{{}},"success":true,"reward":null}}',
    position = (SELECT position FROM feed_head) WHERE task_id = '{task}';
UPDATE tasks SET status = 'completed', completed_at = started_at + 1 WHERE id = '{task}';
\\echo taken
"""


class Feed(unittest.TestCase):
    def setUp(self):
        self.server = PostgresServer()
        self.addCleanup(self.server.remove)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.one = self.coordinator("one")
        self.two = self.coordinator("two")
        body = {
            "id": WORKER, "backend_type": "hand", "capabilities": {"max_parallel_tasks": 1000},
        }  # fmt: skip
        self.assertEqual(self.one.call("POST", "/workers/register", body)[0], 201)

    def coordinator(self, name):
        folder = self.folder / name
        folder.mkdir()
        made = Coordinator(PROGRAM, folder, "", self.server).start()
        self.addCleanup(made.kill)
        return made

    def start_tasks(self, count):
        tasks = [{"problem_id": "p", "timeout_minutes": 5} for _ in range(count)]
        status, _, answer = self.one.call("POST", "/tasks/batch", {"tasks": tasks})
        self.assertEqual(status, 201)
        claim = self.one.call("POST", f"/workers/{WORKER}/claim", {"max": count})
        self.assertEqual(len(claim[2]["tasks"]), count)
        return [task["id"] for task in answer["tasks"]]

    def finish(self, coordinator, task, output=""):
        path = f"/workers/{WORKER}/tasks/{task}/complete"
        result = {"success": True, "output": {"text": output}}
        return coordinator.call("POST", path, {"attempt": 1, "result": result})[0]

    def read(self, coordinator, since=None, query="", headers=None):
        """Lines of the feed, and what came on the wire."""
        connection = http.client.HTTPConnection("127.0.0.1", coordinator.port, timeout=120)
        path = "/trajectories?format=jsonl" + (f"&since_cursor={since}" if since else "") + query
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            wire = answer.read()
        finally:
            connection.close()
        text = gzip.decompress(wire) if answer.getheader("Content-Encoding") == "gzip" else wire
        return [json.loads(line) for line in text.splitlines()], wire

    def sql(self, text):
        done = subprocess.run(
            ["psql", "-XqAt", self.server.url, "-c", text],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def test_a_later_commit_with_an_earlier_place_does_not_slip_past_a_reader(self):
        late, quick, before = self.start_tasks(3)
        self.assertEqual(self.finish(self.one, before), 200)
        (line,), _ = self.read(self.two)
        psql = subprocess.Popen(
            ["psql", "-XqAt", self.server.url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(psql.wait)
        self.addCleanup(psql.kill)
        psql.stdin.write(LATE.format(task=late))
        psql.stdin.flush()
        self.assertEqual(psql.stdout.readline().strip(), "taken")
        answers = []
        finishing = threading.Thread(target=lambda: answers.append(self.finish(self.two, quick)))
        finishing.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: answers or int(self.sql(waiting)) > 0, "the quick one to wait or to be done")
        # a reader in between sees neither, or both in their order in the end
        between, _ = self.read(self.one, line["cursor"])
        cursor = between[-1]["cursor"] if between else line["cursor"]
        psql.stdin.write("COMMIT;\n\\echo done\n")
        psql.stdin.flush()
        self.assertEqual(psql.stdout.readline().strip(), "done")
        finishing.join(60)
        self.assertEqual(answers, [200])
        after, _ = self.read(self.one, cursor)
        self.assertEqual([one["task"]["id"] for one in between + after], [late, quick])
        psql.stdin.close()

    def test_readers_of_both_follow_what_both_finish_each_once_and_in_order(self):
        tasks = self.start_tasks(60)
        got = {"one": [], "two": []}

        def follow(name, coordinator):
            cursor = None
            while len(got[name]) < len(tasks):
                lines, _ = self.read(coordinator, cursor, "&wait_seconds=1")
                got[name] += [one["task"]["id"] for one in lines]
                cursor = lines[-1]["cursor"] if lines else cursor

        def finish(coordinator, mine):
            for task in mine:
                self.assertEqual(self.finish(coordinator, task), 200)

        threads = [
            threading.Thread(target=follow, args=("one", self.one)),
            threading.Thread(target=follow, args=("two", self.two)),
            threading.Thread(target=finish, args=(self.one, tasks[::2])),
            threading.Thread(target=finish, args=(self.two, tasks[1::2])),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(got["one"], got["two"])
        self.assertEqual(sorted(got["one"]), sorted(tasks))

    def test_gzip_is_the_same_in_fewer_bytes(self):
        for task in self.start_tasks(20):
            self.finish(self.one, task, "the same words again and again " * 50)
        plain, wire = self.read(self.one)
        packed, small = self.read(self.two, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(plain, packed)
        self.assertLess(len(small) * 5, len(wire))

    def test_an_export_that_is_killed_goes_on_and_has_each_once(self):
        tasks = self.start_tasks(300)
        for task in tasks:
            self.finish(self.one, task, "x" * 20000)
        out = self.folder / "export.jsonl"
        address = f"http://127.0.0.1:{self.two.port}"
        command = [PROGRAM, "trajectory", "export", "--coordinator", address, "--out", out]
        kills = 0
        size = -1
        while True:
            export = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            until(
                lambda: export.poll() is not None or (out.exists() and out.stat().st_size > size),
                "the file to grow",
            )
            if export.poll() is not None or kills == 5:
                self.assertEqual(export.wait(60), 0, export.stderr.read())
                export.stderr.close()
                break
            export.kill()
            export.wait()
            export.stderr.close()
            kills += 1
            size = out.stat().st_size
        exported = [json.loads(line)["task"]["id"] for line in out.read_text().splitlines()]
        self.assertGreater(kills, 0)
        self.assertEqual(exported, [line["task"]["id"] for line in self.read(self.one)[0]])
        self.assertEqual(sorted(exported), sorted(tasks))


if __name__ == "__main__":
    unittest.main()
