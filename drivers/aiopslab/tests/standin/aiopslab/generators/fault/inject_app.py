"""Puts a fault into a database in a pod, as AIOpsLab's own does, with as little looking."""

from aiopslab.service.kubectl import KubeCtl


class ApplicationFaultInjector:
    def __init__(self):
        self.kubectl = KubeCtl()

    def run(self, script):
        names = [pod.metadata.name for pod in self.kubectl.list_pods("app").items]
        for name in names:
            if name.startswith("mongodb-"):
                print(self.kubectl.exec_command(f"kubectl exec -it {name} -- /bin/bash {script}"))
        for name in names:
            if name.startswith("geo-"):
                print(self.kubectl.exec_command(f"kubectl delete pod {name}"))
