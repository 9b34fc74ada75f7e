"""What every part of the contract audit shares: one coordinator for all of them, calls that say
what they expect, workers and tasks on demand, and requests written byte by byte."""

import itertools
import json
import pathlib
import re
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from coordinator import Coordinator, processes_with, until  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
UUID_7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
NO_TASK = "01890000-0000-7000-8000-000000000000"
NO_WORKER = "worker-999-nowhere"
LIMIT_SECONDS = 60


class Stand:
    """The coordinator under audit, started when the first test asks for it."""

    program = None
    on_postgres = False
    coordinator = None
    postgres = None
    folder = None
    numbers = itertools.count(1)

    @classmethod
    def up(cls):
        if cls.coordinator is None:
            cls.folder = tempfile.TemporaryDirectory()
            cls.postgres = PostgresServer() if cls.on_postgres else None
            cls.coordinator = Coordinator(
                cls.program, cls.folder.name, "callbacks: {allow_private: true}\n", cls.postgres
            ).start()
        return cls.coordinator

    @classmethod
    def down(cls):
        if cls.coordinator is not None:
            cls.coordinator.stop()
            cls.folder.cleanup()
        if cls.postgres is not None:
            cls.postgres.remove()


class Audit(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.coordinator = Stand.up()

    # --- calls ------------------------------------------------------------------------------

    def call(self, method, path, body=None, headers=None):
        return self.coordinator.call(method, path, body, headers)

    def expect(self, wanted, method, path, body=None, headers=None):
        status, _, answer = self.call(method, path, body, headers)
        self.assertEqual(status, wanted, f"{method} {path[:200]}: {str(answer)[:600]}")
        return answer

    def refused(self, wanted, code, method, path, body=None, headers=None):
        """The error form; gives the fields that it names."""
        status, _, answer = self.call(method, path, body, headers)
        what = f"{method} {path[:120]} {str(body)[:200]} {headers}: {str(answer)[:600]}"
        self.assertEqual(status, wanted, what)
        self.assertEqual(answer["code"], code, what)
        self.assertTrue(isinstance(answer["error"], str) and answer["error"], what)
        self.assertIsInstance(answer["details"], dict, what)
        fields = answer["details"].get("fields", [])
        for field in fields:
            self.assertEqual(sorted(field), ["field", "message"], what)
            self.assertTrue(field["message"], what)
        return [field["field"] for field in fields]

    def invalid(self, fields, method, path, body=None, headers=None):
        """A validation error that names these fields and no other."""
        named = self.refused(400, "validation_error", method, path, body, headers)
        self.assertEqual(sorted(named), sorted(fields), f"{method} {path[:120]} {str(body)[:300]}")

    # --- what tests need --------------------------------------------------------------------

    def fresh(self, word="b"):
        return f"{word}{next(Stand.numbers)}"

    def worker(self, backend, number=1, **capabilities):
        worker = f"worker-{number:03}-{backend}"
        request = {"id": worker, "backend_type": backend, "capabilities": capabilities}
        self.expect(201, "POST", "/workers/register", request)
        return worker

    def submit(self, **request):
        return self.expect(201, "POST", "/tasks", {"problem_id": "audit"} | request)

    def claim(self, worker, **request):
        status, _, answer = self.call("POST", f"/workers/{worker}/claim", request)
        self.assertIn(status, (200, 204), answer)
        return answer["tasks"] if status == 200 else []

    def running(self, **request):
        """A worker, a task that it has claimed, and the path of its writes."""
        backend = self.fresh("run")
        request = {"problem_id": backend, "backend_type": backend} | request
        worker = self.worker(backend, supported_problems=[request["problem_id"]])
        task = self.submit(**request)["id"]
        self.assertEqual([one["id"] for one in self.claim(worker)], [task])
        return worker, task, f"/workers/{worker}/tasks/{task}"

    def ended(self, **request):
        worker, task, path = self.running(**request)
        self.expect(200, "POST", f"{path}/complete", {"attempt": 1, "result": {"success": True}})
        return worker, task, path

    # --- bytes ------------------------------------------------------------------------------

    def raw(self, request, wait_for_close=False):
        """Sends these bytes, gives status, headers (lower case) and body of the one answer."""
        with socket.create_connection(("127.0.0.1", self.coordinator.port), LIMIT_SECONDS) as link:
            try:
                link.sendall(request)
            except (BrokenPipeError, ConnectionResetError):
                pass  # an answer that comes before all was sent
            data = b""
            while b"\r\n\r\n" not in data:
                more = link.recv(65536)
                if not more:
                    break
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", 0))
            if request.startswith(b"HEAD "):
                length = 0
            while len(body) < length or wait_for_close:
                more = link.recv(65536)
                if not more:
                    break
                body += more
        status = int(lines[0].split()[1]) if len(lines[0].split()) > 1 else 0
        return status, headers, body

    def raw_post(self, path, body, headers=""):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        status, _, answer = self.raw(head.encode("latin-1") + body)
        return status, json.loads(answer)


__all__ = ["Audit", "Stand", "Coordinator", "PostgresServer", "processes_with", "until", "TIME", "UUID_7", "NO_TASK", "NO_WORKER", "LIMIT_SECONDS"]
