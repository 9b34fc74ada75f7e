"""AIOpsLab's Orchestrator with eyes: phases, steps and the result are reported as they happen.

Import only after adaptation.apply().
"""

import time

from aiopslab.orchestrator import Orchestrator
from aiopslab.utils.status import InvalidActionError, SubmissionStatus

from opslab_aiopslab_driver import cluster_baseline, command_watch, results
from opslab_aiopslab_driver.command_watch import ApiCall
from opslab_aiopslab_driver.failures import (
    EvaluationFailure,
    InfrastructureFailure,
    TaskFailure,
    describe,
    is_of_a_state,
    kind_of_agent_error,
)
from opslab_aiopslab_driver.path_guard import guarded
from opslab_aiopslab_driver.progress import Progress
from opslab_aiopslab_driver.token_count import countable

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
        self.progress = Progress(emitter, stop)
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
        if not self.uses_docker(problem_id):
            self._remember_cluster()
        return description, instructions, actions

    def _remember_cluster(self):
        try:
            self.progress.baseline = cluster_baseline.take(self.kubectl)
        except Exception as error:  # a kubeconfig that may not see nodes, say
            self._emitter.log("debug", f"what an agent changes will not be seen: {describe(error)}"[:4000])

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
        found, refused = self._judged(task_type, solution, trace, duration)
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

    def _judged(self, task_type, solution, trace, duration):
        """The results, and what AIOpsLab's evaluation raised where the agent is to blame for that: its answer
        is wrong then. A null reward and another attempt must not be had by breaking the evaluation."""
        with command_watch.recorded() as record:
            try:
                found = self._evaluate(solution, countable(trace), duration)
            except Exception as error:
                if not self._is_the_agents(error, record, task_type, solution):
                    raise EvaluationFailure(f"the evaluation failed: {describe(error)}") from error
                refused = f"{type(error).__name__}: {error}"[:4000]
            else:
                self._check_that_it_saw(task_type, found, record)
                return found, None
        self._emitter.log("warning", f"judged a failure, for the evaluation raised {refused}")
        partial = self.session.problem.results
        return results.failed_results(task_type, partial, duration), refused

    def _is_the_agents(self, error, record, task_type, solution):
        if task_type == "mitigation":
            # AIOpsLab looks at the cluster as the agent left it, and expects a lot of it
            away = any(call.away for call in record.calls)
            return is_of_a_state(error) and not away and self._cluster_answers()
        # no answer, or one of another type than asked for: wrong, and nobody else's fault
        fitting = self._submitted and results.well_formed(task_type, solution)
        return isinstance(error, results.SHAPE_ERRORS) and not fitting

    def _check_that_it_saw(self, task_type, found, record):
        """Some evaluations take an API that does not answer for pods that are not ready."""
        if task_type == "mitigation" and record.calls and record.calls[-1].away:
            if not results.judge(task_type, found).success:
                raise EvaluationFailure(f"nobody answered the evaluation: {record.calls[-1]}")

    def _cluster_answers(self):
        """Whether the API's server can read what it keeps."""
        if self.uses_docker(self.progress.problem_id):
            return False
        with command_watch.recorded() as record:
            try:
                self.kubectl.list_namespaces()
            except Exception:
                return any(isinstance(call, ApiCall) and call.status == 403 for call in record.calls)
        return True
