#!/usr/bin/env python3
"""Runners that sleep, throw, talk nonsense, flood or crash, beside a good one: no other task is hurt,
and every message names the plugin. Usage: bad_plugins.py OPSLAB DRIVER TEST_PLUGINS"""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from coordinator import LIMIT_SECONDS, Coordinator, until

PLUGINS = pathlib.Path(sys.argv.pop()).resolve()
DRIVER = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

FLAWS = ("throws-in-start", "throws-in-wait", "throws-in-destroy", "nonsense-events", "floods",
         "hangs-in-start", "hangs-in-wait")
RUDE = ("unknown-code", "bad-handle", "no-handle", "unknown-end", "floods", "endless-error")


def runner(name, plugin, **config):
    return f"  - {{name: {name}, plugin: {plugin}, config: {json.dumps(config)}}}\n"


class BadPlugins(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def serve(self, flaws=(), manners=(), extra=""):
        runners = runner("good", "process", command=[str(DRIVER)])
        workers = "  - {runner: good, max_parallel_tasks: 4}\n"
        for flaw in flaws:
            runners += runner(flaw, "flawed", command=[str(DRIVER)], flaw=flaw)
        for manner in manners:
            runners += runner(f"rude-{manner}", "rude", manner=manner)
        for name in [*flaws, *(f"rude-{manner}" for manner in manners)]:
            workers += f"  - {{runner: {name}}}\n"
        self.coordinator = Coordinator(
            PROGRAM, self.folder, f"runners:\n{runners}workers:\n{workers}{extra}"
        )
        text = self.coordinator.config.read_text()
        text = text.replace("plugins: {", f'plugins: {{path: ["{PLUGINS}"], ')
        self.coordinator.config.write_text(text)
        self.coordinator.start()
        self.addCleanup(self.end)

    def end(self):
        if self.coordinator.process.poll() is None:
            self.coordinator.kill()

    def submit(self, backend, **simulate):
        return self.coordinator.submit(
            problem_id="x-detection-1",
            backend_type=backend,
            agent_config={"simulate": simulate} if simulate else {},
        )

    def good_tasks_complete(self, count=8):
        tasks = [self.submit("good") for _ in range(count)]
        for task_id in tasks:
            self.assertEqual("completed", self.coordinator.wait_for_end(task_id)["status"])

    def log(self):
        return (self.folder / "serve.log").read_text(errors="replace")

    def test_no_other_task_is_hurt_and_the_failures_name_the_plugin(self):
        self.serve(FLAWS, RUDE)
        bad = {flaw: self.submit(flaw) for flaw in FLAWS}
        bad |= {f"rude-{manner}": self.submit(f"rude-{manner}") for manner in RUDE}
        self.good_tasks_complete()
        for name, words in (
            ("throws-in-start", 'runner "flawed": thrown in start'),
            ("throws-in-wait", 'runner "flawed": thrown in wait'),
            ("rude-bad-handle", 'runner "rude": start gave a handle'),
            ("rude-no-handle", 'runner "rude": start gave no handle'),
            ("rude-unknown-end", 'runner "rude": it says that the run ended in way 4'),
        ):
            task = self.coordinator.wait_for_end(bad[name])
            self.assertEqual("failed", task["status"], name)
            self.assertIn(words, task["error_details"])
        # a worker whose runner cannot even say what is left takes no task, and says why
        for words in ('runner \\"rude\\": it answered 99', 'runner \\"rude\\": xxx'):
            until(lambda: words in self.log(), f"{words} in the log")
        for manner in ("unknown-code", "endless-error"):
            self.assertEqual("pending", self.coordinator.task(bad[f"rude-{manner}"])["status"])
        # a runner that cannot destroy its runs has still run them
        task = self.coordinator.wait_for_end(bad["throws-in-destroy"])
        self.assertEqual("completed", task["status"], task)
        # nonsense is no result, so the run failed; what was said is in its log
        task = self.coordinator.wait_for_end(bad["nonsense-events"])
        self.assertEqual("failed", task["status"], task)
        logs = self.coordinator.get(f"/tasks/{bad['nonsense-events']}/logs?limit=1000")["logs"]
        told = "the driver sent no valid event: malformed JSON: not valid JSON at byte 10"
        self.assertIn(told, {line["message"] for line in logs})
        # these never end by themselves
        for name in ("hangs-in-start", "hangs-in-wait", "floods"):
            task = self.coordinator.task(bad[name])
            if name != "floods":
                self.assertEqual("running", task["status"], name)
            self.coordinator.call("DELETE", f"/tasks/{bad[name]}")
            ended = self.coordinator.task(bad[name])["status"]
            self.assertIn(ended, ("cancelled", "completed"), name)
        self.good_tasks_complete()
        until(lambda: "thrown in destroy" in self.log(), "a line of the log")

    def test_a_worker_of_its_own_takes_the_crash_and_names_the_plugin(self):
        self.serve(extra="heartbeat: {interval_seconds: 1, timeout_seconds: 4}\n")
        # a configuration for a worker elsewhere, with the runner that crashes
        config = self.folder / "worker.yaml"
        config.write_text(
            f'plugins: {{path: ["{PLUGINS}"]}}\nheartbeat: {{interval_seconds: 1}}\nrunners:\n'
            + runner("crashing", "flawed", command=[str(DRIVER)], flaw="crashes-in-wait")
        )
        task_id = self.submit("crashing")
        words = [
            PROGRAM, "worker", "--coordinator", f"http://127.0.0.1:{self.coordinator.port}",
            "--runner", "crashing", "--id", "worker-001-crashing", "--config", config,
            "--state-dir", self.folder / "worker-state",
        ]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
        self.assertEqual(-signal.SIGSEGV, done.returncode, done.stderr)
        self.assertIn("the plugin runner-flawed crashed this process (SIGSEGV) in wait", done.stderr)
        self.good_tasks_complete()
        # and the task is not lost with it
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual(("failed", "worker_lost"), (task["status"], task["failure"]["kind"]))

    def test_an_end_of_opslab_does_not_wait_for_ever_for_a_plugin_that_hangs(self):
        self.serve(["hangs-in-start"])
        task_id = self.submit("hangs-in-start")
        until(lambda: self.coordinator.task(task_id)["status"] == "running", "the run")
        self.coordinator.process.send_signal(signal.SIGTERM)
        self.coordinator.process.wait(LIMIT_SECONDS)
        self.assertIn("calls into plugins do not return calls=\"runner-flawed: start\"", self.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
