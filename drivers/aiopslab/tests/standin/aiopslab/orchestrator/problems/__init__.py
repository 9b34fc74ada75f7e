"""One problem of each type, with the results that AIOpsLab's own give."""

import importlib
import json
import re
import subprocess

from aiopslab import PLAN, at
from aiopslab.generators.fault.inject_app import ApplicationFaultInjector
from aiopslab.generators.fault.inject_symp import SymptomFaultInjector
from aiopslab.paths import TARGET_MICROSERVICES
from aiopslab.service.helm import Helm
from aiopslab.service.kubectl import LABELS, NAMESPACES, PODS, KubeCtl
from aiopslab.service.shell import Shell
from aiopslab.utils.status import InvalidActionError, SubmissionStatus


class Application:
    def delete(self):
        at("delete")

    def deploy(self):
        at("deploy")
        Helm.install(release_name="standin", chart_path=str(TARGET_MICROSERVICES / "chart"))
        PODS[:] = ["mongodb-geo-1", "geo-1"]

    def cleanup(self):
        at("cleanup")
        PODS[:] = ["pod"] * PLAN.get("pods_left", 0)


class Actions:
    def exec_shell(self, command, timeout=30):
        result = Shell.exec(command, timeout=PLAN.get("shell_seconds", timeout))
        print(result)
        return result

    def read_metrics(self, file_path):
        with open(file_path, encoding="utf-8") as file:
            return file.read()

    def get_nothing(self):
        return None

    def get_traces(self, namespace, duration=5):
        command = f"kubectl port-forward svc/jaeger 16686:16686 -n {namespace}"
        return subprocess.run(command, shell=True, capture_output=True, text=True).stdout + "traces"

    def broken(self):
        at("action")
        raise RuntimeError("a broken action")

    def change_pods(self, *names):
        """What an agent may do to them with kubectl."""
        PODS[:] = names
        return "changed"

    def make_namespace(self, name):
        NAMESPACES.append(name)
        return "made"

    def label_node(self, domain, key, value):
        LABELS[f"{domain}/{key}"] = value
        return "labelled"

    def submit(self, solution=None):
        if PLAN.get("invalid_submission"):
            return SubmissionStatus.INVALID_SUBMISSION
        return SubmissionStatus.VALID_SUBMISSION


class Task:
    namespace = "app"

    def __init__(self):
        at("constructor")
        self.app = Application()
        self.actions = Actions()
        self.results = {}

    def inject_fault(self):
        at("inject")
        fault = PLAN.get("fault", "chaos")
        if fault == "chaos":
            SymptomFaultInjector().create_chaos_experiment({"kind": "PodChaos"}, "pod-failure")
        self._change(fault, "/scripts/revoke-admin-geo-mongo.sh")

    def recover_fault(self):
        at("recover")
        fault = PLAN.get("recovers", PLAN.get("fault", "chaos"))
        if fault == "chaos":
            SymptomFaultInjector().delete_chaos_experiment("pod-failure")
        self._change(fault, "/scripts/revoke-mitigate-admin-geo-mongo.sh")

    def _change(self, fault, script):
        if fault == "database":
            ApplicationFaultInjector().run(script)
        elif fault == "service":
            KubeCtl().patch_service("user-service", "app", {})
        elif fault == "release":
            Helm.upgrade(release_name="standin", chart_path=TARGET_MICROSERVICES / "chart")

    def start_workload(self):
        at("workload")

    def get_task_description(self):
        return "A service is or is not broken."

    def get_instructions(self):
        return "Answer with one call in a block."

    def get_available_actions(self):
        return {"exec_shell": "runs a command", "submit": "ends it"}

    def perform_action(self, action_name, *args, **kwargs):
        method = getattr(self.actions, action_name, None)
        if not callable(method):
            raise InvalidActionError(action_name)
        return method(*args, **kwargs)

    def _count(self, trace, duration, key):
        seen = "".join(item.content for item in trace if item.role != "assistant")
        if "<|endoftext|>" in seen:
            raise ValueError("disallowed special token")
        if re.search(r"[a-z]{1000}|[^a-z0-9]{1000}", seen):
            raise RuntimeError("such a piece is counted for hours")
        self.results.update({"steps": len(trace) // 2, "in_tokens": 7, "out_tokens": 3})
        self.results[key] = duration
        return self.results


class DetectionTask(Task):
    def eval(self, soln, trace, duration):
        at("eval")
        said = soln.strip().lower() if isinstance(soln, str) else None
        accuracy = {"no": "Correct", None: "Invalid Format"}.get(said, "Incorrect")
        self.results["Detection Accuracy"] = accuracy
        return self._count(trace, duration, "TTD")


class LocalizationTask(Task):
    def eval(self, soln, trace, duration):
        at("eval")
        exact, part = soln == ["geo"], "geo" in soln  # None and numbers raise here
        self.results["Localization Accuracy"] = 100.0 if exact else 50.0 if part else 0.0
        self._count(trace, duration, "TTL")
        self.results.update({"success": exact, "is_subset": part})
        return self.results


class AnalysisTask(Task):
    def eval(self, soln, trace, duration):
        at("eval")
        level = soln.get("system_level", "").lower() == "application"
        fault = soln.get("fault_type", "").lower() == "misconfiguration"
        self.results.update({"system_level_correct": level, "fault_type_correct": fault})
        self.results["success"] = level and fault
        return self._count(trace, duration, "TTA")


class MitigationTask(Task):
    def eval(self, soln, trace, duration):
        at("eval")
        self._count(trace, duration, "TTM")
        kubectl = KubeCtl()
        normal = PLAN.get("healthy", True)
        if PLAN.get("judges_by") == "waiting":  # takes whatever is raised for pods that are not ready
            try:
                kubectl.list_pods(self.namespace)
            except Exception:
                normal = False
        else:
            json.loads(kubectl.exec_command("kubectl get service user-service -o json"))
            kubectl.get_deployment("user-service", self.namespace)
            for pod in kubectl.list_pods(self.namespace).items:
                for status in pod.status.container_statuses:
                    normal = normal and status.ready
        self.results["success"] = normal
        return self.results


class ProblemRegistry:
    def __init__(self):
        self.PROBLEM_REGISTRY = {
            "standin-detection-1": DetectionTask,
            "standin-localization-1": LocalizationTask,
            "standin-analysis-1": AnalysisTask,
            "standin-mitigation-1": lambda: MitigationTask(),
            "standin-flower-detection": lambda: _docker_problem(),
        }

    def get_problem_instance(self, problem_id):
        if problem_id not in self.PROBLEM_REGISTRY:
            raise ValueError(f"Problem ID {problem_id} not found in registry.")
        return self.PROBLEM_REGISTRY[problem_id]()

    def get_problem_ids(self, task_type=None):
        return [name for name in self.PROBLEM_REGISTRY if not task_type or task_type in name]

    def get_problem_deployment(self, problem_id):
        return "docker" if "flower" in problem_id else "k8s"


def _docker_problem():
    module = f"{__name__}.flower_model_misconfig.model_misconfig"
    return importlib.import_module(module).FlowerModelMisconfigDetection()
