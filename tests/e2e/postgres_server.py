"""A throw-away PostgreSQL server for the end-to-end tests (scripts/postgres-server)."""

import pathlib
import subprocess
import tempfile

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts/postgres-server"


class PostgresServer:
    """A test that needs one cannot pass without: a server that does not start is a failure."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="opslab-pg-")
        self.url = self.start()
        self.password = self.url.split("@")[0].rsplit(":", 1)[1]

    def _run(self, action):
        done = subprocess.run(
            [SCRIPT, action, self.folder], stdout=subprocess.PIPE, text=True, check=True, timeout=120
        )
        return done.stdout.strip()

    def start(self):
        return self._run("start")

    def stop(self):
        self._run("stop")

    def kill(self):
        self._run("kill")

    def remove(self):
        self._run("remove")
