#!/usr/bin/env python3
"""Secrets are planted wherever an operator keeps one, everything is driven that can go wrong, and
then they are looked for: in answers, logs, output of commands, arguments and environments of
processes, and files that others may read. Usage: no_secret_shows.py OPSLAB"""

import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until
from postgres_server import PostgresServer

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
MARK = "OPSLAB_TEST_RUN=" + secrets.token_hex(8)


def children_environment():
    """Of the drivers of this test: all that was given to them."""
    found = []
    for pid in processes_with(MARK):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"opslab-driver-simulated" in command.split(b"\0")[0]:
                found.append(pathlib.Path(f"/proc/{pid}/environ").read_bytes())
        except OSError:
            continue
    return found


class PlantedSecrets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="opslab-secrets-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.postgres = PostgresServer()
        self.addCleanup(self.postgres.remove)
        self.token = "canary-token-" + secrets.token_hex(8)
        self.callback = "canary-callback-" + secrets.token_hex(8)
        self.agent_key = "canary-agent-" + secrets.token_hex(8)
        self.unused_key = "canary-unused-" + secrets.token_hex(8)
        self.secrets = [
            self.token, self.callback, self.agent_key, self.unused_key, self.postgres.password
        ]
        self.environment = dict(
            os.environ,
            PLANTED_PASSWORD=self.postgres.password,
            PLANTED_AGENT_KEY=self.agent_key,
            PLANTED_UNUSED_KEY=self.unused_key,
        )
        self.environment.update([MARK.split("=")])
        self.seen = []
        self.coordinator = self.start(self.config())

    def private(self, name, text):
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text + "\n")
        return file

    def config(self):
        mark, _ = MARK.split("=")
        return (
            f'callbacks: {{secret_file: "{self.private("callback", self.callback)}", allow_private: true,'
            " max_attempts: 1}\n"
            "log: {level: debug, format: json}\n"
            "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            "    config:\n"
            "      command: [opslab-driver-simulated]\n"
            f"      environment: [PLANTED_AGENT_KEY, {mark}]\n"
            "workers: [{runner: process, count: 1, max_parallel_tasks: 2}]\n"
        )

    def start(self, config):
        coordinator = Coordinator(PROGRAM, self.folder, config, self.postgres)
        text = coordinator.config.read_text()
        self.token_file = self.private("token", self.token)
        text = text.replace(self.postgres.password, "${PLANTED_PASSWORD}")
        text = text.replace("server: {", f'server: {{token_file: "{self.token_file}", ', 1)
        coordinator.config.write_text(text)
        self.assertNotIn(self.postgres.password, text)
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            coordinator.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.addCleanup(lambda: coordinator.process.poll() is None and coordinator.kill())
        return coordinator

    def ask(self, method, path, body=None, token=None, **headers):
        headers["Authorization"] = f"Bearer {self.token if token is None else token}"
        status, answer_headers, answer = self.coordinator.call(method, path, body, headers)
        self.seen.append(f"{method} {path}: {status} {answer_headers} {json.dumps(answer)}")
        return status, answer

    def command(self, *arguments, environment=None):
        done = subprocess.run(
            [PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False,
            env=environment or self.environment,
        )
        self.seen.append(f"opslab {arguments}: {done.stdout} {done.stderr}")
        return done.returncode

    def cli(self, *arguments):
        address = f"http://127.0.0.1:{self.coordinator.port}"
        return self.command(
            *arguments, "--coordinator", address, "--token-file", str(self.token_file)
        )

    def assert_nothing_shows(self):
        self.seen.append((self.folder / "serve.log").read_text(errors="replace"))
        for text in self.seen:
            for secret in self.secrets:
                if secret in text:
                    at = text.index(secret)
                    self.fail(f"a secret shows: {text[max(0, at - 300):at + 40]}")

    def end_of(self, task):
        return until(
            lambda: (answer := self.ask("GET", f"/tasks/{task}")[1])["status"]
            not in ("pending", "running") and answer,
            "the task to end",
        )

    def submit(self, **script):
        status, task = self.ask(
            "POST", "/tasks", {
                "problem_id": "simulated-detection", "agent_config": {"simulate": script},
                "callback_url": "http://127.0.0.1:9/closed",
            },
        )
        self.assertEqual(status, 201, task)
        return task["id"]

    def test_of_runs_however_they_end(self):
        for mode in ("ok", "error", "infrastructure", "no_result", "crash", "badjson"):
            task = self.submit(mode=mode)
            self.end_of(task)
            for path in ("", "/logs?limit=1000", "/trajectory", "/explain"):
                self.ask("GET", f"/tasks/{task}{path}")
        self.ask("GET", "/trajectories")
        self.ask("GET", "/metrics")
        self.ask("GET", "/health")
        self.ask("GET", "/workers")
        self.assert_nothing_shows()

    def test_of_calls_that_are_refused(self):
        for token in (self.token[:-1], self.token + "x", "wrong", ""):
            self.assertEqual(self.ask("GET", "/tasks", token=token)[0], 401)
        # put where it does not belong, and refused there: no header is repeated
        for name in ("X-Request-ID", "Idempotency-Key", "Last-Event-ID", "Origin"):
            self.ask("POST", "/tasks", {"problem_id": 1}, **{name: "Bearer " + self.token})
        self.ask("POST", "/tasks", b'{"a":', token=self.token)
        self.ask("DELETE", "/nowhere")
        self.assert_nothing_shows()

    def test_of_a_database_that_is_away(self):
        self.postgres.stop()
        self.assertEqual(self.ask("GET", "/ready")[0], 503)
        self.assertEqual(self.ask("POST", "/tasks", {"problem_id": "p"})[0], 503)
        self.ask("GET", "/health")
        self.ask("GET", "/tasks")
        self.command("db", "status", "--config", str(self.coordinator.config))
        self.command("doctor", "--config", str(self.coordinator.config))
        self.postgres.start()
        until(lambda: self.ask("GET", "/ready")[0] == 200, "the database to be back")
        self.assert_nothing_shows()

    def test_of_a_wrong_password_and_a_wrong_configuration(self):
        wrong = dict(self.environment, PLANTED_PASSWORD="canary-wrong-" + secrets.token_hex(8))
        self.secrets.append(wrong["PLANTED_PASSWORD"])
        config = str(self.coordinator.config)
        self.coordinator.stop()  # or doctor would ask it, and need no password
        for verb in (("db", "status"), ("db", "migrate"), ("serve",), ("doctor",)):
            code = self.command(*verb, "--config", config, environment=wrong)
            self.assertNotEqual(code, 0, self.seen[-1])
        bad = self.folder / "bad.yaml"
        bad.write_text(
            'server: {listen: "${PLANTED_PASSWORD}", token_file: ["${PLANTED_PASSWORD}"]}\n'
            "sweep: {interval_seconds: ${PLANTED_AGENT_KEY}}\n"
            'storage: {plugin: postgres, postgres: {url: "x://u:${PLANTED_PASSWORD}@h", pool_size: 0}}\n'
        )
        for verb in (("config", "check", str(bad)), ("serve", "--config", str(bad))):
            self.assertNotEqual(self.command(*verb), 0)
        self.assert_nothing_shows()

    def test_of_commands_and_their_arguments(self):
        task = self.submit(mode="hang")
        until(children_environment, "the driver to run")
        for verb in (("task", "list"), ("task", "get", task), ("worker", "list"), ("queue",)):
            self.cli(*verb)
        for entry in pathlib.Path("/proc").iterdir():
            try:
                arguments = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                self.seen.append(arguments)
        self.ask("DELETE", f"/tasks/{task}")
        self.assert_nothing_shows()

    def test_of_the_operator_from_a_driver(self):
        task = self.submit(mode="hang")
        given = until(children_environment, "the driver to run")
        for environment in given:
            text = environment.decode(errors="replace")
            self.assertIn(self.agent_key, text, "what is allowed by name is given")
            for secret in self.secrets:
                if secret != self.agent_key:
                    self.assertNotIn(secret, text, "and nothing else")
        self.ask("DELETE", f"/tasks/{task}")

    def test_of_files_that_others_may_read(self):
        task = self.submit(mode="hang")
        until(children_environment, "the driver to run")
        state = self.folder / "state"
        files = [path for path in state.rglob("*") if path.is_file()]
        self.assertTrue(files)
        for path in files:
            way = [path, *(parent for parent in path.parents if state in parent.parents)]
            closed = any(step.stat().st_mode & 0o077 == 0 for step in way)
            self.assertTrue(closed, f"{path} is open to others")
        self.ask("DELETE", f"/tasks/{task}")
        for path in files:
            if path.exists():
                content = path.read_bytes().decode(errors="replace")
                for secret in self.secrets:
                    self.assertNotIn(secret, content, path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
