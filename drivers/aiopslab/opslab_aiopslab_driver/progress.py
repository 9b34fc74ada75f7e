"""How far a run got, so that exactly what is left can be taken back, and only once."""

import functools
import os
import time

from opslab_aiopslab_driver import command_watch
from opslab_aiopslab_driver.failures import InfrastructureFailure

PATIENCE_SECONDS = int(os.environ.get("OPSLAB_CLEANUP_PATIENCE_SECONDS", "90"))
RECOVERY_TRIES = 3
RECOVERY_WAIT_SECONDS = min(10, PATIENCE_SECONDS)  # a pod that an agent restarted comes back meanwhile


class Progress:
    def __init__(self, emitter, stop, wait=time.sleep):
        self._emitter = emitter
        self._stop = stop
        self._wait = wait
        self._tries_left = RECOVERY_TRIES
        self._injected = command_watch.Record()
        self.problem_id = ""
        self.problem = None
        self.baseline = None  # the cluster as the agent found it
        self.touched = False  # the cluster or the Docker engine may have been changed
        self.fault_begun = False
        self.fault_recovered = False  # and nothing that the recovery did was seen to fail
        self.app_cleaned = False
        self.finished = False  # AIOpsLab's own teardown ran to its end

    def watch(self, problem):
        """AIOpsLab also recovers from atexit; whoever comes second finds it done."""
        self.problem = problem
        inject, recover, cleanup = problem.inject_fault, problem.recover_fault, problem.app.cleanup

        @functools.wraps(inject)
        def inject_fault(*arguments, **options):
            self.fault_begun = True
            with command_watch.recorded(self._injected):
                inject(*arguments, **options)
            self._check_injection()

        @functools.wraps(recover)
        def recover_fault(*_arguments, **_options):
            self._recover(recover)

        @functools.wraps(cleanup)
        def app_cleanup(*arguments, **options):
            cleanup(*arguments, **options)
            self.app_cleaned = True

        problem.inject_fault = inject_fault
        problem.recover_fault = recover_fault
        problem.app.cleanup = app_cleanup

    def _check_injection(self):
        """A problem whose fault is not in has other answers than AIOpsLab's."""
        failures = self._injected.failures()
        for failure in failures:
            self._emitter.log("warning", f"putting in the fault: {failure}"[:4000])
        worked = self._injected.changes()
        # an application that is deployed anew has its own waiting, and files that are no manifests
        wrong = [call for call in failures if call.changes - worked and " -Rf " not in str(call)]
        if wrong:
            raise InfrastructureFailure(f"the fault could not be put in: {wrong[0]}")

    def _recover(self, recover):
        """Does not raise where that fails: the rest of AIOpsLab's teardown is worth trying all the same, and
        what ended the run must not be hidden."""
        while not self.fault_recovered and self._tries_left:
            self._tries_left -= 1
            with command_watch.recorded() as record:
                try:
                    recover()
                    wrong = self._left_of_the_fault(record)
                except Exception as error:
                    wrong = [f"{type(error).__name__}: {error}", *record.failures()]
            self.fault_recovered = not wrong
            for reason in wrong:
                self._emitter.log("error", f"the fault is not recovered: {reason}"[:4000])
            if self._stop.requested or self.app_cleaned:
                return
            if wrong and self._tries_left:
                self._wait(RECOVERY_WAIT_SECONDS)

    def _left_of_the_fault(self, record):
        """AIOpsLab's recoveries raise next to nothing: they pass over commands that fail, and over pods that
        are not there."""
        wrong = record.failures()
        done, undone = self._injected.changes(), record.changes()
        if done and not undone and not wrong:
            return ["the recovery changed nothing"]
        if "exec" in done and "exec" not in undone and not wrong:
            # what a command changed inside of a pod nothing else takes back
            return ["the fault was put into a pod, and the recovery found none"]
        return wrong
