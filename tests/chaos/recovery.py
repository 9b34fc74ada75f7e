"""How long after the last fault something of it was still to be seen. A task that waits in the queue
behind others, or runs, is none of it, however long it takes by itself."""

GRACE_SECONDS = 1.0  # from claim to start, and from a run's end until that is told


class Recovery:
    """Looked at again and again, with the tasks that are not ended and the runs that are alive."""

    def __init__(self, began):
        self.began = began
        self.down_since = {}
        self.seconds = 0.0

    def look(self, now, tasks, alive):
        """`tasks`: status and attempt by task. `alive`: (task, attempt) of runs. A task is down that is
        called running and is not, or that waits to be tried again."""
        down = {
            task
            for task, (status, attempt) in tasks.items()
            if (status == "running" and (task, attempt) not in alive)
            or (status == "pending" and attempt > 0)
        }
        for task in [task for task in self.down_since if task not in down]:
            del self.down_since[task]
        for task in down:
            since = self.down_since.setdefault(task, now)
            if now - since >= GRACE_SECONDS:
                self.seconds = max(self.seconds, now - self.began)
