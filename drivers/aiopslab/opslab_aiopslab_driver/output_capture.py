"""Keeps the event channel to the driver: what others print becomes logs."""

import io
import os
import re
import sys
import threading

MAX_LINE = 65_536
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f\x7f]")


def take_stdout():
    """A private descriptor of stdout, which children do not get. Whatever writes to descriptor 1
    from now on, commands with no pipe of their own for one, writes to stderr."""
    private = os.dup(1)  # not inheritable
    os.dup2(2, 1)
    return private


class LineWriter(io.TextIOBase):
    """A text stream that hands each finished line to a function."""

    def __init__(self, sink):
        super().__init__()
        self._sink = sink
        self._rest = ""
        self._lock = threading.RLock()

    encoding = "utf-8"

    def writable(self):
        return True

    def write(self, text):
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            if len(self._rest) > MAX_LINE:
                lines.append(self._rest)
                self._rest = ""
        for line in lines:
            self._hand_over(line)
        return len(text)

    def finish(self):
        with self._lock:
            rest, self._rest = self._rest, ""
        self._hand_over(rest)

    def _hand_over(self, line):
        clean = _ESCAPES.sub("", line.rsplit("\r", 1)[-1]).rstrip()
        if clean:
            self._sink(clean[:MAX_LINE])


def redirect_prints(emitter):
    """Python's own stdout becomes log events; stderr stays, without secrets."""
    sys.stdout = LineWriter(lambda line: emitter.log("info", line))

    def to_stderr(line):
        os.write(2, (emitter.masked(line) + "\n").encode("utf-8", "replace"))

    sys.stderr = LineWriter(to_stderr)
