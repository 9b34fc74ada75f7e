"""Whether a fault left what a person can act on: a line in a log, and a metric that moved."""

import collections
import re
import threading

from observer import Away, ask_text

LOOK_SECONDS = 0.3


class Metrics:
    """How far each metric of each coordinator went up, all its series together, over restarts."""

    def __init__(self, ports):
        self.ports = ports
        self.moved = collections.Counter()
        self.last = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.look_on, daemon=True)
        self.thread.start()

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
        for series, value in re.findall(r"^([^#\s]\S*(?:\{.*\})?) (\S+)$", text, re.MULTILINE):
            before = self.last.get((port, series))
            self.last[port, series] = float(value)
            name = series.partition("{")[0]
            # a counter that went down has begun anew; one that is new began at nothing
            gone_up = float(value) - (before if before and before <= float(value) else 0)
            if before is not None or not name.startswith("process_"):
                self.moved[name] += max(0.0, gone_up)

    def stop(self):
        self.stopping.set()
        self.thread.join()


def silent(struck, logs, moved):
    """Of the phases that struck, those that left no line in any log, or moved no metric, in words."""
    lines = [log.read_text(errors="replace") for log in logs]
    for phase in struck:
        if phase.says and not any(re.search(phase.says, text) for text in lines):
            yield f"{phase.fault}: no log says {phase.says}"
        if phase.moves and not moved.get(phase.moves):
            yield f"{phase.fault}: {phase.moves} did not move"
