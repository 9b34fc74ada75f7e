#!/usr/bin/env python3
"""examples/runner-ssh over a real sshd on a port of loopback: tasks run, are stopped and cleaned up
on "the other host", also when opslab or the connection dies.
Usage: runner_ssh.py OPSLAB DRIVER PLUGIN SOURCE_DIR"""

import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator, free_port, processes_with, until

EXAMPLE = pathlib.Path(sys.argv.pop()).resolve() / "examples/runner-ssh"
PLUGIN = pathlib.Path(sys.argv.pop()).resolve()
DRIVER = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")


class Sshd:
    """A server with keys of its own, for this user alone."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
            )
        shutil.copy(folder / "user.pub", folder / "authorized")
        key = " ".join((folder / "host.pub").read_text().split()[:2])
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {key}\n")
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\n"
            "StrictModes no\nUsePAM no\nMaxStartups 200\n"
        )
        self.config = folder / "ssh_config"
        self.config.write_text(
            f"Host elsewhere\n  HostName 127.0.0.1\n  Port {self.port}\n"
            f"  User {getpass.getuser()}\n  IdentityFile {folder}/user\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {folder}/known\n"
        )
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it when root starts it
        self.process = None

    def start(self):
        with open(self.folder / "sshd.log", "ab") as log:
            self.process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", self.folder / "sshd_config"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, "sshd")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def sessions(self):
        """The servers of the connections: they are children of the one that listens."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self):
        for pid in self.sessions():
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class OverSsh(unittest.TestCase):
    def setUp(self):
        if SSHD is None:
            if os.environ.get("CI") == "true":
                self.fail("no sshd (scripts/packages.txt)")
            self.skipTest("no sshd")
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.sshd = Sshd(self.folder)
        self.sshd.start()
        self.addCleanup(self.sshd.stop)
        self.far = pathlib.Path.home() / ".opslab"

    def settings(self, driver):
        programs = "".join(
            f'{name}: ["{EXAMPLE}/{name}"]\n' for name in ("prepare", "stop", "cleanup")
        )
        return (
            programs + f'run: ["{EXAMPLE}/run", "{driver}"]\n'
            f'variables: {{SSH_HOST: elsewhere, SSH_CONFIG: "{self.sshd.config}"}}\n'
        )

    def serve(self):
        block = self.settings(DRIVER).replace("\n", "\n      ")
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder,
            "tasks: {retry_base_seconds: 1, retry_max_seconds: 1}\n"
            f"runners:\n  - name: ssh\n    plugin: exec\n    config:\n      {block}\n"
            "workers: [{runner: ssh, max_parallel_tasks: 2}]\n",
        ).start()
        self.addCleanup(self.coordinator.kill)

    def run_id(self, task_id, attempt=1):
        return f"{task_id}.{attempt}"

    def far_processes(self, task_id, attempt=1):
        return processes_with(f"/{self.run_id(task_id, attempt)}/work")

    def far_files(self, task_id):
        return [str(path) for path in self.far.glob(f"*/{task_id}*")]

    def started(self, **simulate):
        task_id = self.coordinator.submit(
            problem_id="ssh-detection-1", agent_config={"simulate": simulate}, max_retries=1
        )
        until(
            lambda: self.coordinator.get(f"/tasks/{task_id}/trajectory")["steps"], "the first step"
        )
        self.assertTrue(self.far_processes(task_id))
        return task_id

    def gone(self, task_id):
        until(lambda: not self.far_processes(task_id), "the far driver's end")
        until(lambda: not self.far_files(task_id), "the far files to be gone")

    def test_tasks_run_elsewhere_and_are_cancelled_there(self):
        self.serve()
        ids = [self.coordinator.submit(problem_id="ssh-analysis-1") for _ in range(2)]
        for task_id in ids:
            task = self.coordinator.wait_for_end(task_id)
            self.assertEqual("completed", task["status"], task)
            self.gone(task_id)
        task_id = self.started(mode="hang")
        self.coordinator.call("DELETE", f"/tasks/{task_id}")
        self.gone(task_id)

    def test_a_broken_connection_ends_the_far_run_and_is_no_fault_of_the_task(self):
        self.serve()
        task_id = self.started(mode="slow", step_ms=2000)
        for pid in self.sshd.sessions():
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self.far_processes(task_id, 1), "the far driver's end")
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual("infrastructure", task["attempts"][0]["failure"]["kind"], task)
        self.assertEqual(("completed", 2), (task["status"], task["attempt"]))
        self.gone(task_id)

    def test_a_host_that_cannot_be_reached_is_an_infrastructure_failure(self):
        self.serve()
        self.sshd.stop()
        task = self.coordinator.wait_for_end(self.coordinator.submit(problem_id="x"))
        self.sshd.start()
        self.assertEqual("infrastructure", task["failure"]["kind"])
        self.assertIn("Connection refused", task["error_details"])

    def test_a_killed_opslab_leaves_no_run_there(self):
        self.serve()
        task_id = self.started(mode="hang")
        self.coordinator.kill()
        until(lambda: not self.far_processes(task_id), "the far driver's end with the connection")
        self.coordinator.start()
        self.gone(task_id)

    def test_it_keeps_the_promises_that_a_far_end_could_break(self):
        settings = self.folder / "check.yaml"
        settings.write_text(self.settings("${OPSLAB_CHECK_DRIVER}"))
        for pattern in ("Stop*", "*Left*", "Every*", "Crash*", "Flood*", "SuccessorOf*"):
            done = subprocess.run(
                [PROGRAM, "plugin", "check", PLUGIN, "--config", settings, "--case", pattern],
                capture_output=True,
                text=True,
                timeout=280,
                check=False,
            )
            self.assertIn(" 0 failed, 0 skipped", done.stdout, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
