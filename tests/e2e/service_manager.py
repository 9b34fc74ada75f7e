#!/usr/bin/env python3
"""What a service manager hears of `opslab serve`: that it is ready once it answers, and that it
stops. Usage: service_manager.py OPSLAB"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import uuid

from coordinator import free_port

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
LIMIT_SECONDS = 60


class ServiceManager(unittest.TestCase):
    def hear(self, folder, name, address):
        port = free_port()
        config = pathlib.Path(folder, "opslab.yaml")
        config.write_text(
            f'server: {{listen: "127.0.0.1:{port}"}}\n'
            f'plugins: {{state_path: "{folder}/state"}}\n'
            f'storage: {{plugin: sqlite, sqlite: {{path: "{folder}/opslab.db"}}}}\n'
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(LIMIT_SECONDS)
            server = subprocess.Popen(
                [PROGRAM, "serve", "--config", config],
                env={**os.environ, "NOTIFY_SOCKET": name},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                self.assertEqual(b"READY=1", manager.recv(100))
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready") as answer:
                    self.assertEqual(200, answer.status)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(b"STOPPING=1", manager.recv(100))
                self.assertEqual(0, server.wait(LIMIT_SECONDS))
            finally:
                server.kill()
                server.wait()

    def test_by_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            self.hear(folder, f"{folder}/notify", f"{folder}/notify")

    def test_by_an_abstract_name(self):
        name = f"opslab-test-{uuid.uuid4()}"
        with tempfile.TemporaryDirectory() as folder:
            self.hear(folder, "@" + name, "\0" + name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
