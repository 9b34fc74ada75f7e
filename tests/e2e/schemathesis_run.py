#!/usr/bin/env python3
"""schemathesis against a real coordinator, from its own /openapi.json: no 5xx, no answer that the
document does not describe, nothing refused that it allows, nothing accepted that it does not.

usage: schemathesis_run.py OPSLAB VENV [--postgres] [--examples N] [--seed N]

VENV is made, with what schemathesis.requirements.txt names, where it is not there yet.
"""

import argparse
import fcntl
import hashlib
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import threading

from coordinator import Coordinator
from postgres_server import PostgresServer

HERE = pathlib.Path(__file__).parent
REQUIREMENTS = HERE / "schemathesis.requirements.txt"
EXCLUDED = [
    "positive_data_acceptance",  # schemathesis_checks.py says why
    "use_after_free",  # DELETE cancels: a task and its history are kept for ever
]


def make_venv(folder):
    """The program `st`, of just the versions that are named."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    mark = folder / "made-from"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(str(folder) + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run(
                [folder / "bin/pip", "install", "--quiet", "-r", REQUIREMENTS], check=True
            )
            mark.write_text(wanted)
    return folder / "bin/st"


class Canceller(threading.Thread):
    """Cancels tasks while they wait: the events of a task are a stream that ends with it."""

    def __init__(self, coordinator, token):
        super().__init__(daemon=True)
        self.coordinator = coordinator
        self.headers = {"Authorization": f"Bearer {token}"}
        self.ended = threading.Event()

    def call(self, method, path):
        return self.coordinator.call(method, path, headers=self.headers)[2]

    def run(self):
        while not self.ended.wait(0.5):
            for status in ("pending", "running"):
                for task in self.call("GET", f"/tasks?status={status}&limit=100")["tasks"]:
                    self.call("DELETE", f"/tasks/{task['id']}")

    def end(self):
        self.ended.set()
        self.join()


def run(st, coordinator, token, arguments, folder):
    command = [
        st, "run", f"http://127.0.0.1:{coordinator.port}/openapi.json",
        "--header", f"Authorization: Bearer {token}",
        "--max-examples", str(arguments.examples), "--seed", str(arguments.seed),
        "--exclude-checks", ",".join(EXCLUDED),
        "--request-timeout", "60", "--suppress-health-check", "all",
        "--continue-on-failure", "--no-color", "--warnings", "off",
        "--generation-database", "none",
    ]
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="schemathesis_checks", PYTHONPATH=str(HERE))
    # not the tree: schemathesis writes where it is
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("opslab")
    parser.add_argument("venv", type=pathlib.Path)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--examples", type=int, default=4, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    st = make_venv(arguments.venv.resolve())
    database = PostgresServer() if arguments.postgres else None
    try:
        with tempfile.TemporaryDirectory(prefix="opslab-st-") as folder:
            token = secrets.token_hex(16)
            file = pathlib.Path(folder) / "token"
            file.touch(mode=0o600)
            file.write_text(token)
            coordinator = Coordinator(arguments.opslab, folder, "", database)
            config = coordinator.config.read_text()
            coordinator.config.write_text(
                config.replace("server: {", f'server: {{token_file: "{file}", ', 1)
            )
            coordinator.start()
            canceller = Canceller(coordinator, token)
            canceller.start()
            try:
                code = run(st, coordinator, token, arguments, folder)
            finally:
                canceller.end()
            assert coordinator.stop() == 0, "the coordinator did not end well"
    finally:
        if database is not None:
            database.remove()
    sys.exit(code)


if __name__ == "__main__":
    main()
