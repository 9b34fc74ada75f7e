#!/usr/bin/env python3
"""docs/writing-a-runner.md as a reader follows it: its commands, in its order, with the installed SDK
and nothing of the tree; its code goes where it says. Only the port is another one, and what needs a
package manager or writes to /usr is not run.
Usage: writing_a_runner.py BUILD SOURCES WORK"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

WORK = pathlib.Path(sys.argv.pop()).resolve()
SOURCES = pathlib.Path(sys.argv.pop()).resolve()
BUILD = pathlib.Path(sys.argv.pop()).resolve()
PREFIX = WORK / "prefix"
GUIDE = (SOURCES / "docs/writing-a-runner.md").read_text()
LIMIT_SECONDS = 240


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guide(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        subprocess.run(
            ["cmake", "--install", BUILD, "--prefix", PREFIX], check=True, capture_output=True
        )
        self.folder = WORK
        self.address = f"127.0.0.1:{free_port()}"
        self.server = None
        self.ran = []
        kept = {name: text for name, text in os.environ.items() if not name.startswith("OPSLAB_")}
        self.environment = kept | {
            "PATH": f"{PREFIX / 'bin'}:{os.environ['PATH']}",
            "CMAKE_PREFIX_PATH": str(PREFIX),
            "OPSLAB_COORDINATOR": f"http://{self.address}",
            "HOME": str(WORK),
        }
        self.environment.pop("XDG_STATE_HOME", None)

    def tearDown(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(LIMIT_SECONDS)

    def run_line(self, line):
        done = subprocess.run(
            # the new working directory comes back through a file
            ["bash", "-euo", "pipefail", "-c", f"{line}\npwd >'{WORK}/where'"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        self.assertEqual(0, done.returncode, f"{line}\n{done.stdout}")
        self.folder = pathlib.Path((WORK / "where").read_text().strip())
        self.ran.append(line)
        return done.stdout

    def serve(self, line):
        """In the background, on a port of this test."""
        config = self.folder / "opslab.yaml"
        config.write_text(config.read_text() + f'server: {{listen: "{self.address}"}}\n')
        with open(WORK / "serve.log", "wb") as log:
            self.server = subprocess.Popen(
                line.split(), cwd=self.folder, env=self.environment | {"PWD": str(self.folder)},
                stdout=log, stderr=log,
            )
        end = time.monotonic() + LIMIT_SECONDS
        ready = ["curl", "-sf", f"http://{self.address}/ready"]
        while subprocess.run(ready, capture_output=True, check=False).returncode != 0:
            said = (WORK / "serve.log").read_text()
            self.assertIsNone(self.server.poll(), said)
            self.assertLess(time.monotonic(), end, said)
        self.ran.append(line)

    def apply(self, code):
        """Puts a function of the guide in the place of the project's."""
        source = self.folder / "sandbox_runner.cpp"
        head = re.match(r" *[^\n]*\(", code).group(0)
        old = re.compile(re.escape(head) + r".*?\n    }\n", re.S)
        text, count = old.subn(lambda _: code, source.read_text(), count=1)
        self.assertEqual(1, count, f"the project has no function like {head}")
        source.write_text(text)

    def follow_the_guide(self):
        for language, text in re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.S):
            if language == "cpp":
                self.apply(text)
                continue
            for line in text.replace("\\\n", " ").splitlines():
                if line.startswith("apt-get") or line.endswith("--prefix /usr"):
                    continue
                if line.startswith("opslab serve"):
                    self.serve(line)
                    continue
                said = self.run_line(line)
                if line.startswith("opslab plugin check"):
                    self.assertIn(" 0 failed, 0 skipped", said)
        self.assertTrue((self.folder / "report.xml").exists())
        self.assertIn("runner-sandbox", str(self.folder))
        for verb in ("plugin new", "plugin check", "plugin info", "serve", "task submit"):
            self.assertTrue(any(f"opslab {verb}" in line for line in self.ran), verb)

    def test_every_command_of_it_works_and_the_driver_has_no_network(self):
        self.follow_the_guide()
        processes = self.run_line(
            'opslab task submit x --backend sandbox --agent-config \'{"simulate": {"mode": "hang"}}\' --json'
        )
        task = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", processes).group(0)
        end = time.monotonic() + LIMIT_SECONDS
        seen = None
        while seen is None and time.monotonic() < end:
            for process in pathlib.Path("/proc").iterdir():
                try:
                    if f"/{task}.1/work".encode() in (process / "environ").read_bytes():
                        if b"simulated" in (process / "cmdline").read_bytes().split(b"\0")[0]:
                            seen = os.readlink(process / "ns/net")
                except OSError:
                    continue
        self.assertIsNotNone(seen, "the driver")
        self.assertNotEqual(os.readlink("/proc/self/ns/net"), seen)
        self.run_line(f"opslab task cancel {task}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
