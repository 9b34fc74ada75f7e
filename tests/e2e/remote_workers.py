#!/usr/bin/env python3
"""Workers elsewhere: `opslab worker` over REST, with the coordinator killed, the line cut, the
worker frozen or killed. Usage: remote_workers.py OPSLAB"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, processes_with, until
from remote_worker import Line, RemoteWorker

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
TIMES = (
    "heartbeat: {interval_seconds: 1, timeout_seconds: 6}\n"
    "sweep: {interval_seconds: 1}\n"
    "tasks: {retry_base_seconds: 1}\n"
)
# where no lease is to run out, however slow the machine is
PATIENT = TIMES.replace("timeout_seconds: 6", "timeout_seconds: 60")
WORKER = "worker-001-process"


class RemoteWorkers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.journal = pathlib.Path(self.folder.name, "journal")
        self.journal.touch()

    def serve(self, config=TIMES):
        self.coordinator = Coordinator(PROGRAM, self.folder.name, config).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())
        return self.coordinator

    def worker(self, worker_id=WORKER, port=None, arguments=(), times=TIMES):
        worker = RemoteWorker(
            PROGRAM,
            self.folder.name,
            port or self.coordinator.port,
            worker_id,
            times + "runners:\n"
            "  - name: process\n"
            "    plugin: process\n"
            "    config:\n"
            "      command: [opslab-driver-simulated]\n"
            f'      variables: {{OPSLAB_SIMULATED_JOURNAL: "{self.journal}"}}\n',
            arguments,
        )
        self.addCleanup(worker.end)
        return worker

    def submit(self, **simulate):
        return self.coordinator.submit(
            problem_id="simulated-detection", agent_config={"simulate": simulate}
        )

    def steps(self, task_id):
        trajectory = self.coordinator.get(f"/tasks/{task_id}/trajectory")
        return [step["step"] for step in trajectory["steps"]]

    def status_of(self, worker_id=WORKER):
        status, _, worker = self.coordinator.call("GET", f"/workers/{worker_id}")
        return worker["status"] if status == 200 else None

    def starts(self):
        """(task, attempt) of each driver that ran, as it wrote itself."""
        rows = [line.split() for line in self.journal.read_text().splitlines()]
        return [(row[1], int(row[2])) for row in rows if row[0] == "start"]

    def drivers(self):
        return processes_with(f"OPSLAB_SIMULATED_JOURNAL={self.journal}")

    def assert_whole(self, task_id, steps):
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual((task["status"], task["attempt"]), ("completed", 1), task)
        self.assertEqual(self.steps(task_id), list(range(1, steps + 1)))

    def test_two_workers_share_the_tasks_and_each_runs_once(self):
        self.serve()
        for worker_id in (WORKER, "worker-002-process"):
            self.worker(worker_id, arguments=["--max-parallel-tasks", "3"]).start()
        ids = [self.submit(steps=3) for _ in range(30)]

        tasks = [self.coordinator.wait_for_end(task_id) for task_id in ids]

        self.assertEqual({task["status"] for task in tasks}, {"completed"})
        self.assertEqual(sorted(self.starts()), sorted((task_id, 1) for task_id in ids))
        until(lambda: not self.drivers(), "the drivers to be gone")

    def test_runs_go_on_while_the_coordinator_is_dead_and_lose_and_repeat_nothing(self):
        self.serve(PATIENT)
        self.worker(arguments=["--max-parallel-tasks", "4"], times=PATIENT).start()
        ids = [self.submit(steps=12, step_ms=150) for _ in range(4)]
        until(lambda: all(self.steps(task_id) for task_id in ids), "first steps of all")

        self.coordinator.kill()
        until(lambda: len(self.journal.read_text().splitlines()) == 8, "the runs to end by themselves")
        self.coordinator.start()

        for task_id in ids:
            self.assert_whole(task_id, 12)
        self.assertEqual(sorted(self.starts()), sorted((task_id, 1) for task_id in ids))

    def test_a_line_that_is_cut_again_and_again_loses_and_repeats_nothing(self):
        self.serve(PATIENT)
        line = Line(self.coordinator.port)
        arguments = ["--max-parallel-tasks", "2"]
        self.worker(port=line.port, arguments=arguments, times=PATIENT).start()
        ids = [self.submit(steps=20, step_ms=100) for _ in range(2)]
        for seen in (2, 8, 14):
            until(lambda: all(len(self.steps(task_id)) >= seen for task_id in ids), "more steps")
            # requests arrive and their answers do not: what is sent again must be known again
            line.mute()
            before = len(line.requests)
            until(lambda: b"/events" in line.requests[before:], "a report without an answer")
            line.cut()
            line.join()

        for task_id in ids:
            self.assert_whole(task_id, 20)
        line.cut()

    def test_a_claim_whose_answer_is_lost_is_run_all_the_same(self):
        self.serve(PATIENT)
        line = Line(self.coordinator.port)
        self.worker(port=line.port, times=PATIENT).start()
        until(lambda: b"/claim" in line.requests, "the worker to wait for a task")
        line.mute()
        task_id = self.submit(steps=3)
        until(lambda: self.coordinator.task(task_id)["status"] == "running", "the claim")
        self.assertEqual(self.starts(), [])
        line.cut()
        line.join()

        self.assert_whole(task_id, 3)
        line.cut()

    def test_a_worker_frozen_past_its_lease_changes_nothing(self):
        self.serve()
        frozen = self.worker().start()
        task_id = self.coordinator.submit(
            problem_id="p",
            max_retries=1,
            agent_config={"simulate": {"steps": 30, "step_ms": 100}},
        )
        until(lambda: self.steps(task_id), "the first step")
        frozen.signal(signal.SIGSTOP)
        until(lambda: self.status_of() == "offline", "the worker to count as offline")
        self.worker("worker-002-process").start()
        until(lambda: self.coordinator.task(task_id)["attempt"] == 2, "the second attempt")

        frozen.signal(signal.SIGCONT)
        frozen.wait_for_log("the attempt is no longer this worker's")
        task = self.coordinator.wait_for_end(task_id)

        self.assertEqual((task["status"], task["worker_id"]), ("completed", "worker-002-process"))
        self.assertEqual(
            [(attempt["worker_id"], attempt["status"]) for attempt in task["attempts"]],
            [(WORKER, "failed"), ("worker-002-process", "completed")],
        )
        self.assertEqual(task["attempts"][0]["failure"]["kind"], "worker_lost")
        self.assertEqual(self.steps(task_id), list(range(1, 31)))
        until(lambda: not self.drivers(), "the driver of the lost attempt to be stopped")

    def test_a_killed_worker_comes_back_at_once_and_leaves_nothing(self):
        self.serve("sweep: {interval_seconds: 1}\ntasks: {retry_base_seconds: 1}\n")
        worker = self.worker(times="").start()
        task_id = self.coordinator.submit(
            problem_id="p", max_retries=1, agent_config={"simulate": {"steps": 9, "step_ms": 200}}
        )
        until(lambda: self.steps(task_id), "the first step")
        worker.kill()
        until(lambda: not self.drivers(), "the driver to go with its worker")

        worker.start()  # the heartbeat time-out is 60 s: that would be too long to wait for
        task = self.coordinator.wait_for_end(task_id)

        self.assertEqual((task["status"], task["attempt"]), ("completed", 2))
        self.assertEqual(task["attempts"][0]["failure"]["kind"], "worker_lost")
        self.assertEqual(self.steps(task_id), list(range(1, 10)))

    def test_a_worker_that_is_killed_while_it_waits_is_given_nothing(self):
        self.serve(PATIENT)
        worker = self.worker(times=PATIENT).start()
        for _ in range(3):
            self.assert_whole(self.submit(steps=2), 2)
            until(lambda: self.status_of() == "idle", "the worker to wait again")
            worker.kill()
            task_id = self.submit(steps=2)

            worker.start()

            self.assert_whole(task_id, 2)

    def test_another_process_cannot_take_a_live_id(self):
        self.serve()
        self.worker().start()
        until(lambda: self.status_of() == "idle", "the worker to enrol")
        request = {"id": WORKER, "backend_type": "process"}
        for stranger in (request, request | {"instance": "0123456789abcdef" * 4}):
            status, _, answer = self.coordinator.call("POST", "/workers/register", stranger)
            self.assertEqual((status, answer["code"]), (409, "worker_registered"))
        self.assertNotIn("instance", str(self.coordinator.get(f"/workers/{WORKER}")))

        twin = self.worker().start()

        self.assertEqual(twin.process.wait(60), 1)
        self.assertIn("another worker runs with the state directory", twin.log_text())

    def test_a_cancelled_run_is_stopped(self):
        self.serve()
        self.worker().start()
        task_id = self.submit(mode="hang")
        until(self.drivers, "the driver")

        status, _, task = self.coordinator.call("POST", f"/tasks/{task_id}/cancel")

        self.assertEqual((status, task["status"]), (200, "cancelled"))
        until(lambda: not self.drivers(), "the driver to be stopped")

    def test_a_term_signal_lets_runs_end_and_signs_off(self):
        self.serve()
        worker = self.worker().start()
        task_id = self.submit(steps=5, step_ms=200)
        until(lambda: self.steps(task_id), "the first step")

        self.assertEqual(worker.stop(), 0)

        self.assert_whole(task_id, 5)
        self.assertEqual(self.status_of(), "offline")
        worker.start()
        until(lambda: self.status_of() != "offline", "the id to be taken again")

    def test_an_idle_worker_stops_without_waiting_for_its_claim(self):
        self.serve("")
        line = Line(self.coordinator.port)
        worker = self.worker(port=line.port, times="").start()
        until(lambda: b"/claim" in line.requests, "the worker to wait for a task")

        self.assertEqual(worker.stop(), 0)

        self.assertIn(b"/release", line.requests)
        self.assertEqual(self.status_of(), "offline")
        line.cut()

    def test_a_worker_that_starts_first_waits_for_its_coordinator(self):
        self.serve()
        self.coordinator.stop()
        worker = self.worker().start()
        worker.wait_for_log("could not enrol")

        self.coordinator.start()

        self.assert_whole(self.submit(steps=2), 2)

    def test_with_a_token_only_those_who_have_it_are_served_and_it_shows_nowhere(self):
        secret = "s3cret-" + "x" * 40
        token = pathlib.Path(self.folder.name, "token")
        token.write_text(secret + "\n")
        token.chmod(0o600)
        self.serve(TIMES)
        self.coordinator.stop()
        text = self.coordinator.config.read_text()
        self.coordinator.config.write_text(
            text.replace("drain_seconds: 5", f'drain_seconds: 5, token_file: "{token}"')
        )
        self.coordinator.start()
        self.assertEqual(self.coordinator.call("GET", "/tasks")[0], 401)
        self.assertEqual(
            self.coordinator.call("GET", "/tasks", headers={"Authorization": "Bearer wrong"})[0], 401
        )
        self.assertEqual(self.coordinator.call("GET", "/live")[0], 200)
        stranger = self.worker("worker-009-process").start()
        stranger.wait_for_log("401")

        self.worker(arguments=["--token-file", str(token)]).start()
        submitted = subprocess.run(
            [PROGRAM, "task", "submit", "simulated-detection", "--watch", "--coordinator",
             f"http://127.0.0.1:{self.coordinator.port}", "--token-file", token],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        for file in pathlib.Path(self.folder.name).glob("*.log"):
            self.assertNotIn(secret, file.read_text())

    def test_everything_wrong_with_a_command_line_is_said_at_once(self):
        refused = subprocess.run(
            [PROGRAM, "worker", "--coordinator", "ftp://here", "--runner", "docker", "--id",
             "worker-001-kind", "--token-file", "/no/such/token"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

        self.assertEqual(refused.returncode, 2)
        for part in ("must end in the runner's name", '"docker" is not in the configuration',
                     "not http or https", '"/no/such/token"'):  # fmt: skip
            self.assertIn(part, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
