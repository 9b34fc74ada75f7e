#!/usr/bin/env python3
"""What scripts rely on of the command line: exit codes, machine output, and clear refusals, against
a real coordinator without workers. Usage: cli_contract.py OPSLAB"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
START_LIMIT_SECONDS = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        port = free_port()
        config = pathlib.Path(cls.folder.name, "opslab.yaml")
        config.write_text(
            f'server: {{listen: "127.0.0.1:{port}"}}\n'
            f'plugins: {{state_path: "{cls.folder.name}/state"}}\n'
            f'storage: {{plugin: sqlite, sqlite: {{path: "{cls.folder.name}/opslab.db"}}}}\n'
        )
        cls.environment = {**os.environ, "OPSLAB_COORDINATOR": f"http://127.0.0.1:{port}"}
        cls.server = subprocess.Popen(
            [PROGRAM, "serve", "--config", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_LIMIT_SECONDS
        while cls.run_cli("queue").returncode != 0:
            if time.monotonic() > until:
                cls.tearDownClass()
                raise RuntimeError("the coordinator does not answer")
            time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.folder.cleanup()

    @classmethod
    def run_cli(cls, *words, **options):
        return subprocess.run(
            [PROGRAM, *words],
            capture_output=True,
            text=True,
            timeout=30,
            env=cls.environment,
            check=False,
            **options,
        )

    def submit(self):
        return self.run_cli("task", "submit", "some-problem").stdout.strip()

    def test_a_submitted_task_is_found_again_as_json(self):
        task = self.submit()
        shown = self.run_cli("task", "get", "--json", task)
        self.assertEqual(0, shown.returncode)
        self.assertEqual("pending", json.loads(shown.stdout)["status"])

    def test_a_waiting_task_is_explained(self):
        task = self.submit()
        self.assertIn("no worker is registered", self.run_cli("task", "explain", task).stdout)
        told = json.loads(self.run_cli("task", "explain", "--json", task).stdout)
        self.assertEqual("no_workers", told["reason"])

    def test_the_doctor_looks_at_a_running_coordinator(self):
        config = pathlib.Path(self.folder.name, "opslab.yaml")
        report = self.run_cli("doctor", "--json", "--config", config)
        checks = {check["name"]: check for check in json.loads(report.stdout)["checks"]}
        self.assertEqual(0, report.returncode, report.stdout)
        self.assertIn("coordinator serves", checks["port"]["found"])
        self.assertEqual("ok", checks["storage"]["result"])
        self.assertLessEqual(
            {"program", "configuration", "state", "disk", "disk, storage", "open files", "clock"},
            set(checks),
        )
        self.assertRegex(checks["coordinator"]["found"], r"tasks: \d+ pending; workers: 0 online")

    def test_the_doctor_names_what_is_broken_and_changes_nothing(self):
        folder = pathlib.Path(self.folder.name, "broken")
        folder.mkdir()
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            config = folder / "opslab.yaml"
            config.write_text(
                f'server: {{listen: "127.0.0.1:{other.getsockname()[1]}"}}\n'
                f'plugins: {{state_path: "{folder}/state"}}\n'
                f'storage: {{plugin: sqlite, sqlite: {{path: "{folder}/opslab.db"}}}}\n'
                "runners: [{name: docker, plugin: docker, config: {image: x, "
                f'socket: "unix://{folder}/none.sock"}}}}]\n'
            )
            report = self.run_cli("doctor", "--json", "--config", config)
        failed = {
            check["name"]: check["advice"]
            for check in json.loads(report.stdout)["checks"]
            if check["result"] == "failed"
        }
        self.assertEqual(1, report.returncode)
        self.assertEqual({"port", "runner docker"}, set(failed))
        self.assertTrue(all(failed.values()))
        self.assertEqual([config], list(folder.iterdir()))

    def test_the_doctor_looks_at_secrets_and_at_who_may_read_them(self):
        folder = pathlib.Path(self.folder.name, "secrets")
        folder.mkdir()
        config = folder / "opslab.yaml"
        config.write_text(
            f'server: {{listen: "127.0.0.1:{free_port()}", token_file: "{folder}/token"}}\n'
            f'callbacks: {{secret_file: "{folder}/secret"}}\n'
            f'plugins: {{state_path: "{folder}/state"}}\n'
            "storage: {plugin: postgres, postgres: {url: "
            f'"postgres://opslab:hunter2@127.0.0.1:{free_port()}/x", '
            f'password_file: "{folder}/password"}}}}\n'
            "runners: [{name: process, plugin: process, config: {command: [no-such-driver]}}]\n"
        )
        (folder / "token").write_text("abc\n")
        (folder / "token").chmod(0o644)
        (folder / "secret").write_text("\n")
        (folder / "secret").chmod(0o600)
        config.chmod(0o646)

        report = self.run_cli("doctor", "--json", "--config", config)

        checks = {check["name"]: check for check in json.loads(report.stdout)["checks"]}
        results = {name: check["result"] for name, check in checks.items()}
        self.assertEqual(1, report.returncode)
        self.assertEqual("warning", results["token_file"])
        for name in ("secret_file", "password_file", "configuration", "storage", "runner process"):
            self.assertEqual("failed", results[name], checks[name])
            self.assertTrue(checks[name]["advice"])
        self.assertNotIn("hunter2", report.stdout)
        self.assertNotIn("abc", report.stdout)

        config.chmod(0o644)
        report = self.run_cli("doctor", "--config", config)
        self.assertIn("it holds a password", report.stdout)
        self.assertNotIn("hunter2", report.stdout)

    def test_many_are_submitted_from_standard_input(self):
        lines = '{"problem_id": "a"}\n{"problem_id": "b"}\n'
        sent = self.run_cli("task", "submit", "--file", "-", input=lines)
        self.assertEqual((0, 2), (sent.returncode, len(sent.stdout.split())))

    def test_the_same_idempotency_key_gives_the_same_task(self):
        words = ("task", "submit", "p", "--idempotency-key", "once")
        self.assertEqual(self.run_cli(*words).stdout, self.run_cli(*words).stdout)

    def test_watching_a_cancelled_task_ends_with_5(self):
        task = self.submit()
        self.assertEqual(0, self.run_cli("task", "cancel", task).returncode)
        self.assertEqual(5, self.run_cli("task", "watch", task).returncode)
        self.assertEqual(1, self.run_cli("task", "cancel", task).returncode)

    def test_every_offending_field_is_named(self):
        refused = self.run_cli("task", "submit", "p", "--max-steps", "0", "--priority", "11")
        self.assertEqual((1, ""), (refused.returncode, refused.stdout))
        self.assertIn("/max_steps", refused.stderr)
        self.assertIn("/priority", refused.stderr)

    def test_what_is_not_there_is_1(self):
        missing = self.run_cli("task", "get", "01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11")
        self.assertEqual((1, ""), (missing.returncode, missing.stdout))

    def test_a_wrong_command_line_is_2(self):
        for words in (("task", "bogus"), ("task", "submit"), ("queue", "--coordinator", "x")):
            self.assertEqual(2, self.run_cli(*words).returncode, words)

    def test_no_coordinator_is_6(self):
        away = self.run_cli("queue", "--coordinator", f"http://127.0.0.1:{free_port()}")
        self.assertEqual((6, ""), (away.returncode, away.stdout))


if __name__ == "__main__":
    unittest.main()
