"""A home, a working directory and caches of the run's own: two runs share nothing that we can part.

What cannot be parted in one network namespace are AIOpsLab's fixed ports; it is said when another run
is seen there. Containers have a namespace of their own.
"""

import dataclasses
import json
import os
import pathlib
import socket
import tempfile

from opslab_aiopslab_driver import kubeconfig

_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "HELM_CONFIG_HOME": "helm/config",
    "HELM_CACHE_HOME": "helm/cache",
    "HELM_DATA_HOME": "helm/data",
    "XDG_CACHE_HOME": "xdg/cache",
    "XDG_CONFIG_HOME": "xdg/config",
    "XDG_DATA_HOME": "xdg/data",
    "DOCKER_CONFIG": "docker",
}
_FIXED = {
    "WANDB_MODE": "disabled",
    "PYTHONDONTWRITEBYTECODE": "1",
    "COLUMNS": "200",  # AIOpsLab prints through a library that folds lines
}


@dataclasses.dataclass(frozen=True)
class Surroundings:
    root: pathlib.Path
    work: pathlib.Path  # the working directory
    results: pathlib.Path
    data: pathlib.Path
    has_cluster: bool  # false: the kubeconfig leads nowhere
    shares_network: bool  # another run is in the same network namespace


def enter(environment=os.environ):
    """Makes the directories and moves in. Call before AIOpsLab is imported: it looks at import."""
    root = pathlib.Path(environment.get("OPSLAB_WORK_DIR") or tempfile.mkdtemp(prefix="opslab-"))
    root = root.resolve()
    found = kubeconfig.find(environment)
    config = kubeconfig.single_context(found) if found else kubeconfig.DUMMY
    for variable, folder in _FOLDERS.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        environment[variable] = str(root / folder)
    for folder in ("cwd", "results", "data"):
        (root / folder).mkdir(exist_ok=True)
    for folder in {path.partition("/")[0] for path in _FOLDERS.values()} | {"results", "data"}:
        (root / folder).chmod(0o700)  # manifests of the fault, say; cwd is where an agent's calls save
    environment["KUBECONFIG"] = str(_write_kubeconfig(root / "home", config))
    environment.update(_FIXED)
    tempfile.tempdir = None  # it is remembered from before
    os.chdir(root / "cwd")
    return Surroundings(
        root=root,
        work=root / "cwd",
        results=root / "results",
        data=root / "data",
        has_cluster=bool(found),
        shares_network=not _first_in_this_network(),
    )


def _write_kubeconfig(home, config):
    """At $HOME/.kube/config, which AIOpsLab's observer reads, and the rest reads as $KUBECONFIG."""
    path = home / ".kube" / "config"
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file, default=str)  # JSON is YAML
    return path


_presence = None


def _first_in_this_network():
    """An abstract socket's name is unique in a network namespace and goes with the process."""
    global _presence
    _presence = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _presence.bind("\0opslab-aiopslab-driver")
    except OSError:
        return False
    return True
