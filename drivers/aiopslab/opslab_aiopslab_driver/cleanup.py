"""Taking back what AIOpsLab left, and looking whether everything is gone."""

import time

from opslab_aiopslab_driver import cluster_baseline
from opslab_aiopslab_driver.failures import InfrastructureFailure
from opslab_aiopslab_driver.progress import PATIENCE_SECONDS

OPENEBS = "https://openebs.github.io/charts/openebs-operator.yaml"
FLOWER_PREFIXES = ("superlink", "supernode-", "serverapp", "clientapp-")


class Cleanup:
    def __init__(self, orchestrator, emitter, surroundings):
        self._orchestrator = orchestrator
        self._progress = orchestrator.progress
        self._emitter = emitter
        self._surroundings = surroundings
        self._broken = False

    def run(self):
        """True where the fault is recovered and what was deployed is seen to be gone."""
        if not self._progress.touched:
            return True
        problem = self._progress.problem
        if problem is None:  # its constructor changed something and raised
            return False
        docker = self._orchestrator.uses_docker(self._progress.problem_id)
        if self._progress.fault_begun and not self._progress.fault_recovered:
            self._try("recovering the fault", self._recover)
        if docker:
            self._try("stopping the containers", problem.app.delete)
        if docker or not self._progress.app_cleaned:
            self._try("cleaning up the application", problem.app.cleanup)
        if not docker and not self._progress.finished:
            self._tear_down_cluster()
        if self._broken:
            return False
        leftovers = self._watch_leftovers(docker)
        for leftover in leftovers:
            self._emitter.log("warning", f"left behind: {leftover}")
        return not leftovers

    def _recover(self):
        if not self._progress.app_cleaned:  # there is nothing to recover it in otherwise
            self._progress.problem.recover_fault()
        if not self._progress.fault_recovered:
            raise InfrastructureFailure("the fault is still in, or nobody knows")

    def _tear_down_cluster(self):
        prometheus = getattr(self._orchestrator, "prometheus", None)
        if prometheus is not None:
            self._try("removing Prometheus", prometheus.teardown)
        kubectl = self._orchestrator.kubectl

        def remove_openebs():
            kubectl.exec_command(
                "kubectl delete sc openebs-hostpath openebs-device --ignore-not-found"
            )
            kubectl.exec_command(f"kubectl delete --ignore-not-found -f {OPENEBS}")
            kubectl.wait_for_namespace_deletion("openebs")

        self._try("removing OpenEBS", remove_openebs)

    def _try(self, what, action):
        try:
            action()
        except BaseException as error:  # the next steps are worth trying, whatever it was
            self._broken = True
            self._emitter.log("error", f"{what} failed: {type(error).__name__}: {error}")

    def _watch_leftovers(self, docker, wait=time.sleep):
        """Deletion is asynchronous: waits until nothing is left, for as long as that may take."""
        for _ in range(PATIENCE_SECONDS):
            try:
                found = self._containers() if docker else self._in_cluster()
            except Exception as error:
                return [f"nobody knows what ({type(error).__name__}: {error})"]
            if not found:
                return []
            wait(1)
        return found

    def _in_cluster(self):
        """AIOpsLab takes an API that does not answer for a namespace that is gone, so ask anew. The
        namespace of the application may stay, but no pod in it."""
        kubectl = self._orchestrator.kubectl
        names = {item.metadata.name for item in kubectl.list_namespaces().items}
        found = ["the namespace openebs"] if "openebs" in names else []
        prometheus = getattr(self._orchestrator, "prometheus", None)
        watched = {self._progress.problem.namespace, getattr(prometheus, "namespace", None)}
        for namespace in sorted(watched & names):
            pods = kubectl.list_pods(namespace).items
            if pods:
                found.append(f"{len(pods)} pods in the namespace {namespace}")
        if self._progress.baseline is not None:
            now = cluster_baseline.take(kubectl)
            found += cluster_baseline.changes(self._progress.baseline, now)
        return found

    def _containers(self):
        containers = self._progress.problem.docker.list_containers()
        names = [container.name for container in containers]
        return [f"the container {name}" for name in names if name.startswith(FLOWER_PREFIXES)]
