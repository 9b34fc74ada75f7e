"""Whether a fault left what a person can act on: a line in a log, and a metric that moved."""

import collections
import re
import threading

from observer import Away, ask_text

LOOK_SECONDS = 0.2
SERIES = re.compile(r"^([^#\s]\S*(?:\{.*\})?) (\S+)$", re.MULTILINE)
ONE_SECOND = re.compile(r'_bucket\{(.*),?le="1"\}$')


def slow(name):
    """What `Metrics` calls the calls of a histogram that took longer than a second."""
    return f"{name} over 1 s"


class Metrics:
    """How far each metric of each coordinator and worker went up, over restarts: by its name, by its
    name with labels, and by `slow`."""

    def __init__(self, ports):
        self.ports = ports
        self.moved = collections.Counter()
        self.last = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.look_on, daemon=True)
        self.thread.start()

    def has_looked(self):
        return {port for port, _ in list(self.last)} == set(self.ports)

    def look_on(self):
        while not self.stopping.wait(LOOK_SECONDS):
            for port in self.ports:
                try:
                    status, text = ask_text(port, "/metrics")
                except Away:
                    continue
                if status == 200:
                    self.compare(port, text)

    def compare(self, port, text):
        values = {series: float(value) for series, value in SERIES.findall(text)}
        slow_calls = collections.Counter()
        for series, value in values.items():
            if bucket := ONE_SECOND.search(series):
                name = series[: bucket.start()]
                labels = bucket[1].rstrip(",")
                slow_calls[slow(name)] += values.get(f"{name}_count{{{labels}}}", value) - value
        for series, value in [*values.items(), *slow_calls.items()]:
            before = self.last.get((port, series))
            self.last[port, series] = value
            name = series.partition("{")[0]
            # a counter that went down has begun anew; one that is new began at nothing
            gone_up = value - (before if before and before <= value else 0)
            if before is not None or not name.startswith("process_"):
                for what in {name, series}:
                    self.moved[what] += max(0.0, gone_up)

    def stop(self):
        self.stopping.set()
        self.thread.join()


class Expected:
    """What a phase is to leave from now on: a line that matches `says`, and `moves` gone up."""

    def __init__(self, phase, folder, metrics):
        self.phase = phase
        self.folder = folder
        self.metrics = metrics
        self.sizes = {log: log.stat().st_size for log in self.logs()}
        self.before = metrics.moved[phase.moves]

    def logs(self):
        return self.folder.glob("*.log")

    def line(self):
        """The first line that says it, or None."""
        for log in self.logs():
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(self.sizes.get(log, 0))
                for line in file:
                    if re.search(self.phase.says, line):
                        return line.strip()
        return None

    def has_moved(self):
        return self.metrics.moved[self.phase.moves] > self.before

    def is_there(self):
        return self.has_moved() and self.line() is not None

    def missing(self):
        """In words, for each that is not there."""
        if self.line() is None:
            yield f"{self.phase.fault}: no log says {self.phase.says}"
        if not self.has_moved():
            yield f"{self.phase.fault}: {self.phase.moves} did not move"
