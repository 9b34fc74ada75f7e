#!/usr/bin/env python3
"""The runner that calls programs of the user's: what they are given, what their exit codes mean, and
that nothing is left of a run whatever they do. Usage: runner_exec.py OPSLAB DRIVER PLUGIN"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until

PLUGIN = pathlib.Path(sys.argv.pop()).resolve()
DRIVER = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

EXAMPLE = {
    "prepare": 'echo "$OPSLAB_RUN_ID" >"$OPSLAB_RUN_DIR/prepared"',
    "run": f'test -f "$OPSLAB_RUN_DIR/prepared" || exit 75\nexec {DRIVER}',
    "stop": "true",
    "cleanup": 'rm -f "$OPSLAB_RUN_DIR/prepared"',
}


class Programs(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.notes = self.folder / "notes"
        self.notes.mkdir()

    def script(self, name, text):
        path = self.folder / name
        path.write_text(f'#!/bin/sh\nset -u\nNOTES="{self.notes}"\n{text}\n')
        path.chmod(0o755)
        return str(path)

    def serve(self, extra="", **texts):
        programs = {name: [self.script(name, text)] for name, text in texts.items()}
        config = ", ".join(f"{name}: {json.dumps(words)}" for name, words in programs.items())
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder,
            f"tasks: {{retry_base_seconds: 1, retry_max_seconds: 1}}\n"
            f"runners: [{{name: exec, plugin: exec, config: {{{config}{extra}}}}}]\n"
            "workers: [{runner: exec, max_parallel_tasks: 4}]\n",
        ).start()
        self.addCleanup(self.end)

    def end(self):
        if self.coordinator.process.poll() is None:
            self.coordinator.stop()

    def run_task(self, **request):
        return self.coordinator.wait_for_end(
            self.coordinator.submit(problem_id="exec-detection-1", **request)
        )

    def left(self):
        """Files of runs, in the directory of the plugin."""
        walked = os.walk(self.folder / "state")  # which takes folders that vanish meanwhile
        return [place for place, _, files in walked if "request.json" in files]

    def is_known_to_its_successor(self):
        running = self.coordinator.get("/workers/worker-001-exec/tasks")["tasks"]
        return running and running[0]["handle"]

    def note(self, name):
        return (self.notes / name).read_text().strip()

    def failure(self, task, kind, *words):
        self.assertEqual("failed", task["status"], task)
        self.assertEqual(kind, task["failure"]["kind"], task["failure"])
        for word in words:
            self.assertIn(word, task["error_details"])

    def test_the_four_run_a_task_in_their_order_and_leave_nothing(self):
        each = 'echo "$OPSLAB_CALL $OPSLAB_RUN_ID $OPSLAB_WORKER_ID" >>"$NOTES/calls"\n'
        self.serve(
            prepare=each + 'cp "$OPSLAB_REQUEST_FILE" "$NOTES/request"\nenv >"$NOTES/env"\n'
            + EXAMPLE["prepare"],
            run=each + EXAMPLE["run"],
            cleanup=each + EXAMPLE["cleanup"],
        )
        task = self.run_task(metadata={"odd": "$(touch x) '\"ü"})
        self.assertEqual("completed", task["status"], task)
        # a run is removed after its end was told
        until(lambda: not self.left(), "the files of the run to be gone")
        request = json.loads(self.note("request"))
        run = f"{request['run_id']} {request['worker_id']}"
        self.assertEqual(
            [f"{call} {run}" for call in ("prepare", "run", "cleanup")],
            self.note("calls").splitlines(),
        )
        self.assertEqual(task["id"], request["task_id"])
        self.assertEqual("exec-detection-1", request["task"]["problem_id"])
        self.assertEqual({"odd": "$(touch x) '\"ü"}, request["task"]["metadata"])
        self.assertNotIn("event_prefix", request["task"])
        self.assertNotIn("XDG", self.note("env"))

    def test_reserved_exit_codes_of_prepare_tell_the_task_from_the_place(self):
        self.serve(
            prepare='case $(grep -o "no-[a-z]*" "$OPSLAB_REQUEST_FILE" | head -1) in\n'
            "no-task) echo this problem needs a GPU >&2; exit 65 ;;\n"
            'no-place) echo x >>"$NOTES/tries"; echo the lab is closed >&2; exit 75 ;;\n'
            "no-idea) exit 3 ;;\nesac",
            run=EXAMPLE["run"],
            cleanup='echo x >>"$NOTES/cleaned"',
        )
        wrong = self.run_task(metadata={"w": "no-task"}, max_retries=2)
        self.failure(wrong, "task", "prepare exited with 65: this problem needs a GPU", '"exec"')
        self.assertEqual(1, wrong["attempt"])
        away = self.run_task(metadata={"w": "no-place"}, max_retries=1)
        self.failure(away, "infrastructure", "prepare exited with 75: the lab is closed")
        self.assertEqual(2, away["attempt"])
        self.assertEqual("x\nx", self.note("tries"))
        odd = self.run_task(metadata={"w": "no-idea"})
        self.failure(odd, "infrastructure", "prepare exited with 3")
        until(lambda: not self.left(), "the files of the runs to be gone")
        self.assertEqual(4, len(self.note("cleaned").splitlines()))

    def test_reserved_exit_codes_of_a_run_without_a_result_are_its_failure(self):
        self.serve(
            run='case $(grep -o "exit-[a-z]*" "$OPSLAB_TASK_FILE" | head -1) in\n'
            "exit-task) echo no such problem >&2; exit 65 ;;\n"
            "exit-place) echo the host went away >&2; exit 75 ;;\n"
            "exit-plain) exit 66 ;;\n"
            f'exit-late) {DRIVER}; exit 75 ;;\nesac'
        )
        task = self.run_task(metadata={"w": "exit-task"}, max_retries=2)
        self.failure(task, "task", "the run program exited with 65: no such problem")
        place = self.run_task(metadata={"w": "exit-place"}, max_retries=1)
        self.failure(place, "infrastructure", "exited with 75: the host went away")
        self.assertEqual(2, place["attempt"])
        self.failure(self.run_task(metadata={"w": "exit-plain"}), "task")
        self.assertEqual("completed", self.run_task(metadata={"w": "exit-late"})["status"])

    def test_a_prepare_that_hangs_or_floods_is_ended_and_named(self):
        self.serve(
            ", call_timeout_seconds: 1",
            prepare='if grep -q flood "$OPSLAB_REQUEST_FILE"; then yes; else sleep 1000; fi',
            run=EXAMPLE["run"],
        )
        for way in ("hang", "flood"):
            task = self.run_task(metadata={"w": way})
            self.failure(task, "infrastructure", "prepare", "did not end within 1 s and was killed")
        self.assertEqual([], processes_with(str(self.folder / "state")))

    def test_a_cancel_ends_a_prepare_that_hangs(self):
        self.serve(prepare='touch "$NOTES/began"; sleep 1000', run=EXAMPLE["run"])
        task_id = self.coordinator.submit(problem_id="x")
        until((self.notes / "began").exists, "prepare to begin")
        self.coordinator.call("DELETE", f"/tasks/{task_id}")
        until(lambda: not self.left(), "the files of the run to be gone")
        self.assertEqual([], processes_with(str(self.folder / "state")))

    def test_stop_asks_before_the_signal_and_a_stop_that_fails_is_only_told(self):
        self.serve(
            run='touch "$NOTES/runs"\ntrap "" TERM\n'
            'while [ ! -e "$OPSLAB_RUN_DIR/asked" ]; do sleep 0.05; done\ntouch "$NOTES/heard"',
            stop='touch "$OPSLAB_RUN_DIR/asked"\necho "$OPSLAB_GRACE_SECONDS" >"$NOTES/grace"\nexit 9',
        )
        task_id = self.coordinator.submit(problem_id="x")
        until((self.notes / "runs").exists, "the run")
        self.coordinator.call("DELETE", f"/tasks/{task_id}")
        until((self.notes / "heard").exists, "the run to hear of it")
        self.assertGreater(int(self.note("grace")), 0)
        log = self.folder / "serve.log"
        until(lambda: "stop exited with 9" in log.read_text(), "a line of the log")
        self.assertIn("runner-exec", log.read_text())

    def test_a_successor_of_a_killed_opslab_cleans_up_until_it_succeeds(self):
        self.serve(
            prepare='touch "$NOTES/there"',
            run='touch "$NOTES/runs"; sleep 1000',
            cleanup='test -e "$NOTES/open" || { echo shut >&2; exit 1; }\nrm -f "$NOTES/there"',
        )
        task_id = self.coordinator.submit(problem_id="x")
        until((self.notes / "runs").exists, "the run")
        # one that is not known yet is lost only with its lease, as it cannot be removed
        until(self.is_known_to_its_successor, "the run to be noted")
        self.coordinator.kill()
        self.coordinator.start()
        self.assertEqual("failed", self.coordinator.wait_for_end(task_id)["status"])
        until(lambda: not processes_with(str(self.folder / "state")), "the run's end")
        self.assertTrue((self.notes / "there").exists())
        self.assertTrue(self.left())
        (self.notes / "open").touch()
        self.coordinator.kill()
        self.coordinator.start()
        until(lambda: not (self.notes / "there").exists(), "the clean-up")
        until(lambda: not self.left(), "the files of the run to be gone")

    def test_it_keeps_every_promise_with_one_program_and_with_four(self):
        none = self.folder / "none.yaml"
        none.write_text("run: [/nonexistent]\n")
        four = "".join(f"{name}: [{self.script(name, text)}]\n" for name, text in EXAMPLE.items())
        for settings in ('run: ["${OPSLAB_CHECK_DRIVER}"]\n', four):
            config = self.folder / "settings.yaml"
            config.write_text(settings)
            done = subprocess.run(
                [PROGRAM, "plugin", "check", PLUGIN, "--config", config, "--without-driver", none],
                capture_output=True,
                text=True,
                timeout=280,
                check=False,
            )
            self.assertIn(" 0 failed, 0 skipped", done.stdout, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
