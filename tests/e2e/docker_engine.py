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
        done = subprocess.run([self.script, word], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise AssertionError(f"{self.script.name} {word}: {done.stderr}")

    def start(self):
        self._call("own")
        os.environ["DOCKER_HOST"] = f"unix://{self.folder}/docker.sock"

    def kill(self):
        # its containerd dies with it, a moment later: the next dockerd would take it for a living one
        dockerd, containerd = (
            int(pathlib.Path(self.folder, name).read_text())
            for name in ("pid", "exec/containerd/containerd.pid")
        )
        os.kill(dockerd, signal.SIGKILL)
        for process in (dockerd, containerd):
            until(lambda at=pathlib.Path(f"/proc/{process}"): not at.exists(), "the engine's end")

    def shut_down(self):
        self._call("stop")

    def stop(self):
        remove_containers()
        self.shut_down()
        shutil.rmtree(self.folder, ignore_errors=True)
