"""What the tests of the kind runner share: an engine of their own, the real kind command behind one
that notes its calls and stops where a test wants it, and a coordinator. The nodes are fakes with no
Kubernetes in them."""

import json
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

import coordinator as serve
from coordinator import Coordinator, until
from docker_engine import Engine, remove_containers, run

# The same for kind and docker: a call is noted as it begins and ends, and waits while there is a
# file of its name ("create-begin", "exec-end").
FRONT = """#!/bin/sh
control=@CONTROL@
stop_at() {
    [ -e "$control/$1" ] || return 0
    : >"$control/$1.reached"
    while [ -e "$control/$1" ]; do sleep 0.02; done
}
echo "$1-begin $*" >>"$control/calls"
stop_at "$1-begin"
@PROGRAM@ "$@"
code=$?
stop_at "$1-end"
echo "$1-end $*" >>"$control/calls"
exit $code
"""


serve.LIMIT_SECONDS = 240  # a cluster takes a minute where the machine is busy


def descendants(process):
    """The ids of all processes below one, the youngest generation last."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, generation = [], [process]
    while generation:
        generation = [child for child, parent in parents.items() if parent in generation]
        found += generation
    return found


class KindTest(unittest.TestCase):
    """A subclass is given `program`, `sources`, `driver` and `kind` (paths) before it runs."""

    program = sources = driver = kind = engine = None

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(cls.sources)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.start()
        cls.image = run(cls.sources / "scripts/simulated-image", cls.driver).split()[-1]
        cls.node = run(cls.sources / "scripts/fake-kind-node", "opslab/fake-kind-node:test").split()[-1]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="okt")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(remove_containers)
        self.coordinators = []
        self.addCleanup(self.kill_all)
        self.control = pathlib.Path(self.folder, "control")
        self.control.mkdir()
        (self.control / "calls").touch()
        for name, program in (("kind", self.kind), ("docker", shutil.which("docker"))):
            front = pathlib.Path(self.folder, name)
            front.write_text(
                FRONT.replace("@CONTROL@", str(self.control)).replace("@PROGRAM@", str(program))
            )
            front.chmod(0o755)

    def serve(self, slots=1, name="one", change=None, **settings):
        """A coordinator of that name with one worker; the same name again is its successor. `change`
        may change the text of its configuration."""
        folder = pathlib.Path(self.folder, name)
        folder.mkdir(exist_ok=True)
        config = {
            "image": self.image, "pull": "never", "node_image": self.node,
            "node_image_pull": "never", "worker_nodes": 0, "kind": f"{self.folder}/kind",
            "docker": f"{self.folder}/docker", "min_free_memory_mb": 0, "min_free_disk_mb": 0,
            "host_lock_path": f"{self.folder}/locks",
        } | settings
        coordinator = Coordinator(
            self.program,
            folder,
            f"runners: [{{name: kind, plugin: kind, config: {json.dumps(config)}}}]\n"
            f"workers: [{{runner: kind, count: 1, max_parallel_tasks: {slots}}}]\n",
        )
        if change is not None:
            coordinator.config.write_text(change(coordinator.config.read_text()))
        self.coordinators.append(coordinator)
        return coordinator.start()

    def kill_all(self, spared=()):
        """kill -9 of every coordinator and of all that it started, but for programs of these names."""
        for coordinator in self.coordinators:
            if coordinator.process.poll() is None:
                below = descendants(coordinator.process.pid)
                coordinator.kill()
                for process in below:
                    try:
                        name = pathlib.Path(f"/proc/{process}/comm").read_text().strip()
                        if name not in spared:
                            os.kill(process, signal.SIGKILL)
                    except (OSError, ProcessLookupError):
                        continue
        self.coordinators.clear()

    def pause(self, point):
        (self.control / point).touch()

    def is_paused(self, point):
        return (self.control / f"{point}.reached").exists()

    def go_on(self, point):
        (self.control / f"{point}.reached").unlink(missing_ok=True)
        (self.control / point).unlink(missing_ok=True)

    def calls(self, word):
        """The noted calls of a command, as `kind create …` in the order of their begins and ends."""
        return [line for line in (self.control / "calls").read_text().splitlines()
                if line.startswith(word)]

    def most_at_once(self, word):
        most = under_way = 0
        for line in self.calls(word):
            under_way += 1 if line.startswith(f"{word}-begin") else -1
            most = max(most, under_way)
        return most

    def submit(self, coordinator, max_retries=0, **simulate):
        return coordinator.submit(
            problem_id="simulated-mitigation",
            agent_config={"simulate": simulate},
            max_retries=max_retries,
        )

    def completed(self, coordinator, count=1, **simulate):
        """Submits one after the other and holds each to its completion."""
        for _ in range(count):
            task = coordinator.wait_for_end(self.submit(coordinator, **simulate))
            self.assertEqual(task["status"], "completed", task)

    def make_foreign(self, name):
        """A cluster that opslab did not make; its node's id."""
        run(self.kind, "create", "cluster", "--name", name, "--image", self.node, "-q",
            "--kubeconfig", f"{self.folder}/foreign")
        return nodes()[name]


def nodes():
    """The ids of the control planes of all clusters, by cluster."""
    listed = run(
        "docker", "ps", "-a", "--filter", "label=io.x-k8s.kind.role=control-plane", "--no-trunc",
        "--format", "{{.ID}} {{.Names}}",
    )
    found = (line.split() for line in listed.splitlines())
    return {name[: -len("-control-plane")]: node for node, name in found}


def runs():
    """The containers of drivers."""
    return run("docker", "ps", "-aq", "--filter", "label=opslab.run").split()
