"""The driver protocol's events, on a descriptor that nothing else in the process writes to."""

import json
import os
import threading

from opslab_aiopslab_driver.plain_values import clipped, plain

# a line may have 1 MiB with its prefix; a longer one would be cut and be no event any more
MAX_LINE = 1_000_000
# what a step can do without, dearest last
OPTIONAL = ("prompt_token_ids", "top_logprobs", "logprobs", "token_ids", "prompt")
MIN_SECRET = 6


class Emitter:
    """Every method is one event, written whole. Thread-safe."""

    def __init__(self, descriptor, prefix, stop, secrets=()):
        self._descriptor = descriptor
        self._prefix = prefix.encode()
        self._stop = stop
        self._secrets = [secret for secret in secrets if len(secret) >= MIN_SECRET]
        self._lock = threading.RLock()
        self._closed = False
        self.phase = ""
        self.ended = False  # a result or an error was given

    def log(self, level, message, context=None):
        event = {"type": "log", "level": level, "message": message}
        if context:
            event["context"] = context
        self._emit(event)

    def begin(self, phase):
        """Ends the phase under way and begins this one."""
        if phase != self.phase:
            self.end_phase()
            self.phase = phase
            self._emit({"type": "phase", "name": phase, "state": "begin"})

    def end_phase(self):
        if self.phase:
            name, self.phase = self.phase, ""
            self._emit({"type": "phase", "name": name, "state": "end"})

    def step(self, number, observation, action, **more):
        event = {"type": "step", "step": number, "observation": observation, "action": action}
        event.update({key: value for key, value in more.items() if value is not None})
        self._emit(event)

    def result(self, success, reward, output, metrics):
        """The first of result and error counts; a second one is not written."""
        if not self.ended:
            self.ended = True
            self._emit(
                {
                    "type": "result",
                    "success": success,
                    "reward": reward,
                    "output": output,
                    "metrics": metrics,
                }
            )

    def error(self, kind, phase, message):
        if not self.ended:
            self.ended = True
            self._emit({"type": "error", "kind": kind, "phase": phase, "message": message})

    def clean(self):
        """The very last line: nothing is written after it."""
        with self._lock:
            self._emit({"type": "clean"})
            self._closed = True

    def masked(self, words):
        for secret in self._secrets:
            words = words.replace(secret, "[secret]")
        return words

    def _emit(self, event):
        line = self._prefix + self._fitting(plain(event)) + b"\n"
        with self._stop.deferred(), self._lock:
            if not self._closed:
                self._write(line)

    def _fitting(self, event):
        room = MAX_LINE - len(self._prefix)
        encoded = self._encoded(event)
        missing = []
        for key in OPTIONAL:
            if len(encoded) > room and key in event:
                del event[key]
                missing.append(key)
                encoded = self._encoded({**event, "left_out": missing})
        for limit in (200_000, 50_000, 10_000, 1_000, 100):
            if len(encoded) <= room:
                break
            event = clipped(event, limit)
            encoded = self._encoded({**event, "cut": True})
        return encoded

    def _encoded(self, event):
        return self.masked(json.dumps(event, ensure_ascii=False, allow_nan=False)).encode()

    def _write(self, line):
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:
            # whoever read the events is gone: end, but take the fault back first
            self._closed = True
            self._stop.request()
