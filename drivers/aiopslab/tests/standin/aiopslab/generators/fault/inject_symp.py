"""Writes its manifest where AIOpsLab's own does: to a fixed name in /tmp."""

import json

from aiopslab.service.kubectl import KubeCtl


class SymptomFaultInjector:
    def create_chaos_experiment(self, experiment, name):
        path = f"/tmp/{name}.yaml"
        with open(path, "w") as file:
            json.dump(experiment, file)
        print(KubeCtl().exec_command(f"kubectl apply -f {path}"))

    def delete_chaos_experiment(self, name):
        print(KubeCtl().exec_command(f"kubectl delete -f /tmp/{name}.yaml"))
