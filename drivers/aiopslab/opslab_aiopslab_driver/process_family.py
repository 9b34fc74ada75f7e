"""All that a command has started, in other sessions too: what loses its parent becomes the driver's child."""

import ctypes
import os
import pathlib
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 200
_PAUSE_SECONDS = 0.005


def adopt_orphans():
    """From now on; survives no fork. Call once, in the process that kills families."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def strangers(own=frozenset()):
    """This process's descendants outside of its session, less those of the children in `own`. A command is
    started in a session of its own, which nobody leaves for another's: it and all that came of it are strangers,
    and what the driver itself starts is none."""
    session, children = os.getsid(0), {}
    for pid, (parent, its_session, state) in _processes():
        children.setdefault(parent, []).append((pid, its_session, state))
    found, below = [], [entry for entry in children.get(os.getpid(), []) if entry[0] not in own]
    while below:
        pid, its_session, state = below.pop()
        if its_session != session:
            found.append((pid, state))
        below += children.get(pid, [])
    return found


def kill(process, own):
    """Kills and reaps a command with all that came of it, though they fork meanwhile. `own`: strangers that
    were there before it."""
    for _ in range(_ROUNDS):
        found = [(pid, state) for pid, state in strangers(own) if pid not in own]
        alive = [pid for pid, state in found if state != "Z"]
        for pid in alive:  # first none may fork or see the others go
            _send(pid, signal.SIGSTOP)
        for pid in alive:
            _send(pid, signal.SIGKILL)
        process.poll()
        for pid, _ in found:
            if pid != process.pid:
                _reap(pid)
        if not found:  # a dead one may have left a child that was not there yet when this round looked
            break
        time.sleep(_PAUSE_SECONDS)
    process.wait()


def _send(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # its parent lives
        pass


def _processes():
    for path in pathlib.Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                # pid (name that may hold anything) state parent group session
                fields = (path / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            yield int(path.name), (int(fields[1]), int(fields[3]), fields[0].decode())
