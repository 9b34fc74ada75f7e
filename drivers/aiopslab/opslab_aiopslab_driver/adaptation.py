"""What has to be different in AIOpsLab for one run among many: all of it in memory, none in its files."""

import sys

from opslab_aiopslab_driver import command_watch, flower, own_tmp
from opslab_aiopslab_driver.agent_shell import AgentShell
from opslab_aiopslab_driver.failures import InfrastructureFailure
from opslab_aiopslab_driver.helm_charts import HelmCharts


def settings(surroundings):
    """In place of aiopslab/config.yml, one file beside the package for all runs."""
    return {
        "k8s_host": "localhost",
        "k8s_user": "",
        "ssh_key_path": "",
        # joined to the package's directory by AIOpsLab; an absolute path wins
        "data_dir": str(surroundings.data),
        "qualitative_eval": False,
        "print_session": False,
    }


def apply(surroundings):
    """Imports AIOpsLab, adapted. Call once, in the surroundings."""
    sys.dont_write_bytecode = True  # the checkout may be shared
    try:
        _configure(settings(surroundings))
        _make_docker_lazy()
        _confine_shell(AgentShell(surroundings.root))
        own_tmp.give(surroundings.root / "tmp")
        command_watch.install(
            {
                "helm": HelmCharts(surroundings.root / "charts").rewrite,
                "dock": flower.Commands(surroundings.root / "flower").rewrite,
            }
        )
        import aiopslab.orchestrator  # noqa: F401  to fail here rather than later

        flower.adapt()
    except Exception as error:
        raise InfrastructureFailure(
            f"AIOpsLab cannot be imported ({type(error).__name__}: {error}); "
            "its checkout has to be on PYTHONPATH, with what it depends on"
        ) from error


def _configure(values):
    import aiopslab.config

    aiopslab.config.Config._load_config = lambda _self: dict(values)


class _DockerAway:
    def __init__(self, reason):
        self._reason = reason

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise InfrastructureFailure(f"this problem needs a Docker engine: {self._reason}")


def _make_docker_lazy():
    """Five families of Kubernetes problems make a Docker client and never use it: for those no engine
    is needed, so that no socket has to be given to a container in which an agent runs commands."""
    try:
        import docker
    except ImportError:
        return
    real = getattr(docker, "from_env", None)
    if real is None:
        return

    def from_env(*arguments, **options):
        try:
            return real(*arguments, **options)
        except docker.errors.DockerException as error:
            return _DockerAway(str(error))

    docker.from_env = from_env


def _confine_shell(shell):
    from aiopslab.service.shell import Shell

    Shell.local_exec = staticmethod(shell.local_exec)
