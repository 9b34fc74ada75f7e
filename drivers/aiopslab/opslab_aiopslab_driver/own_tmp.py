"""A /tmp of the run's own for AIOpsLab's fault injectors: they write manifests to fixed names there, whatever
TMPDIR says, and two runs on one host would apply each other's."""

import importlib
import re

INJECTORS = ("inject_virtual", "inject_symp", "inject_operator")
_FILE = re.compile(r"/tmp/([^/\s]+)")
_WORD = re.compile(r"(?<![^\s=])/tmp/([^/\s]+)(?=\s|$)")  # of a command, also behind a `=`


def give(folder):
    """Call before a problem is made. `folder` is there."""
    from aiopslab.service.kubectl import KubeCtl

    def open_own(path, *arguments, **options):
        found = _FILE.fullmatch(path) if isinstance(path, str) else None
        return open(f"{folder}/{found[1]}" if found else path, *arguments, **options)

    for name in INJECTORS:
        try:
            module = importlib.import_module(f"aiopslab.generators.fault.{name}")
        except ImportError:  # of another version; what is needed and lacks is told later
            continue
        module.open = open_own
    execute = KubeCtl.exec_command

    def exec_command(self, command, *arguments, **options):
        return execute(self, _WORD.sub(rf"{folder}/\1", command), *arguments, **options)

    KubeCtl.exec_command = exec_command
