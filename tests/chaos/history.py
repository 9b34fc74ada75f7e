"""What an outside observer wrote down: one JSON object a line, with the monotonic clock, which is the
clock of the drivers' own journal too."""

import json
import threading
import time


class History:
    def __init__(self, path):
        self.path = path
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def note(self, what, **fields):
        row = {"what": what, "at": time.monotonic_ns(), **fields}
        with self.lock:
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
        return row

    def rows(self):
        with open(self.path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def journal_rows(path):
    """(what, task, attempt, pid, time) as the drivers wrote them."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            what, task, attempt, pid, at = line.split()
            rows.append((what, task, int(attempt), int(pid), int(at)))
    return rows
