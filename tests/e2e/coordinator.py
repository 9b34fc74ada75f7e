"""A real `opslab serve` for the end-to-end tests: started, killed, asked over HTTP."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from api_document import ApiDocument

LIMIT_SECONDS = 60
DOCUMENT = ApiDocument(
    (pathlib.Path(__file__).parents[2] / "core/src/http/openapi.json").read_text()
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, limit=None):
    """Waits for a condition; the limit is only there to end a test that hangs."""
    limit = limit or LIMIT_SECONDS
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s in vain for {what}")
        time.sleep(0.02)


def decoded(raw):
    try:
        return None if raw is None else json.loads(raw)
    except (ValueError, RecursionError):
        return None


class Coordinator:
    """`config` is YAML below the lines for address, storage and state, which are made here. With
    `postgres`, a PostgresServer, the database is there, and otherwise an SQLite file."""

    def __init__(self, program, folder, config, postgres=None):
        self.program = str(program)
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.config = self.folder / "opslab.yaml"
        storage = f'{{plugin: sqlite, sqlite: {{path: "{folder}/opslab.db"}}}}'
        if postgres is not None:
            storage = f'{{plugin: postgres, postgres: {{url: "{postgres.url}"}}}}'
        self.config.write_text(
            f'server: {{listen: "127.0.0.1:{self.port}", drain_seconds: 5}}\n'
            f'plugins: {{state_path: "{folder}/state"}}\n'
            f"storage: {storage}\n" + config
        )
        self.process = None

    def launch(self):
        with open(self.folder / "serve.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--config", self.config], stdout=log, stderr=log
            )

    def start(self):
        self.launch()
        until(self.is_ready, "the coordinator to be ready")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError("serve ended:\n" + (self.folder / "serve.log").read_text()[-4000:])
        try:
            return self.call("GET", "/ready")[0] == 200
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_SECONDS)

    def call(self, method, path, body=None, headers=None):
        """Status, headers and the decoded answer (text where it is no JSON), which has been held
        against openapi.json."""
        raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        headers = dict(headers or {})
        if raw is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_SECONDS)
        try:
            connection.request(method, path, raw, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text.decode(errors="replace")
        answer_headers = dict(response.getheaders())
        DOCUMENT.check(method, path, decoded(raw), response.status, answer_headers, answer)
        return response.status, answer_headers, answer

    def get(self, path):
        return self.call("GET", path)[2]

    def submit(self, **request):
        status, _, answer = self.call("POST", "/tasks", request)
        assert status == 201, answer
        return answer["id"]

    def task(self, task_id):
        return self.get(f"/tasks/{task_id}")

    def wait_for_end(self, task_id):
        terminal = ("completed", "failed", "timeout", "cancelled")

        def ended():
            task = self.task(task_id)
            return task if task["status"] in terminal else None

        return until(ended, f"the end of {task_id}")


def processes_with(marker):
    """Ids of the processes whose environment holds the text (drivers of this test)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
