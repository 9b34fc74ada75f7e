"""A cluster that remembers its pods, and what the plan says was left behind."""

import os
import subprocess
import types

from kubernetes.client.rest import ApiException, RESTClientObject

from aiopslab import PLAN, at

PODS = []  # their names; those that are pending have the word in it
NAMESPACES = []  # an agent's own
LABELS = {"kubernetes.io/hostname": "worker"}  # of the only node


def _node():
    metadata = types.SimpleNamespace(name="worker", labels=dict(LABELS))
    spec = types.SimpleNamespace(taints=None, unschedulable=None)
    return types.SimpleNamespace(metadata=metadata, spec=spec)


def _named(name):
    statuses = None if "pending" in name else [types.SimpleNamespace(ready=True)]
    return types.SimpleNamespace(
        metadata=types.SimpleNamespace(name=name),
        status=types.SimpleNamespace(container_statuses=statuses),
    )


class KubeCtl:
    def __init__(self):
        for path in (os.environ["KUBECONFIG"], os.path.expanduser("~/.kube/config")):
            with open(path, encoding="utf-8") as file:
                self.kubeconfig = file.read()
        self.rest = RESTClientObject()
        self.core_v1_api = self

    def _ask(self, method, name):
        return self.rest.request(method, f"https://cluster/api/v1/{name}")

    def list_namespaces(self):
        if PLAN.get("api_away"):
            raise ConnectionError("the API is away")
        return types.SimpleNamespace(items=[_named(name) for name in PLAN.get("left", ["app"]) + NAMESPACES])

    def list_node(self):
        self._ask("GET", "nodes")
        return types.SimpleNamespace(items=[_node()])

    def list_pods(self, namespace):
        self._ask("GET", "pods")
        return types.SimpleNamespace(items=[_named(name) for name in PODS])

    def get_deployment(self, name, namespace):
        return self._ask("GET", name)

    def patch_service(self, name, namespace, body):
        try:
            return self._ask("PATCH", name)
        except ApiException as error:
            print(f"Exception when patching service: {error}\n")

    def exec_command(self, command, input_data=None):
        at("kubectl " + " ".join(command.split()[1:3]))
        try:
            done = subprocess.run(
                command, shell=True, check=True, capture_output=True, input=input_data
            )
            return done.stdout.decode("utf-8")
        except subprocess.CalledProcessError as error:
            return error.stderr.decode("utf-8")  # errors, too, are only text

    def wait_for_namespace_deletion(self, namespace, sleep=2, max_wait=300):
        at(f"gone {namespace}")
