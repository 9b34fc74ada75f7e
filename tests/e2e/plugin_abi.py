#!/usr/bin/env python3
"""One coordinator, built by gcc, with runners that it shares no C++ type with: one built against the
first version of the plugin ABI, one in C99, and two that clang built with its own standard library.
Each runs tasks, and keeps every promise that a runner makes.
Usage: plugin_abi.py OPSLAB TEST_PLUGINS LIBCXX_PLUGINS DRIVER"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from coordinator import Coordinator

DRIVER = pathlib.Path(sys.argv.pop()).resolve()
LIBCXX = pathlib.Path(sys.argv.pop()).resolve()
PLUGINS = pathlib.Path(sys.argv.pop()).resolve()
PROGRAM = pathlib.Path(sys.argv.pop()).resolve()

CONFIG = f"""
runners:
  - {{name: first, plugin: v1, config: {{driver: "{DRIVER}"}}}}
  - {{name: c99, plugin: c99, config: {{driver: "{DRIVER}"}}}}
"""
OF_CLANG = f"""
  - {{name: clang, plugin: process, config: {{command: ["{DRIVER}"]}}}}
  - {{name: fake, plugin: fake}}
"""


def serving(folder, *runners):
    """A coordinator with a worker for each of these runners."""
    text = CONFIG + (OF_CLANG if "clang" in runners else "") + "workers:\n" + "".join(f"  - {{runner: {name}}}\n" for name in runners)
    coordinator = Coordinator(PROGRAM, folder, text)
    places = f'plugins: {{path: ["{LIBCXX}", "{PLUGINS}"], '
    coordinator.config.write_text(coordinator.config.read_text().replace("plugins: {", places))
    return coordinator.start()


def promises(plugin, settings=None):
    """What `opslab plugin check` finds broken."""
    command = [PROGRAM, "plugin", "check", plugin, "--json", "--timeout", "60"]
    with tempfile.TemporaryDirectory() as folder:
        if settings:
            path = pathlib.Path(folder, "settings.yaml")
            path.write_text(settings)
            command += ["--config", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    cases = json.loads(done.stdout)["cases"] if done.stdout else [done.stderr]
    return [case for case in cases if case["verdict"] != "passed"], len(cases)


class PluginsOfOthers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def need_libcxx(self):
        if not (LIBCXX / "runner-process.so").exists():
            if os.environ.get("CI") == "true":
                self.fail("no clang++ with libc++ (scripts/packages.txt)")
            self.skipTest("no clang++ with libc++")

    def run_tasks(self, *backends):
        coordinator = serving(self.folder.name, *backends)
        self.addCleanup(coordinator.stop)
        tasks = {
            name: [coordinator.submit(problem_id=f"{name}-detection-1", backend_type=name)
                   for _ in range(3)]
            for name in backends
        }
        for name, ids in tasks.items():
            for task_id in ids:
                task = coordinator.wait_for_end(task_id)
                self.assertEqual("completed" if name != "fake" else "failed", task["status"], task)
                if name != "fake":
                    self.assertTrue(task["result"]["success"])
                    steps = coordinator.get(f"/tasks/{task_id}/trajectory")["steps"]
                    self.assertGreater(len(steps), 3)
        return coordinator

    def test_one_of_the_first_abi_and_one_in_c99_run_tasks(self):
        self.run_tasks("first", "c99")

    def test_those_of_another_compiler_run_tasks_and_may_throw(self):
        self.need_libcxx()
        coordinator = self.run_tasks("clang", "fake")
        maps = pathlib.Path(f"/proc/{coordinator.process.pid}/maps").read_text()
        for library in ("libc++.so", "libstdc++.so", str(LIBCXX / "runner-process.so")):
            self.assertIn(library, maps)

        thrown = coordinator.submit(
            problem_id="x", backend_type="fake", agent_config={"fake": {"start": "throw"}}
        )
        task = coordinator.wait_for_end(thrown)
        self.assertEqual("failed", task["status"])
        self.assertIn('runner "fake": start: it threw: scripted exception in start', task["error_details"])

    def test_they_keep_every_promise(self):
        driver = "driver: ${OPSLAB_CHECK_DRIVER}\n"
        for name in ("v1", "c99"):
            broken, count = promises(PLUGINS / f"runner-{name}.so", driver)
            self.assertEqual([], broken, name)
            self.assertGreater(count, 40)

    def test_the_one_of_another_compiler_keeps_every_promise(self):
        self.need_libcxx()
        self.assertEqual([], promises(LIBCXX / "runner-process.so")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
