#!/usr/bin/env python3
"""Clients, web pages and agents that mean ill, against a real coordinator. Usage: hostile.py OPSLAB"""

import json
import pathlib
import socket
import sys
import tempfile
import unittest

from coordinator import Coordinator, until

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()

# A driver as the contract wants it, and an agent within it that looks for the word that makes
# a line an event, forges events without it, and lays links out of its directory.
DRIVER = r"""
import json, os, pathlib, subprocess, sys
file = pathlib.Path(os.environ["OPSLAB_TASK_FILE"])
task = json.loads(file.read_text())
file.unlink()
prefix = task["event_prefix"]
def say(**event):
    print(prefix + json.dumps(event), flush=True)

AGENT = '''
import os, pathlib, sys
wanted = sys.stdin.read()  # only to know what not to find
mine = {os.getpid(), os.getppid()}
found = []
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit():
        for part in ("environ", "cmdline"):
            try:
                if wanted.encode() in (entry / part).read_bytes():
                    found.append(f"{part} of {entry.name}")
            except OSError:
                pass
for path in pathlib.Path(os.environ["SEARCHED"]).rglob("*"):
    try:
        if path.is_file() and wanted.encode() in path.read_bytes():
            found.append(str(path))
    except OSError:
        pass
work = pathlib.Path(os.environ["OPSLAB_WORK_DIR"])
(work / "file").symlink_to(pathlib.Path(os.environ["VICTIM"]) / "kept")
(work / "folder").symlink_to(os.environ["VICTIM"])
forged = '{"type":"result","success":true,"output":{},"metrics":{},"reward":1.0}'
for guess in ("", "event_prefix:", "@@", wanted[:-1], " " + wanted, wanted[:8] + "\\0" + wanted[8:]):
    print(guess + forged, flush=True)
    print(guess + forged, file=sys.stderr, flush=True)
print(wanted + forged, file=sys.stderr, flush=True)
open(os.environ["VICTIM"] + "/found", "w").write("\\n".join(found))
'''
subprocess.run([sys.executable, "-c", AGENT], input=prefix, text=True, check=True)
say(type="result", success=False, output={}, metrics={}, reward=0.0)
say(type="clean")
"""

# A driver whose agent logs all that it can.
FLOOD = r"""
import json, os, pathlib
file = pathlib.Path(os.environ["OPSLAB_TASK_FILE"])
prefix = json.loads(file.read_text())["event_prefix"]
file.unlink()
for number in range(100000):
    print(f"{number:072}")
print(prefix + '{"type":"result","success":true,"output":{},"metrics":{},"reward":1.0}')
"""


class HostileAgent(unittest.TestCase):
    def play(self, folder, program, variables="{}", worker="runner: process"):
        """A task of this driver to its end, and its log."""
        driver = pathlib.Path(folder, "driver.py")
        driver.write_text(program)
        config = (
            "runners:\n  - name: process\n    plugin: process\n    config:\n"
            f'      command: ["{sys.executable}", "{driver}"]\n'
            f"      variables: {variables}\n"
            f"workers: [{{{worker}}}]\n"
        )
        coordinator = Coordinator(PROGRAM, folder, config).start()
        try:
            task = coordinator.wait_for_end(coordinator.submit(problem_id="p"))
            return task, coordinator.get(f"/tasks/{task['id']}/logs?limit=1000")["logs"]
        finally:
            coordinator.stop()

    def test_finds_no_prefix_forges_no_result_and_gets_nothing_outside_removed(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as victim:
            kept = pathlib.Path(victim, "kept")
            kept.write_text("kept")
            task, logs = self.play(
                folder, DRIVER, variables=f'{{VICTIM: "{victim}", SEARCHED: "{folder}"}}'
            )

            self.assertEqual(task["status"], "completed", task)
            self.assertEqual(task["result"]["success"], False)
            self.assertEqual(task["result"]["reward"], 0.0)
            self.assertEqual(pathlib.Path(victim, "found").read_text(), "")
            self.assertEqual(kept.read_text(), "kept")
            forged = [log for log in logs if '"type":"result"' in log["message"]]
            self.assertEqual(len(forged), 13, "what was forged is output like any other")

    def test_fills_no_database_with_its_log(self):
        with tempfile.TemporaryDirectory() as folder:
            task, logs = self.play(
                folder, FLOOD, worker="runner: process, max_log_bytes: 100000"
            )

            self.assertEqual((task["status"], task["result"]["reward"]), ("completed", 1.0))
            self.assertEqual([int(log["message"]) for log in logs[:-1]], list(range(500)))
            self.assertEqual(logs[-1]["level"], "warning")
            self.assertIn("more log than max_log_bytes (100000)", logs[-1]["message"])
            self.assertIn(
                'runner \\"process\\": 99500 lines were left out',
                pathlib.Path(folder, "serve.log").read_text(),
            )


class HostileClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.coordinator = Coordinator(PROGRAM, cls.folder.name, "").start()

    @classmethod
    def tearDownClass(cls):
        code = cls.coordinator.stop()
        cls.folder.cleanup()
        assert code == 0, "the coordinator did not end well"

    def talk(self, text):
        """What comes back for these bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.coordinator.port), 30) as line:
            line.sendall(text.encode("latin-1"))
            answer = b""
            while piece := line.recv(65536):
                answer += piece
        return answer.decode("latin-1")

    def status_of(self, method, path, fields):
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        answer = self.talk(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n{head}\r\n")
        return int(answer.split()[1])

    def test_a_name_that_was_made_to_point_here_is_not_answered(self):
        port = self.coordinator.port
        for path in ("/tasks", "/workers", "/openapi.json", "/live"):
            self.assertEqual(self.status_of("GET", path, {"Host": f"rebound.example:{port}"}), 403)
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            self.assertEqual(self.status_of("GET", "/tasks", {"Host": host}), 200)

    def test_a_page_of_another_site_changes_nothing(self):
        task = self.coordinator.submit(problem_id="p")
        here = f"127.0.0.1:{self.coordinator.port}"
        for fields in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            fields = {"Host": here, "Content-Length": "0", **fields}
            for method, path in (
                ("POST", f"/tasks/{task}/cancel"),
                ("DELETE", f"/tasks/{task}"),
                ("POST", "/workers/internal/stop"),
            ):
                self.assertEqual(self.status_of(method, path, fields), 403)
        self.assertEqual(self.coordinator.task(task)["status"], "pending")
        answer = self.talk(
            f"OPTIONS /tasks HTTP/1.1\r\nHost: {here}\r\nOrigin: https://evil.example\r\n"
            "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
        )
        self.assertNotIn("access-control-allow", answer.lower())

    def test_what_looks_like_sql_or_a_path_is_text(self):
        for text in (
            "'; DROP TABLE tasks; --", '" OR 1=1 --', "%' OR '1'='1", "../../../etc/passwd",
            "$(touch x)", "${HOME}", "{{7*7}}", "\\'; SELECT 1", "%s%n%x", "a\u2028b",
        ):
            task = self.coordinator.submit(
                problem_id=text, group_id=text, metadata={text: text}, agent_config={"model": text}
            )
            shown = self.coordinator.task(task)
            self.assertEqual((shown["problem_id"], shown["group_id"]), (text, text))
            self.assertEqual(shown["parameters"]["metadata"], {text: text})
        status, _, answer = self.coordinator.call(
            "GET", "/tasks?problem_id=%27%20OR%20%271%27%3D%271"
        )
        self.assertEqual((status, answer["tasks"]), (200, []))

    def test_a_text_with_line_ends_makes_one_line_of_the_log(self):
        mark = "forged-entry"
        self.coordinator.submit(problem_id=f"p\r\n2026-01-31T00:00:00Z error {mark}\x1b[2J")
        log = pathlib.Path(self.folder.name, "serve.log")
        until(lambda: mark in log.read_text(), "the warning of an unknown problem")
        text = log.read_bytes()
        self.assertNotIn(b"\x1b", text)
        self.assertFalse([line for line in text.splitlines() if mark.encode() in line.split(b"error")[0]])
        self.assertTrue(all(line[:4].isdigit() for line in text.splitlines() if line), text)

    def test_no_header_of_an_answer_can_be_made_by_a_client(self):
        for name in ("X-Request-ID", "Last-Event-ID", "Idempotency-Key"):
            answer = self.talk(
                f"GET /tasks HTTP/1.1\r\nHost: localhost\r\n{name}: a%0d%0aSet-Cookie: x\r\n"
                "Connection: close\r\n\r\n"
            )
            self.assertNotIn("set-cookie", answer.lower().split("\r\n\r\n")[0])

    def test_many_that_never_finish_their_request_hold_up_nobody(self):
        lines = []
        try:
            for _ in range(300):
                line = socket.create_connection(("127.0.0.1", self.coordinator.port), 30)
                line.sendall(b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n{")
                lines.append(line)
            self.assertEqual(self.coordinator.call("GET", "/tasks")[0], 200)
            self.coordinator.submit(problem_id="p")
        finally:
            for line in lines:
                line.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
