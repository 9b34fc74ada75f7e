"""A Docker engine of the harness's own: its own socket, data and processes, so that it may be killed.
What it runs is written into the drivers' journal as it tells it: a container's start and its end."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).parents[2]
START_SECONDS = 60


class EngineConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    """With `live_restore` its containers outlive it; without, it ends them as it starts again."""

    def __init__(self, folder, journal, driver, live_restore=False):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.socket = self.folder / "docker.sock"
        self.journal = journal
        self.live_restore = live_restore
        # apart from dockerd, as Debian's service is: it outlives a kill of dockerd with its containers
        self.containerd = self.spawn(
            "containerd", "--address", self.folder / "containerd.sock",
            "--root", self.folder / "containerd", "--state", self.folder / "containerd-run",
        )  # fmt: skip
        self.process = None
        self.seen = set()
        self.running = {}  # container: (task, attempt)
        self.ended = threading.Event()
        self.since = time.time_ns()
        # events bear the time of day; the journal is monotonic
        self.offset = time.monotonic_ns() - time.time_ns()
        self.start()
        self.image = self.make_image(driver)
        threading.Thread(target=self.listen_on, daemon=True).start()

    def start(self):
        (self.folder / "docker.pid").unlink(missing_ok=True)
        self.process = self.spawn(
            "dockerd", "--host", f"unix://{self.socket}", "--data-root", self.folder / "data",
            "--exec-root", self.folder / "run", "--pidfile", self.folder / "docker.pid",
            "--containerd", self.folder / "containerd.sock",
            "--bridge", "none", "--iptables=false", "--ip6tables=false",
            f"--live-restore={str(self.live_restore).lower()}",
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"dockerd does not answer; see {self.folder}/dockerd.log")
            time.sleep(0.1)

    def spawn(self, *words):
        with open(self.folder / f"{words[0]}.log", "ab") as log:
            return subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def ask(self, method, path, timeout=20):
        connection = EngineConnection(self.socket, timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answers(self):
        try:
            return self.ask("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def make_image(self, driver):
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}
        made = subprocess.run(
            [ROOT / "scripts/simulated-image", driver],
            check=True, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        return made.stdout.split()[-1]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def kill_container(self, container):
        return self.ask("POST", f"/containers/{container}/kill")[0] == 204

    def containers(self):
        _, listed = self.ask("GET", "/containers/json?all=true")
        return [one["Names"][0] for one in json.loads(listed)]

    # what it tells

    def listen_on(self):
        while not self.ended.is_set():
            connection = EngineConnection(self.socket, None)
            try:
                seconds = f"{self.since // 10**9}.{self.since % 10**9:09d}"
                connection.request("GET", f"/events?since={seconds}")
                response = connection.getresponse()
                while line := response.readline():
                    self.hear(json.loads(line))
            except (OSError, http.client.HTTPException, ValueError):
                self.ended.wait(0.1)
            finally:
                connection.close()

    def hear(self, event):
        about = event.get("Actor", {})
        labels = about.get("Attributes", {})
        what = {"start": "start", "die": "end"}.get(event.get("Action"))
        mark = (about.get("ID"), what)
        if event.get("Type") != "container" or what is None or mark in self.seen:
            return
        if "opslab.task" not in labels:
            return
        self.seen.add(mark)
        self.since = event["timeNano"]
        run = (labels["opslab.task"], labels["opslab.attempt"])
        if what == "start":
            self.running[about["ID"]] = run
        else:
            self.running.pop(about["ID"], None)
        with open(self.journal, "a", encoding="utf-8") as journal:
            journal.write(f"{what} {run[0]} {run[1]} 0 {event['timeNano'] + self.offset}\n")

    def remove(self):
        self.ended.set()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        mounts = pathlib.Path("/proc/mounts").read_text().split("\n")
        for mount in reversed([line.split()[1] for line in mounts if str(self.folder) in line]):
            subprocess.run(["umount", "--lazy", mount], check=False)

    def processes(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found
