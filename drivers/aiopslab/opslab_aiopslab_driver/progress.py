"""How far a run got, so that exactly what is left can be taken back, and only once."""

import functools


class Progress:
    def __init__(self):
        self.problem_id = ""
        self.problem = None
        self.touched = False  # the cluster or the Docker engine may have been changed
        self.fault_begun = False
        self.fault_recovered = False
        self.app_cleaned = False
        self.finished = False  # AIOpsLab's own teardown ran to its end

    def watch(self, problem):
        """AIOpsLab also recovers from atexit; whoever comes second finds it done."""
        self.problem = problem
        inject, recover, cleanup = problem.inject_fault, problem.recover_fault, problem.app.cleanup

        @functools.wraps(inject)
        def inject_fault(*arguments, **options):
            self.fault_begun = True
            return inject(*arguments, **options)

        @functools.wraps(recover)
        def recover_fault(*arguments, **options):
            if not self.fault_recovered:
                recover(*arguments, **options)
                self.fault_recovered = True

        @functools.wraps(cleanup)
        def app_cleanup(*arguments, **options):
            cleanup(*arguments, **options)
            self.app_cleaned = True

        problem.inject_fault = inject_fault
        problem.recover_fault = recover_fault
        problem.app.cleanup = app_cleanup
