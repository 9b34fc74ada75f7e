"""A stand-in for AIOpsLab in the driver's tests: its names and signatures, and its nasties on demand.

The environment variable STANDIN holds JSON: `raise_in` and `hang_in` name a place (see `at`), `journal`
a file that tells what was done to the pretended cluster, the rest is read where it matters. The commands
`kubectl`, `helm` and `docker` are those in ../bin, which read it too.
"""

import json
import os
import pathlib
import subprocess
import time

PLAN = json.loads(os.environ.get("STANDIN", "{}"))
os.environ["PATH"] = f"{pathlib.Path(__file__).parent.parent / 'bin'}:{os.environ['PATH']}"


def journal(word):
    if "journal" in PLAN:
        with open(PLAN["journal"], "a", encoding="utf-8") as file:
            file.write(word + "\n")


def at(place):
    """Every side effect passes here: noise on every channel, and what the plan wants."""
    journal(place)
    print(f"== {place} ==", end="")  # no newline, as progress displays do
    os.write(1, f"raw bytes at {place}\n".encode() + b"\xff\x00\n")
    subprocess.run(["sh", "-c", f"echo a command without a pipe at {place}"], check=True)
    if PLAN.get("raise_in") == place:
        raise RuntimeError(f"raised in {place}")
    if PLAN.get("hang_in") == place:
        _hang(place)
    print()


def _hang(place):
    del PLAN["hang_in"]  # once
    journal(f"hanging in {place}")
    try:
        time.sleep(60)
    except BaseException:
        if not PLAN.get("swallow"):
            raise
        print("swallowed")
