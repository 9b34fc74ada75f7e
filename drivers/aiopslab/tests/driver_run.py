"""Starts the driver as a runner would, against the stand-in for AIOpsLab, and reads its events."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "@prefix-of-this-attempt@"
KEY = "sk-a-key-that-must-not-show"
KUBECONFIG = {
    "current-context": "one",
    "clusters": [{"name": "a", "cluster": {"server": "https://a", "certificate-authority": "ca"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [
        {"name": "one", "context": {"cluster": "a", "user": "u"}},
        {"name": "two", "context": {"cluster": "b", "user": "u"}},
    ],
}


class Run:
    """`plan` is for the stand-in, `task` members go into the task file."""

    def __init__(self, plan=None, environment=None, kubeconfig=True, under=(), **task):
        self.under = under  # a command that the driver is started by
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)
        self.folder.chmod(0o755)  # a runner's work directory can be reached by other users too
        self.work = self.folder / "work"
        self.work.mkdir()
        self.task_file = self.work / "task.json"
        body = {
            "task_id": "t",
            "attempt": 1,
            "problem_id": "standin-detection-1",
            "agent_config": {"agent": "scripted"},
            "max_steps": 5,
            "deadline": "2030-01-01T00:00:00.000000Z",
            "metadata": {},
            "event_prefix": PREFIX,
            **task,
        }
        self.task_file.write_text(json.dumps(body))
        self.journal_file = self.folder / "journal"
        self.journal_file.touch()
        plan = {"journal": str(self.journal_file), **(plan or {})}
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home-of-others"),
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE / "standin")]),
            "OPSLAB_PROTOCOL": "1",
            "OPSLAB_WORK_DIR": str(self.work),
            "OPSLAB_TASK_FILE": str(self.task_file),
            "OPSLAB_CLEANUP_PATIENCE_SECONDS": "1",
            "OPENAI_API_KEY": KEY,
            "STANDIN": json.dumps(plan),
            **(environment or {}),
        }
        if kubeconfig:
            path = self.folder / "kubeconfig"
            path.write_text(json.dumps(KUBECONFIG))
            self.environment["KUBECONFIG"] = str(path)
        self._start()

    def _start(self):
        self.stderr_file = open(self.folder / "stderr", "w+b")
        self.stdout_file = open(self.folder / "stdout", "w+b")
        self.process = subprocess.Popen(
            [*self.under, sys.executable, "-m", "opslab_aiopslab_driver"],
            stdin=subprocess.DEVNULL,
            stdout=self.stdout_file,
            stderr=self.stderr_file,
            env=self.environment,
            cwd=self.work,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._journal = self.journal()
        self.stdout_file.close()
        self.stderr_file.close()
        self._folder.cleanup()

    def wait(self):
        self.code = self.process.wait(timeout=60)
        self.stdout = (self.folder / "stdout").read_bytes()
        self.stderr = (self.folder / "stderr").read_text(errors="replace")
        self.lines = self.stdout.decode().splitlines()  # all of it is UTF-8
        self.events = [
            json.loads(line[len(PREFIX) :]) for line in self.lines if line.startswith(PREFIX)
        ]
        return self

    def reach(self, word):
        """Returns once the journal holds the word; the run goes on."""
        return self._until(lambda: word in self.journal(), word)

    def stop_when(self, word):
        """SIGTERM to the whole group once the journal holds the word, as a runner stops a run."""
        self.reach(word)
        return self._stop()

    def stop_when_taken(self):
        """The same once the driver has taken its task file, while it starts itself anew."""
        self._until(lambda: not self.task_file.exists(), "taking of the task file")
        return self._stop()

    def _until(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"no {what}: {self.journal()}")
            time.sleep(0.001)
        return self

    def _stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.wait()

    def journal(self):
        """What was done to the pretended cluster; after the end, too."""
        if not self.journal_file.exists():
            return self._journal
        return self.journal_file.read_text().splitlines()

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    def phases(self):
        return [f"{event['name']} {event['state']}" for event in self.of("phase")]

    def logs(self):
        return "\n".join(event["message"] for event in self.of("log"))


def played(*arguments, **options):
    with Run(*arguments, **options) as run:
        return run.wait()
