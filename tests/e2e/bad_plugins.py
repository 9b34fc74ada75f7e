#!/usr/bin/env python3
"""Runners that sleep, throw, talk nonsense, flood or crash, beside a good one: no other task is hurt,
and every message names the plugin. Usage: bad_plugins.py OPSLAB DRIVER TEST_PLUGINS"""

import json
import pathlib
import signal
import sys
import tempfile
import unittest

from coordinator import LIMIT_SECONDS, Coordinator, until
from remote_worker import RemoteWorker

PLUGINS = pathlib.Path(sys.argv.pop()).resolve()
DRIVER = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

FLAWS = ("throws-in-start", "throws-in-wait", "throws-in-destroy", "nonsense-events", "floods",
         "hangs-in-start", "hangs-in-wait")
RUDE = ("unknown-code", "bad-handle", "no-handle", "unknown-end", "floods", "endless-error")
BAD_PROBLEM = "x-detection-2"


def named(runner, call=None, plugin="flawed"):
    """How every message begins that is about this runner; with the call where the plugin broke a
    rule of it."""
    return f'runner "{runner}" (plugin {plugin}): ' + (f"{call}: " if call else "")


def runner(name, plugin, **config):
    return f"  - {{name: {name}, plugin: {plugin}, config: {json.dumps(config)}}}\n"


class BadPlugins(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def serve(self, flaws=(), manners=(), extra="", only="", slots=1):
        runners = runner("good", "process", command=[str(DRIVER)])
        workers = "  - {runner: good, max_parallel_tasks: 4}\n"
        for flaw in flaws:
            runners += runner(flaw, "flawed", command=[str(DRIVER)], flaw=flaw, only=only)
        for manner in manners:
            runners += runner(f"rude-{manner}", "rude", manner=manner)
        for name in [*flaws, *(f"rude-{manner}" for manner in manners)]:
            workers += f"  - {{runner: {name}, max_parallel_tasks: {slots}}}\n"
        self.coordinator = Coordinator(
            PROGRAM, self.folder, f"runners:\n{runners}workers:\n{workers}{extra}"
        )
        text = self.coordinator.config.read_text()
        text = text.replace("plugins: {", f'plugins: {{overdue_seconds: 1, path: ["{PLUGINS}"], ')
        self.coordinator.config.write_text(text)
        self.coordinator.start()
        self.addCleanup(self.end)

    def end(self):
        if self.coordinator.process.poll() is None:
            self.coordinator.kill()

    def submit(self, backend, problem="x-detection-1", **simulate):
        return self.coordinator.submit(
            problem_id=problem,
            backend_type=backend,
            agent_config={"simulate": simulate} if simulate else {},
        )

    def good_tasks_complete(self, count=8, backend="good"):
        tasks = [self.submit(backend) for _ in range(count)]
        for task_id in tasks:
            self.assertEqual("completed", self.coordinator.wait_for_end(task_id)["status"])

    def line(self, *words):
        """A line of the log with all of them comes."""
        escaped = [word.replace('"', '\\"') for word in words]

        def is_there():
            return any(all(word in line for word in escaped) for line in self.log().splitlines())

        until(is_there, f"a line with {words} in the log")

    def nonsense_is_named(self, runner, task_id):
        logs = self.coordinator.get(f"/tasks/{task_id}/logs?limit=1000")["logs"]
        told = "the driver sent no valid event: malformed JSON: not valid JSON at byte 10"
        self.assertIn(named(runner) + told, {line["message"] for line in logs})
        self.line("some events of a run do not count", named(runner)[:-2], task_id)

    def log(self):
        return (self.folder / "serve.log").read_text(errors="replace")

    def test_no_other_task_is_hurt_and_the_failures_name_the_plugin(self):
        self.serve(FLAWS, RUDE)
        bad = {flaw: self.submit(flaw) for flaw in FLAWS}
        bad |= {f"rude-{manner}": self.submit(f"rude-{manner}") for manner in RUDE}
        self.good_tasks_complete()
        for name, words in (
            ("throws-in-start", named("throws-in-start", "start") + "it threw: thrown in start"),
            ("throws-in-wait", named("throws-in-wait", "wait") + "it threw: thrown in wait"),
            ("rude-bad-handle", named("rude-bad-handle", "start", "rude") + "it gave a handle"),
            ("rude-no-handle", named("rude-no-handle", "start", "rude") + "it gave no handle"),
            ("rude-unknown-end",
             named("rude-unknown-end", "wait", "rude") + "it says that the run ended in way 4"),
        ):  # fmt: skip
            task = self.coordinator.wait_for_end(bad[name])
            self.assertEqual("failed", task["status"], name)
            for told in (task["error_details"], task["failure"]["message"]):
                self.assertTrue(told.startswith(words), told)
            self.line("a run ended without a result", bad[name], words)
        # a worker whose runner cannot even say what is left takes no task, and says why
        for words in (
            named("rude-unknown-code", "list_owned", "rude") + "it answered 99",
            named("rude-endless-error", plugin="rude") + "xxx",
        ):
            self.line("leftovers cannot be listed yet", words)
        for manner in ("unknown-code", "endless-error"):
            self.assertEqual("pending", self.coordinator.task(bad[f"rude-{manner}"])["status"])
        # a runner that cannot destroy its runs has still run them
        task = self.coordinator.wait_for_end(bad["throws-in-destroy"])
        self.assertEqual("completed", task["status"], task)
        # nonsense is no result, so the run failed; what was said is in its log
        task = self.coordinator.wait_for_end(bad["nonsense-events"])
        self.assertEqual("failed", task["status"], task)
        self.nonsense_is_named("nonsense-events", bad["nonsense-events"])
        self.assertTrue(
            task["error_details"].startswith(named("nonsense-events") + "the driver exited"), task
        )
        # these never end by themselves
        for name in ("hangs-in-start", "hangs-in-wait", "floods"):
            task = self.coordinator.task(bad[name])
            if name != "floods":
                self.assertEqual("running", task["status"], name)
            self.coordinator.call("DELETE", f"/tasks/{bad[name]}")
            ended = self.coordinator.task(bad[name])["status"]
            self.assertIn(ended, ("cancelled", "completed"), name)
        self.good_tasks_complete()
        self.line(
            "a run cannot be removed; trying on",
            named("throws-in-destroy", "destroy") + "it threw: thrown in destroy",
        )
        # what a plugin delivers beyond all bounds is cut, and the line says whose it was
        self.line(
            "an event over 1 MiB was taken as output", "runner=rude-floods", bad["rude-floods"]
        )

    def test_no_other_task_of_the_same_runner_is_hurt(self):
        flaws = [flaw for flaw in FLAWS if flaw != "throws-in-destroy"]
        self.serve(flaws, only=BAD_PROBLEM, slots=2)
        bad = {flaw: self.submit(flaw, BAD_PROBLEM) for flaw in flaws}
        for flaw in flaws:
            self.good_tasks_complete(3, flaw)
        for flaw, call in (("throws-in-start", "start"), ("throws-in-wait", "wait")):
            task = self.coordinator.wait_for_end(bad[flaw])
            self.assertIn(named(flaw, call), task["error_details"])
        self.coordinator.wait_for_end(bad["nonsense-events"])
        self.nonsense_is_named("nonsense-events", bad["nonsense-events"])
        self.good_tasks_complete()

    def test_a_call_that_sleeps_is_named_while_it_sleeps(self):
        calls = {"hangs-in-start": "start", "hangs-in-wait": "wait", "floods": "wait",
                 "hangs-in-destroy": "destroy", "hangs-in-stop": "stop"}  # fmt: skip
        self.serve(calls, only=BAD_PROBLEM, slots=2)
        bad = {
            flaw: self.submit(flaw, BAD_PROBLEM, steps=1, step_ms=0 if flaw == "floods" else 60000)
            if call != "destroy"
            else self.submit(flaw, BAD_PROBLEM)
            for flaw, call in calls.items()
        }
        for flaw, call in calls.items():
            if call != "destroy":
                until(lambda: self.coordinator.task(bad[flaw])["status"] == "running", flaw)
                self.coordinator.call("DELETE", f"/tasks/{bad[flaw]}")
        for flaw, call in calls.items():
            self.line(
                "a call into a plugin has not returned",
                f"plugin=runner-flawed runner={flaw} call={call}",
                f"task={bad[flaw]}",
            )
            self.good_tasks_complete(2, flaw)
        # the run whose stop hangs is still waited for
        health = self.coordinator.get("/health")
        self.assertEqual("degraded", health["status"])
        shown = {(call["runner"], call["call"], call["task_id"])
                 for call in health["overdue_plugin_calls"]}  # fmt: skip
        self.assertLessEqual({(flaw, call, bad[flaw]) for flaw, call in calls.items()}, shown)
        metrics = self.coordinator.get("/metrics").splitlines()
        self.assertIn("opslab_plugin_calls_overdue 6", metrics)
        for call, count in (("start", 1), ("wait", 3), ("destroy", 1), ("stop", 1)):
            labels = f'{{call="{call}",plugin="runner-flawed"}}'
            self.assertIn(f"opslab_plugin_overdue_calls_total{labels} {count}", metrics)

    def test_a_worker_of_its_own_takes_the_crash_and_names_the_plugin(self):
        self.serve(extra="heartbeat: {interval_seconds: 1, timeout_seconds: 30}\n")
        worker = RemoteWorker(
            PROGRAM,
            self.folder,
            self.coordinator.port,
            "worker-001-crashing",
            f'plugins: {{path: ["{PLUGINS}"]}}\nrunners:\n'
            + runner(
                "crashing", "flawed", command=[str(DRIVER)], flaw="crashes-in-wait", only=BAD_PROBLEM
            )
            + "workers: [{runner: crashing, max_parallel_tasks: 2}]\n",
        )
        self.addCleanup(worker.end)
        worker.start()
        # A task of the same process that is under way. Its run is a process of this runner's, and
        # those do not outlive their worker: it is tried again.
        other = self.coordinator.submit(
            problem_id="x-detection-1",
            backend_type="crashing",
            max_retries=1,
            agent_config={"simulate": {"steps": 3, "step_ms": 1500}},
        )
        until(lambda: self.coordinator.task(other)["phases"].get("setup"), "a run")
        task_id = self.submit("crashing", BAD_PROBLEM)
        self.assertEqual(-signal.SIGSEGV, worker.process.wait(LIMIT_SECONDS))
        whose = (
            f"wait (runner crashing, worker worker-001-crashing, task {task_id}, attempt 1)"
        )
        worker.wait_for_log(f"the plugin runner-flawed crashed this process (SIGSEGV) in {whose}")
        self.good_tasks_complete()
        # Its successor knows whose call that was: the task fails, and does not end it, too.
        worker.start()
        worker.wait_for_log(f"SIGSEGV in {whose}")
        task = self.coordinator.wait_for_end(task_id)
        words = named("crashing", "wait") + "it crashed its process (SIGSEGV)"
        self.assertEqual(
            ("failed", "infrastructure", words, words),
            (task["status"], task["failure"]["kind"], task["failure"]["message"],
             task["error_details"]),
        )  # fmt: skip
        task = self.coordinator.wait_for_end(other)
        self.assertEqual(("completed", 2), (task["status"], task["attempt"]))
        self.good_tasks_complete(2, "crashing")
        self.assertIsNone(worker.process.poll())

    def test_what_crashed_a_coordinator_as_it_was_removed_is_left_by_the_next_ones(self):
        self.serve(["crashes-in-destroy"], only=BAD_PROBLEM, slots=2)
        for _ in range(2):  # the second must not have forgotten what the first left
            task_id = self.submit("crashes-in-destroy", BAD_PROBLEM)
            self.assertEqual(-signal.SIGSEGV, self.coordinator.process.wait(LIMIT_SECONDS))
            self.coordinator.start()
            self.line("a run whose removal crashed the last worker is left", f"task={task_id}")
            self.assertEqual("completed", self.coordinator.wait_for_end(task_id)["status"])
            self.good_tasks_complete()
            self.good_tasks_complete(2, "crashes-in-destroy")
        self.assertEqual(0, self.coordinator.stop())

    def test_a_runner_that_crashes_at_the_start_takes_no_task_at_the_next(self):
        self.serve()
        self.coordinator.stop()
        text = self.coordinator.config.read_text()
        bad = runner("bad", "flawed", command=[str(DRIVER)], flaw="crashes-in-list_owned")
        text = text.replace("workers:\n", f"{bad}workers:\n  - {{runner: bad, count: 2}}\n")
        self.coordinator.config.write_text(text)
        self.coordinator.launch()
        self.assertEqual(-signal.SIGSEGV, self.coordinator.process.wait(LIMIT_SECONDS))
        self.coordinator.start()
        words = named("bad", "list_owned") + "it crashed its process (SIGSEGV)"
        for worker in ("worker-001-bad", "worker-002-bad"):
            self.line("this worker takes no task until opslab was stopped", worker, words)
        task_id = self.submit("bad")
        self.good_tasks_complete()
        self.assertEqual("pending", self.coordinator.task(task_id)["status"])

    def test_an_end_of_opslab_does_not_wait_for_ever_for_a_plugin_that_hangs(self):
        self.serve(["hangs-in-start"])
        task_id = self.submit("hangs-in-start")
        until(lambda: self.coordinator.task(task_id)["status"] == "running", "the run")
        self.coordinator.process.send_signal(signal.SIGTERM)
        self.coordinator.process.wait(LIMIT_SECONDS)
        self.line(
            "calls into plugins do not return",
            f"runner-flawed: start (runner hangs-in-start, worker worker-001-hangs-in-start, task "
            f"{task_id}, attempt 1)",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
