"""Charts of the checkout, which runs share: what helm would write into one it writes into a copy of the run's.

`helm dependency update` fills `charts/` and writes Chart.lock, and two at once take each other's half-written
archives.
"""

import os
import re
import shlex
import shutil

_UPDATE = re.compile(r"\s*helm dependency update (\S+)\s*")


class HelmCharts:
    def __init__(self, folder):
        self._folder = folder  # made when it is needed
        self._copies = {}

    def rewrite(self, command, _options):
        """A helm command, as command_watch wants it."""
        if not isinstance(command, str):
            return [self._copies.get(os.path.normpath(word), word) for word in command]
        update = _UPDATE.fullmatch(command)
        if update and os.path.isdir(update[1]):
            return self._update(update[1])
        words = re.split(r"( +)", command)
        copies = (self._copies.get(os.path.normpath(word)) if word else None for word in words)
        return "".join(shlex.quote(copy) if copy else word for copy, word in zip(copies, words))

    def _update(self, chart):
        chart = self._copies.get(os.path.normpath(chart), chart)
        if is_filled(chart):
            return ":"  # nothing to do
        if chart not in self._copies.values():
            chart = self._copy(os.path.normpath(chart))
        return f"helm dependency update {shlex.quote(chart)}"

    def _copy(self, chart):
        self._folder.mkdir(mode=0o700, exist_ok=True)
        copy = str(self._folder / f"{len(self._copies)}-{os.path.basename(chart)}")
        shutil.copytree(chart, copy, symlinks=True)
        self._copies[chart] = copy
        return copy


def is_filled(chart):
    """Whether `charts/` holds each dependency in the version that Chart.lock names."""
    import yaml  # AIOpsLab depends on it

    def dependencies(name):
        with open(os.path.join(chart, name), encoding="utf-8") as file:
            return (yaml.safe_load(file) or {}).get("dependencies") or []

    try:
        wanted = dependencies("Chart.yaml")
        if not wanted:
            return True
        locked = {entry["name"]: str(entry["version"]) for entry in dependencies("Chart.lock")}
        return all(_holds(chart, entry["name"], locked[entry["name"]]) for entry in wanted)
    except (OSError, LookupError, TypeError, AttributeError, ValueError, yaml.YAMLError):
        return False


def _holds(chart, name, version):
    import yaml

    if os.path.isfile(os.path.join(chart, "charts", f"{name}-{version}.tgz")):
        return True
    with open(os.path.join(chart, "charts", name, "Chart.yaml"), encoding="utf-8") as file:
        return str(yaml.safe_load(file)["version"]) == version
