"""A driver that does what its task's agent_config says: `say` is a list of lines, where {PREFIX}
stands for the event prefix and a line that begins with ! goes to stderr; then `exit`."""

import json
import os
import signal
import sys
import time

with open(os.environ["OPSLAB_TASK_FILE"], encoding="utf-8") as file:
    task = json.load(file)
os.remove(os.environ["OPSLAB_TASK_FILE"])
script = task["agent_config"]


def event(**said):
    print(task["event_prefix"] + json.dumps(said), flush=True)


if script.get("tell"):
    event(type="log", message="told", context={
        "task": {key: value for key, value in task.items() if key != "event_prefix"},
        "keys": sorted(task),
        "protocol": os.environ.get("OPSLAB_PROTOCOL"),
        "work_dir": os.environ["OPSLAB_WORK_DIR"],
        "mode": os.stat(os.environ["OPSLAB_WORK_DIR"]).st_mode & 0o777,
        "writable": os.access(os.environ["OPSLAB_WORK_DIR"], os.W_OK),
        "leader": os.getpgid(0) != os.getpgid(os.getppid()),
    })
if script.get("on_term"):
    def stop(*_):
        event(type="log", message="stopped by SIGTERM")
        sys.exit(143)
    signal.signal(signal.SIGTERM, stop)
for line in script.get("say", []):
    stream = sys.stdout
    if line.startswith("!"):
        stream, line = sys.stderr, line[1:]
    stream.write(line.replace("{PREFIX}", task["event_prefix"]) + "\n")
    stream.flush()
if script.get("long"):
    print("x" * script["long"], flush=True)
if script.get("flood"):
    for number in range(script["flood"]):
        print(f"line {number}")
    sys.stdout.flush()
    event(type="result", success=True)
if script.get("hang"):
    while True:
        time.sleep(60)
sys.exit(script.get("exit", 0))
