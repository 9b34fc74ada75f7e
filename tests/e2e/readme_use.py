#!/usr/bin/env python3
"""The README's page of use, run as it is written: its configuration, its commands, its curl lines.
Only the port is another one, so that it runs beside anything. Usage: readme_use.py OPSLAB"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from coordinator import free_port, until

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
STATED = "127.0.0.1:8000"


def page_of_use():
    """(language, text) of each fenced block of the section."""
    section = re.search(r"^## Use\n(.*?)^## ", README, re.S | re.M).group(1)
    return re.findall(r"```(\w+)\n(.*?)```", section, re.S)


class PageOfUse(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.address = f"127.0.0.1:{free_port()}"
        self.environment = {
            **os.environ,
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "OPSLAB_COORDINATOR": f"http://{self.address}",
            "XDG_STATE_HOME": f"{self.folder.name}/state",
        }
        self.server = None

    def tearDown(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
        self.folder.cleanup()

    def run_line(self, line):
        made = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.folder.name,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(0, made.returncode, f"{line}\n{made.stdout}\n{made.stderr}")
        return made.stdout

    def serve(self, configuration):
        where = pathlib.Path(self.folder.name, "opslab.yaml")
        where.write_text(configuration + f'server: {{listen: "{self.address}"}}\n')
        self.server = subprocess.Popen(
            [PROGRAM, "serve", "--config", "opslab.yaml"],
            cwd=self.folder.name,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ready = ["curl", "-sf", f"http://{self.address}/ready"]
        until(lambda: subprocess.run(ready, capture_output=True).returncode == 0, "the coordinator")

    def test_every_command_of_the_page_works(self):
        blocks = page_of_use()
        configuration = [text for language, text in blocks if language == "yaml"]
        self.assertEqual(1, len(configuration))
        self.serve(configuration[0])
        task, ran = None, []
        for language, text in blocks:
            if language != "sh":
                continue
            for line in text.replace("\\\n", " ").splitlines():
                if line.startswith(("scripts/", "build/")):
                    continue  # building and serving: done above
                line = line.replace(STATED, self.address)
                if "TASK" in line:
                    line = line.replace("TASK", task)
                output = self.run_line(line)
                ran.append(line)
                made = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", output)
                task = task or (made and made.group(0))
        self.assertGreater(len([line for line in ran if line.startswith("opslab")]), 3)
        self.assertGreater(len([line for line in ran if line.startswith("curl")]), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
