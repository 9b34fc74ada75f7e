"""One problem from its first phase to its last line."""

import asyncio
import traceback

from opslab_aiopslab_driver import adaptation
from opslab_aiopslab_driver.agents import choice
from opslab_aiopslab_driver.failures import InfrastructureFailure, RunFailure, describe

OK, FAILED, STOPPED = 0, 1, 143


class Episode:
    def __init__(self, task, keys, emitter, stop, surroundings):
        self._task = task
        self._keys = keys
        self._emitter = emitter
        self._stop = stop
        self._surroundings = surroundings
        self._orchestrator = None

    def play(self):
        """The exit code. Never raises."""
        code = OK
        try:
            try:
                self._emitter.begin("setup")
                self._run()
            finally:
                self._stop.shield()
            if not self._emitter.ended:
                raise InfrastructureFailure("AIOpsLab ended without a result")
        except BaseException as error:
            code = self._report(error)
        return code if self._tear_down() else code or FAILED

    def _run(self):
        adaptation.apply(self._surroundings)
        from opslab_aiopslab_driver.recorder import RecordingOrchestrator

        agent = choice.make(self._task.agent_config, self._keys)
        self._orchestrator = RecordingOrchestrator(self._emitter, self._stop, self._surroundings)
        self._orchestrator.register_agent(agent, choice.name_of(self._task.agent_config))
        if self._surroundings.shares_network:
            self._emitter.log(
                "warning",
                "another AIOpsLab run is in this network namespace: AIOpsLab's ports are fixed, so "
                "metrics and traces may be the other's; containers keep runs apart",
            )
        # one event loop for both: a workload that is a coroutine starts in it
        asyncio.run(self._play_problem(agent))

    async def _play_problem(self, agent):
        orchestrator = self._orchestrator
        prompt = orchestrator.init_problem(self._task.problem_id)
        self._stop.check()
        if hasattr(agent, "init_context"):
            agent.init_context(*prompt)
        self._emitter.begin("loop")
        ended = await orchestrator.start_problem(max_steps=self._task.max_steps)
        orchestrator.progress.finished = True
        self._emitter.log(
            "debug",
            "AIOpsLab's own teardown has ended",
            {"details": {"framework_overhead": ended.get("framework_overhead")}},
        )

    def _report(self, error):
        """Emits what ended the run, unless a result was given before."""
        phase = self._emitter.phase
        if self._stop.requested:
            self._emitter.error("infrastructure", phase, f"stopped by a signal in {phase}")
            return STOPPED
        # a model's endless text or a foreign exception's: the tail says most
        trace = "".join(traceback.format_exception(error))[-20_000:]
        context = {"details": {"traceback": trace}}
        self._emitter.log("error", f"{phase} ended by {describe(error)}"[:20_000], context)
        kind = error.kind if isinstance(error, RunFailure) else "infrastructure"
        if phase == "loop" and "invalid submission" in str(error).lower():
            kind = "task"  # AIOpsLab's word for a submission that it refuses
        self._emitter.error(kind, phase, describe(error)[:20_000])
        return FAILED

    def _tear_down(self):
        """Whether everything is clean, which is said as the last line."""
        if self._orchestrator is None:
            self._emitter.end_phase()
            return self._say_clean(True)  # nothing was touched
        from opslab_aiopslab_driver.cleanup import Cleanup

        self._emitter.begin("teardown")
        clean = Cleanup(self._orchestrator, self._emitter, self._surroundings).run()
        self._emitter.end_phase()
        return self._say_clean(clean)

    def _say_clean(self, clean):
        if clean and self._emitter.ended:
            self._emitter.clean()
        return clean
