"""How an agent's shell command runs: nothing of it outlives its time, and it sees no more than needed.

With OPSLAB_AGENT_USER (and the driver being root, as in our image) the command runs as that user, who
can read neither AIOpsLab's sources, where the answers are, nor the driver's files.
"""

import os
import pwd
import selectors
import shutil
import subprocess
import time

from opslab_aiopslab_driver import process_family

MAX_OUTPUT = 1024 * 1024
_NOT_FOR_AGENTS = ("PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "WANDB_MODE")


class AgentShell:
    def __init__(self, root, environment=os.environ):
        process_family.adopt_orphans()
        self._environment = {
            name: value
            for name, value in environment.items()
            if name not in _NOT_FOR_AGENTS and not name.startswith("OPSLAB_AGENT")
        }
        self._identity = {}
        name = environment.get("OPSLAB_AGENT_USER")
        if name and os.geteuid() == 0:
            self._become(pwd.getpwnam(name), root)

    def _become(self, user, root):
        home = root / "agent"
        (home / ".kube").mkdir(parents=True)
        shutil.copyfile(root / "home" / ".kube" / "config", home / ".kube" / "config")
        (home / ".kube" / "config").chmod(0o600)
        (home / "tmp").mkdir()
        for path in [home, *home.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)
        root.chmod(0o711)  # the way to its home and to what the metrics API saved
        self._environment.update(
            HOME=str(home),
            TMPDIR=str(home / "tmp"),
            KUBECONFIG=str(home / ".kube" / "config"),
            USER=user.pw_name,
            LOGNAME=user.pw_name,
        )
        self._identity = {
            "user": user.pw_uid,
            "group": user.pw_gid,
            "extra_groups": [],
            "cwd": str(home),
        }

    def local_exec(self, command, input_data=None, cwd=None, timeout=30):
        """In place of AIOpsLab's: the same answers, but the whole family is killed in the end, output
        is bounded and may be any bytes."""
        options = dict(self._identity)
        if cwd is not None:
            options["cwd"] = cwd
        others = {pid for pid, _ in process_family.strangers()}
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.PIPE if input_data is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
            **options,
        )
        try:
            if input_data is not None:
                process.stdin.write(input_data.encode())
                process.stdin.close()
            out, err = _read_both(process, time.monotonic() + timeout)
            code = process.wait()
        except TimeoutError:
            raise RuntimeError(
                f"Failed to execute command: {command}\n"
                f"Error: the command timed out after {timeout} seconds"
            ) from None
        finally:
            _end(process, others)
        if code != 0:
            return f"[ERROR] Command execution failed: {err}"
        return out + err


def _read_both(process, deadline):
    """Reads until both pipes end, or the command has ended and nothing more is there."""
    kept = {process.stdout: bytearray(), process.stderr: bytearray()}
    cut = dict.fromkeys(kept, 0)
    with selectors.DefaultSelector() as selector:
        for pipe in kept:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ended = process.poll() is not None
            # a child in the background may hold the pipes of an ended command
            ready = selector.select(0.1 if ended else min(0.25, deadline - time.monotonic()))
            if not ready and ended:
                break
            if time.monotonic() > deadline:
                raise TimeoutError
            for key, _ in ready:
                block = os.read(key.fd, 65_536)
                if not block:
                    selector.unregister(key.fileobj)
                room = MAX_OUTPUT - len(kept[key.fileobj])
                kept[key.fileobj] += block[:room]
                cut[key.fileobj] += max(0, len(block) - room)
    return [
        bytes(kept[pipe]).decode("utf-8", "replace")
        + (f"\n[… {cut[pipe]} bytes cut …]" if cut[pipe] else "")
        for pipe in kept
    ]


def _end(process, others):
    process_family.kill(process, others)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                pass
