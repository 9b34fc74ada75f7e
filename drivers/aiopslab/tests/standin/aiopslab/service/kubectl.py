"""A cluster that remembers nothing but what the plan says was left behind."""

import os
import types

from aiopslab import PLAN, at


def _named(name):
    return types.SimpleNamespace(metadata=types.SimpleNamespace(name=name))


class KubeCtl:
    def __init__(self):
        for path in (os.environ["KUBECONFIG"], os.path.expanduser("~/.kube/config")):
            with open(path, encoding="utf-8") as file:
                self.kubeconfig = file.read()

    def list_namespaces(self):
        if PLAN.get("api_away"):
            raise ConnectionError("the API is away")
        return types.SimpleNamespace(items=[_named(name) for name in PLAN.get("left", ["app"])])

    def list_pods(self, namespace):
        return types.SimpleNamespace(items=[_named("pod")] * PLAN.get("pods_left", 0))

    def exec_command(self, command, input_data=None):
        at("kubectl " + " ".join(command.split()[1:3]))
        if command.startswith("kubectl apply -f /"):
            with open(command.split()[3], encoding="utf-8") as manifest:
                return manifest.read()
        return ""  # errors, too, are only text

    def wait_for_namespace_deletion(self, namespace, sleep=2, max_wait=300):
        at(f"gone {namespace}")
