"""A Docker engine of a test's own."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from coordinator import until


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def remove_containers():
    listed = subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True)
    for container in listed.stdout.split():
        subprocess.run(["docker", "rm", "-fv", container], capture_output=True)


class Engine:
    """A Docker engine of the tests' own, beside any other of this machine."""

    def __init__(self, sources):
        self.script = pathlib.Path(sources) / "scripts/docker-engine"
        self.folder = tempfile.mkdtemp(prefix="oke", dir="/tmp")  # a socket's path must be short

    def _call(self, word):
        environment = {**os.environ, "OPSLAB_ENGINE_STATE_DIR": self.folder}
        environment.pop("DOCKER_HOST", None)
        subprocess.run([self.script, word], check=True, capture_output=True, env=environment)

    def start(self):
        self._call("own")
        os.environ["DOCKER_HOST"] = f"unix://{self.folder}/docker.sock"

    def kill(self):
        process = int(pathlib.Path(self.folder, "pid").read_text())
        os.kill(process, signal.SIGKILL)
        until(lambda: not pathlib.Path(f"/proc/{process}").exists(), "the end of dockerd")

    def shut_down(self):
        self._call("stop")

    def stop(self):
        remove_containers()
        self._call("stop")
        shutil.rmtree(self.folder, ignore_errors=True)
