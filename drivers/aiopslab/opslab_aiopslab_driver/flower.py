"""AIOpsLab's Docker problems without a terminal, and with an end where what they wait for never comes."""

import importlib
import re
import shutil
import time

from opslab_aiopslab_driver import command_watch
from opslab_aiopslab_driver.failures import InfrastructureFailure
from opslab_aiopslab_driver.progress import PATIENCE_SECONDS

_TERMINAL = re.compile(
    r"(\bdocker\s+(?:compose\s+|container\s+)?(?:exec|run)(?:\s+-\S+)*?)"
    r"\s+(?:-it|-ti|-t|--tty|-i|--interactive)(?=\s)"
)
_FLWR = "flwr run "
WAITING_MODULES = ("flower_model_misconfig.model_misconfig",)
WAIT_SECONDS = 600
# its server may listen a while after its container is up
FLWR_TRIES = 6
FLWR_WAIT_SECONDS = min(5, PATIENCE_SECONDS)


class Commands:
    """How they are started, for command_watch."""

    def __init__(self, folder):
        self._folder = folder  # made when it is needed

    def rewrite(self, command, options):
        if command.startswith(_FLWR) and options.get("cwd"):
            options["cwd"] = self._copy(options["cwd"])
        return without_terminal(command, options.get("input") is not None)

    def _copy(self, app):
        """`flwr run` rewrites the settings of the app that it runs, which lies in the checkout."""
        shutil.copytree(app, self._folder, symlinks=True, dirs_exist_ok=True)
        return self._folder


def without_terminal(command, has_input=False):
    """Docker refuses `-t` where stdin is no terminal, and `-i` would read the driver's."""
    fitting, count = _TERMINAL.subn(r"\1", command)
    if not count:
        return command
    fitting = without_terminal(fitting)
    return re.sub(r"\b(exec|run)\b", r"\1 -i", fitting, count=1) if has_input else fitting


def adapt(wait=time.sleep):
    """Call before a problem is made. AIOpsLab passes over the exit codes of what it starts, and then waits for
    ever for what it should have done."""
    from aiopslab.service.dock import Docker

    execute = Docker.exec_command

    def exec_command(self, command, *arguments, **options):
        for tries_left in reversed(range(FLWR_TRIES if command.startswith(_FLWR) else 1)):
            with command_watch.recorded() as record:
                answer = execute(self, command, *arguments, **options)
            failed = [call for call in record.calls if call.code != 0]
            if failed and command.startswith("docker compose up"):
                raise InfrastructureFailure(str(failed[0]))
            if failed and command.startswith(_FLWR):
                print(failed[0])
            if not (failed and tries_left):
                return answer
            wait(FLWR_WAIT_SECONDS)

    Docker.exec_command = exec_command
    for name in WAITING_MODULES:
        try:
            module = importlib.import_module(f"aiopslab.orchestrator.problems.{name}")
        except ImportError:  # of another version
            continue
        module.time = Patience()


class Patience:
    """In place of `time` in a module that waits without an end."""

    def __init__(self, wait=time.sleep):
        self._wait = wait
        self._left = WAIT_SECONDS

    def __getattr__(self, name):
        return getattr(time, name)

    def sleep(self, seconds):
        self._left -= seconds
        if self._left < 0:
            raise InfrastructureFailure(
                f"Flower's workload, or its fault, did not show within {WAIT_SECONDS} seconds"
            )
        self._wait(seconds)
