"""The orchestrator's life cycle: everything that matters happens inside init and start_problem."""

import ast
import atexit
import re
import time

from aiopslab import PLAN, at, journal
from aiopslab.orchestrator.problems import ProblemRegistry
from aiopslab.service.kubectl import KubeCtl
from aiopslab.session import Session
from aiopslab.utils.status import InvalidActionError, SubmissionStatus

if PLAN.get("raise_in") == "import":
    raise FileNotFoundError("raised in import")


class Prometheus:
    namespace = "observe"

    def deploy(self):
        at("prometheus deploy")

    def teardown(self):
        at("prometheus teardown")


def exit_cleanup_fault(prob):
    journal("atexit")
    prob.recover_fault()


def parsed(text):
    """`name(arguments)` of the only fenced block."""
    blocks = re.findall(r"```\s*\n(.*?)\n```", text, re.DOTALL)
    if len(blocks) != 1:
        return None
    try:
        call = ast.parse(blocks[0].strip(), mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(call, ast.Call):
        return None
    return call.func.id, [ast.literal_eval(argument) for argument in call.args]


class Orchestrator:
    def __init__(self, results_dir=None):
        self.agent = self.session = None
        self.probs = ProblemRegistry()
        self.kubectl = KubeCtl()
        self.results_dir = results_dir

    def register_agent(self, agent, name="agent"):
        self.agent, self.agent_name = agent, name

    def init_problem(self, problem_id):
        self.started = time.time()
        self.session = Session(results_dir=self.results_dir)
        problem = self.probs.get_problem_instance(problem_id)
        self.session.set_problem(problem, pid=problem_id)
        self.session.set_agent(self.agent_name)
        if self.probs.get_problem_deployment(problem_id) != "docker":
            self.kubectl.exec_command("kubectl apply openebs")
            self.prometheus = Prometheus()
            self.prometheus.deploy()
        problem.app.delete()
        problem.app.deploy()
        problem.inject_fault()
        atexit.register(exit_cleanup_fault, prob=problem)
        problem.start_workload()
        return (
            problem.get_task_description(),
            problem.get_instructions(),
            problem.get_available_actions(),
        )

    async def ask_agent(self, input):
        answer = await self.agent.get_action(input)
        self.session.add({"role": "assistant", "content": answer})
        return answer

    async def ask_env(self, input):
        call = parsed(input)
        if call is None:
            answer = "Error parsing response"
        else:
            name, arguments = call
            if name == "submit":
                self.session.set_solution(arguments[0] if len(arguments) == 1 else arguments)
            try:
                answer = self.session.problem.perform_action(name, *arguments)
            except (InvalidActionError, Exception) as error:
                answer = str(error)
        self.session.add({"role": "env", "content": answer})
        return answer

    async def start_problem(self, max_steps):
        problem, said, results = self.session.problem, "Please take the next action", {}
        answer = ""
        self.session.start()
        try:
            for _ in range(max_steps):
                action = await self.ask_agent(said)
                at("step")
                answer = await self.ask_env(action)
                if answer == SubmissionStatus.VALID_SUBMISSION:
                    break
                if answer == SubmissionStatus.INVALID_SUBMISSION:
                    raise ValueError("Invalid submission!")
                said = answer + "\nPlease take the next action"
        except Exception:
            problem.recover_fault()
            atexit.unregister(exit_cleanup_fault)
            raise
        self.session.end()
        results = problem.eval(
            self.session.solution, self.session.history, self.session.get_duration()
        )
        self.session.set_results(results)
        at("to_json")
        self.session.to_json()
        problem.recover_fault()
        atexit.unregister(exit_cleanup_fault)
        problem.app.cleanup()
        if problem.namespace != "docker":
            self.prometheus.teardown()
            self.kubectl.exec_command("kubectl delete openebs")
            self.kubectl.wait_for_namespace_deletion("openebs")
        return {
            "history": self.session.history,
            "final_state": answer,
            "results": results,
            "framework_overhead": time.time() - self.started,
        }
