"""Runs on a Docker engine, wants a terminal, and waits for ever."""

import time

from aiopslab import at
from aiopslab.orchestrator.problems import Application, DetectionTask
from aiopslab.paths import TARGET_MICROSERVICES
from aiopslab.service.dock import Docker


class Flower(Application):
    def __init__(self):
        self.docker = Docker()

    def deploy(self):
        at("deploy")
        self.docker.compose_up(TARGET_MICROSERVICES)

    def delete(self):
        at("delete")
        self.docker.compose_down(TARGET_MICROSERVICES)


class FlowerModelMisconfigDetection(DetectionTask):
    namespace = "docker"

    def __init__(self):
        super().__init__()
        self.app = Flower()
        self.docker = Docker()

    def start_workload(self):
        at("workload")
        self.docker.exec_command("flwr run train local-deployment", cwd=TARGET_MICROSERVICES)
        check = """ docker exec -it clientapp-1 sh -c "test -d /app && echo 'exists'" """
        while self.docker.exec_command(check).strip() != "exists":
            time.sleep(1)
        self.inject_fault(inject=True)

    def inject_fault(self, inject=False):
        at("inject")
        if inject:
            self._edit("84/80")

    def recover_fault(self):
        at("recover")
        self._edit("80/84")

    def _edit(self, change):
        self.docker.exec_command(
            f""" docker exec -it clientapp-1 sh -c "sed -i '24s/{change}/' /app/task.py" """
        )
