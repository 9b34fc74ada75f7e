"""From the environment that a runner gave to one that an agent's commands may see.

What a process was started with stays readable in /proc/PID/environ, so taking a key out of os.environ
is not enough: the driver starts itself anew, without the secrets, and gets them through a file in
memory whose descriptor it closes at once.
"""

import ctypes
import json
import os
import re
import sys

from opslab_aiopslab_driver import task_file

FLAG = "--handover"
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$|API_?KEY", re.IGNORECASE)
_NEVER_PASSED = ("OPSLAB_TASK_FILE", "SSH_AUTH_SOCK", "USE_WANDB", "AIOPSLAB_CLUSTER")

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
# what lets root read another process's memory, or the kernel's: module, rawio, ptrace, admin,
# perfmon, bpf, checkpoint_restore
_DROPPED_CAPABILITIES = (16, 17, 19, 21, 38, 39, 40)


def is_secret(name, named=()):
    return name in named or _SECRET.search(name) is not None


def split_environment(environment):
    """What commands may see, and the secrets. `OPSLAB_SECRET_NAMES` names further secrets."""
    named = environment.get("OPSLAB_SECRET_NAMES", "").replace(",", " ").split()
    secrets, visible = {}, {}
    for name, value in environment.items():
        if is_secret(name, named):
            secrets[name] = value
        elif name not in _NEVER_PASSED:
            visible[name] = value
    return visible, secrets


def start_anew(environment):
    """Takes the task file and becomes the driver proper. Does not return."""
    path = environment.get("OPSLAB_TASK_FILE")
    if not path:
        raise SystemExit("opslab-driver-aiopslab: OPSLAB_TASK_FILE is not set: a runner starts me")
    text = task_file.take(path)
    visible, secrets = split_environment(environment)
    descriptor = os.memfd_create("handover", 0)  # 0: the new program inherits it
    os.set_inheritable(descriptor, True)
    with os.fdopen(descriptor, "w", closefd=False) as file:
        json.dump({"task": text, "secrets": secrets}, file)
    _give_up_rights()
    module = __name__.rpartition(".")[0]
    # -P: nothing is imported from the directory that the driver was started in
    # -B: nothing is written where modules are imported from
    command = [sys.executable, "-P", "-B", "-m", module, FLAG, str(descriptor)]
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = [os.getcwd()] if os.path.isdir("aiopslab") else []  # started by hand from there
    paths = [here, *checkout, *filter(None, visible.get("PYTHONPATH", "").split(os.pathsep))]
    visible["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(map(os.path.abspath, paths)))
    visible["PYTHONUNBUFFERED"] = "1"
    os.execve(sys.executable, command, visible)


def receive(descriptor):
    """The task file's text and the secrets."""
    _prctl(_PR_SET_DUMPABLE, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "r") as file:
        handed = json.load(file)
    return handed["task"], handed["secrets"]


def _give_up_rights():
    """So that a command of the same user, root too, cannot look into the driver (or opslab)."""
    for capability in _DROPPED_CAPABILITIES:
        _prctl(_PR_CAPBSET_DROP, capability)  # fails for a user who has none, which is as good
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
