"""A process that is started again when it is gone, as systemd would."""

import signal
import subprocess
import time

AGAIN_SECONDS = 0.3


class Kept:
    """`command` runs with its output appended to `log`. Only one thread uses it."""

    def __init__(self, name, command, log, history, environment=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.log = log
        self.history = history
        self.environment = environment
        self.process = None
        self.start_at = 0.0
        self.killed = False
        self.frozen = False
        self.thaw_at = 0.0
        self.may_end = False  # while its storage is away it may give up and be started again
        self.times_ended = 0

    def start(self):
        self.killed = False
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, stay_dead=0.0):
        """kill -9; it is started again after so many seconds."""
        self.killed = True
        self.process.kill()
        self.process.wait()
        self.frozen = False
        self.start_at = time.monotonic() + stay_dead

    def freeze(self, seconds=float("inf")):
        """SIGSTOP; `tend` thaws it after so many seconds."""
        self.process.send_signal(signal.SIGSTOP)
        self.frozen = True
        self.thaw_at = time.monotonic() + seconds

    def thaw(self):
        if self.frozen and self.is_up():
            self.process.send_signal(signal.SIGCONT)
        self.frozen = False

    def tend(self):
        """Starts or thaws it where it is due; notes an end that nobody caused."""
        if self.is_up():
            if self.frozen and time.monotonic() >= self.thaw_at:
                self.thaw()
            return
        if self.process is not None and not self.killed:
            self.times_ended += 1
            self.killed = True
            self.start_at = time.monotonic() + AGAIN_SECONDS
            if not self.may_end:
                code = self.process.returncode
                self.history.note("ended_by_itself", name=self.name, code=code)
        if time.monotonic() >= self.start_at:
            self.start()

    def stop(self, limit=60):
        """SIGTERM; a process that does not end by it is killed and said to be left."""
        self.thaw()
        if not self.is_up():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.history.note("left", which=f"{self.name} did not end by SIGTERM")
            self.kill()
