"""AIOpsLab's Orchestrator with eyes: phases, steps and the result are reported as they happen.

Import only after adaptation.apply().
"""

import time

from aiopslab.orchestrator import Orchestrator
from aiopslab.utils.status import InvalidActionError, SubmissionStatus

from opslab_aiopslab_driver import results
from opslab_aiopslab_driver.failures import (
    EvaluationFailure,
    InfrastructureFailure,
    TaskFailure,
    kind_of_agent_error,
)
from opslab_aiopslab_driver.path_guard import guarded
from opslab_aiopslab_driver.progress import Progress

# what a step may carry of an agent's call
CALL_DETAILS = (
    "usage", "token_ids", "logprobs", "top_logprobs", "prompt_token_ids", "reasoning",
    "finish_reason", "model",
)  # fmt: skip


class AgentGuard:
    """Between the orchestrator and an agent: an agent that breaks is told from an environment that
    does, and an answer that is no text from one that is."""

    def __init__(self, agent):
        self._agent = agent
        self.latency_ms = 0

    async def get_action(self, observation):
        began = time.monotonic()
        try:
            action = await self._agent.get_action(observation)
        except BaseException as error:  # also KeyboardInterrupt and CancelledError: none is ours
            if isinstance(error, SystemExit) and error.code == 143:
                raise  # our own stop signal
            failure = (
                InfrastructureFailure
                if kind_of_agent_error(error) == "infrastructure"
                else TaskFailure
            )
            raise failure(f"the agent failed: {type(error).__name__}: {error}") from error
        finally:
            self.latency_ms = round((time.monotonic() - began) * 1000)
        if not isinstance(action, str):
            raise TaskFailure(f"the agent answered {type(action).__name__} instead of a text")
        return action

    def details(self):
        call = getattr(self._agent, "last_call", None) or {}
        return {key: call[key] for key in CALL_DETAILS if key in call}


class RecordingOrchestrator(Orchestrator):
    def __init__(self, emitter, stop, surroundings):
        super().__init__(results_dir=surroundings.results)
        self._emitter = emitter
        self._stop = stop
        self._surroundings = surroundings
        self.progress = Progress()
        self._guard = None
        self._prompt = None
        self._steps = 0
        self._observation = ""
        self._submitted = False
        self._totals = {}
        self._make_instance = self.probs.get_problem_instance
        self.probs.get_problem_instance = self._watched_instance

    def register_agent(self, agent, name="agent"):
        self._guard = AgentGuard(agent)
        super().register_agent(self._guard, name)

    def init_problem(self, problem_id):
        if problem_id not in self.probs.get_problem_ids():
            raise TaskFailure(f"AIOpsLab knows no problem {problem_id!r}")
        if not (self._surroundings.has_cluster or self.uses_docker(problem_id)):
            raise InfrastructureFailure("there is no kubeconfig, and this problem needs a cluster")
        self.progress.problem_id = problem_id
        description, instructions, actions = super().init_problem(problem_id)
        self._prompt = {
            "description": description,
            "instructions": instructions,
            "actions": actions,
        }
        return description, instructions, actions

    def uses_docker(self, problem_id):
        return self.probs.get_problem_deployment(problem_id) == "docker"

    async def ask_agent(self, input):
        self._stop.check()
        action = await super().ask_agent(input)
        self._steps += 1
        details = self._guard.details()
        for key, value in details.get("usage", {}).items():
            self._totals[key] = self._totals.get(key, 0) + value
        self._emitter.step(
            self._steps,
            input,
            action,
            latency_ms=self._guard.latency_ms,
            prompt=self._prompt if self._steps == 1 else None,
            **details,
        )
        self._stop.check()
        return action

    async def ask_env(self, input):
        self._stop.check()
        answer = await super().ask_env(input)
        self._stop.check()
        self._submitted = answer == SubmissionStatus.VALID_SUBMISSION
        self._observation = answer if isinstance(answer, str) else ""
        return answer

    def _watched_instance(self, problem_id):
        self.progress.touched = True
        problem = self._make_instance(problem_id)
        self.progress.watch(problem)
        self._evaluate = problem.eval
        problem.eval = self._reported_evaluation
        perform = problem.perform_action
        problem.perform_action = guarded(perform, self._surroundings.work, InvalidActionError)
        return problem

    def _reported_evaluation(self, solution, trace, duration):
        self._emitter.begin("evaluate")
        problem = self.session.problem
        task_type = results.task_type_of(problem, self.session.pid or "")
        refused = None
        try:
            found = self._evaluate(solution, _without_special_tokens(trace), duration)
        except results.SHAPE_ERRORS as error:
            if self._submitted and results.well_formed(task_type, solution):
                raise EvaluationFailure(f"the evaluation failed: {error!r}") from error
            if task_type == "mitigation":
                raise EvaluationFailure(f"the evaluation failed: {error!r}") from error
            # no answer, or one of another type than asked for: wrong, and nobody else's fault
            refused = f"{type(error).__name__}: {error}"
            found = results.failed_results(task_type, problem.results, duration)
        verdict = results.judge(task_type, found)
        output = {
            "task_type": task_type,
            "outcome": "submitted" if self._submitted else "out_of_steps",
            "submitted": self._submitted,
            "solution": solution if self._submitted else None,
            "score": verdict.score,
            "results": found,
            "final_observation": self._observation,
            "problem": self._prompt,
        }
        if refused:
            output["evaluation_error"] = refused
        numbers = {**results.metrics(found), **self._totals, "score": verdict.score}
        self._emitter.end_phase()
        self._emitter.result(verdict.success, verdict.reward, output, numbers)
        self._emitter.begin("teardown")
        self._stop.check()
        return found


def _without_special_tokens(trace):
    """AIOpsLab's token count raises on a special token in the text, which an agent can print."""
    plain = []
    for item in trace:
        if "<|" in item.content:
            item = item.model_copy(update={"content": item.content.replace("<|", "< |")})
        plain.append(item)
    return plain
