"""Reads a history and the runs' own journal, and counts what may never happen. It talks to nothing:
the same history gives the same counts, and a forged one is caught (checker_test.py)."""

import collections

TERMINAL = frozenset({"completed", "failed", "timeout", "cancelled"})
RETRIED = ("worker_lost", "infrastructure")
COUNTS = ("lost", "twice at once", "stuck", "changed after the end", "left behind", "silent", "wrong")


class Checker:
    """`history`: rows of history.History. `runs`: (what, task, attempt, pid, time), where what is
    start, end or overlap, as drivers (or the engine that ran them) recorded it."""

    def __init__(self, history, runs):
        self.history = history
        self.runs = runs
        self.found = {name: [] for name in COUNTS}
        self.final = {row["task"]: row for row in history if row["what"] == "final"}
        self.asked_to_cancel = {row["task"] for row in history if row["what"] == "cancel_asked"}
        self.cancelled = {row["task"] for row in history if row["what"] == "cancelled"}
        self.hit = {
            (row["task"], row["attempt"]) for row in history if row["what"] == "driver_killed"
        }

    def check(self):
        self.check_acknowledged()
        self.check_sightings()
        self.check_runs()
        self.check_ends()
        for row in self.history:
            if row["what"] == "left":
                self.found["left behind"].append(row["which"])
            elif row["what"] == "silent":
                self.found["silent"].append(row["which"])
            elif row["what"] == "stuck":
                self.found["stuck"].append(f"{row['task']} was still {row['status']} at the end")
            elif row["what"] in ("refused", "missing", "ended_by_itself"):
                kind = "lost" if row["what"] == "missing" else "wrong"
                self.found[kind].append(str(row))
        return self.found

    def check_acknowledged(self):
        by_key, owners = {}, {}
        for row in self.history:
            if row["what"] != "acknowledged":
                continue
            if by_key.setdefault(row["key"], row["tasks"]) != row["tasks"]:
                self.found["wrong"].append(f"key {row['key']} was answered with two sets of tasks")
            for task in row["tasks"]:
                if owners.setdefault(task, row["key"]) != row["key"]:
                    self.found["wrong"].append(f"{task} was given to two submissions")
                if task not in self.final:
                    self.found["lost"].append(f"{task} was acknowledged and is gone")
        for row in self.history:
            if row["what"] == "listed" and row["task"] not in owners:
                self.found["wrong"].append(f"{row['task']} exists and nobody was told of it")

    def check_sightings(self):
        last = {}
        for row in self.history:
            if row["what"] not in ("seen", "final"):
                continue
            before = last.get(row["task"])
            last[row["task"]] = row
            if before is None:
                continue
            if before["status"] in TERMINAL:
                if (before["status"], before["print"]) != (row["status"], row["print"]):
                    self.found["changed after the end"].append(
                        f"{row['task']}: {before['status']} became {row['status']}, or its text did"
                    )
            elif row["attempt"] < before["attempt"]:
                self.found["wrong"].append(f"{row['task']}: its attempt went backwards")

    def check_runs(self):
        ended_at, alive, started = {}, {}, collections.defaultdict(list)
        for row in self.history:
            if row["what"] == "seen" and row["status"] == "completed":
                ended_at.setdefault(row["task"], row["at"])
        for what, task, attempt, pid, at in sorted(self.runs, key=lambda run: run[4]):
            if what == "overlap":
                self.found["twice at once"].append(f"{task} attempt {attempt} ran beside another")
            elif what == "start":
                if attempt in started[task]:
                    self.found["twice at once"].append(f"{task} attempt {attempt} started twice")
                if started[task] and attempt < max(started[task]):
                    self.found["wrong"].append(f"{task} attempt {attempt} came after a later one")
                if at > ended_at.get(task, at):
                    self.found["changed after the end"].append(f"{task} ran after it had completed")
                started[task].append(attempt)
                alive[task, attempt] = at
            elif what == "end":
                begin = alive.pop((task, attempt), at)
                self.check_between(task, attempt, begin, at, started)
        for row in self.final.values():
            if row["status"] == "completed" and row["attempt"] not in started[row["task"]]:
                self.found["wrong"].append(f"{row['task']} completed and no driver ran it")

    def check_between(self, task, attempt, begin, end, started):
        """A run that is known to have lived until `end`: nothing of its task began inside."""
        for what, other, number, _, at in self.runs_of(task):
            if what == "start" and number != attempt and begin < at < end:
                self.found["twice at once"].append(
                    f"{other} attempt {number} began while attempt {attempt} ran"
                )

    def runs_of(self, task):
        if not hasattr(self, "by_task"):
            self.by_task = collections.defaultdict(list)
            for run in self.runs:
                self.by_task[run[1]].append(run)
        return self.by_task[task]

    def check_ends(self):
        for row in self.final.values():
            task, status = row["task"], row["status"]
            if task in self.cancelled and status != "cancelled":
                self.found["changed after the end"].append(f"{task} was cancelled and is {status}")
            numbers = [attempt["attempt"] for attempt in row["attempts"]]
            if numbers != list(range(1, row["attempt"] + 1)):
                self.found["wrong"].append(f"{task} has the attempts {numbers}")
            for attempt in row["attempts"][:-1]:
                if attempt["kind"] not in RETRIED:
                    self.found["wrong"].append(f"{task} was retried after {attempt['kind']}")
            if status == "completed":
                if row["steps"] != list(range(1, row["wanted_steps"] + 1)):
                    self.found["wrong"].append(f"{task} completed with the steps {row['steps']}")
            elif status == "cancelled":
                if task not in self.asked_to_cancel:
                    self.found["wrong"].append(f"{task} is cancelled and nobody asked for it")
            elif status in TERMINAL and not self.may_have_failed(row):
                self.found["wrong"].append(f"{task} is {status}: {row['error']}")

    def may_have_failed(self, row):
        """Its driver was killed, or what befell it used up all its retries."""
        ends = row["attempts"]
        is_used_up = len(ends) == row["max_retries"] + 1 and ends[-1]["kind"] in RETRIED
        was_hit = (row["task"], row["attempt"]) in self.hit
        return row["status"] == "failed" and (was_hit or is_used_up)


def check(history, runs):
    """For each of COUNTS the findings, in words."""
    return Checker(history, runs).check()
