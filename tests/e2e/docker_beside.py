#!/usr/bin/env python3
"""The docker runner for AIOpsLab: a kubeconfig that is handed over, and a Docker engine beside a run for
the problems that need one. The engines are real, the driver is a shell script.
Usage: docker_beside.py OPSLAB SOURCE_DIR"""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

from coordinator import Coordinator, until
from docker_engine import Engine, remove_containers, run

SOURCES = pathlib.Path(sys.argv.pop(2)).resolve()
PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()

# takes its task as a driver must, does what the test wants, and says what it saw
DRIVER = """
task=$(cat $OPSLAB_TASK_FILE); rm $OPSLAB_TASK_FILE
prefix=$(echo "$task" | sed 's/.*"event_prefix": *"\\([^"]*\\)".*/\\1/')
event() { echo "$prefix$1"; }
@SCRIPT@
event '{"type":"result","success":true,"reward":1}'
"""

NEW = {"id": "new-detection-1", "task_type": "detection", "needs": ["chaos-mesh"]}


class Beside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(SOURCES)
        cls.addClassCleanup(cls.engine.stop)
        cls.engine.start()
        cls.image = run(SOURCES / "scripts/docker-engine-image").split()[-1]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="okb")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(remove_containers)

    def serve(self, script, **settings):
        config = {
            "image": self.image, "pull": "never", "network": "none", "init": False,
            "entrypoint": ["sh", "-c", DRIVER.replace("@SCRIPT@", script)],
        } | settings
        self.coordinator = Coordinator(
            PROGRAM,
            self.folder,
            f"runners: [{{name: docker, plugin: docker, config: {json.dumps(config)}}}]\n"
            "workers: [{runner: docker, count: 1, max_parallel_tasks: 2}]\n",
        ).start()
        self.addCleanup(lambda: self.coordinator.process.poll() is None and self.coordinator.kill())

    def played(self, problem="flower_node_stop-detection", **request):
        task_id = self.coordinator.submit(problem_id=problem, **request)
        task = self.coordinator.wait_for_end(task_id)
        logs = self.coordinator.get(f"/tasks/{task_id}/logs?limit=1000")["logs"]
        return task, "\n".join(log["message"] for log in logs)

    def all_removed(self):
        until(lambda: not self.containers(), "the removal of all containers and their volumes")
        self.assertEqual(run("docker", "volume", "ls", "-q"), "")

    def containers(self):
        return run("docker", "ps", "-aq", "--filter", "label=opslab.run").split()

    def test_each_run_of_such_a_problem_has_a_docker_engine_of_its_own(self):
        self.serve(
            "docker info --format 'host={{.Name}} containers={{.Containers}}'; echo at=$DOCKER_HOST",
            docker_engine_image=self.image,
        )
        task, said = self.played()
        self.assertEqual(task["status"], "completed", task)
        self.assertIn("containers=0", said)  # not the engine that it runs on, which has two
        self.assertIn("at=tcp://127.0.0.1:2375", said)
        self.all_removed()

    def test_two_at_once_do_not_see_each_other(self):
        self.serve(
            "tar -c -C / bin | docker import - seen:$(cat /proc/sys/kernel/random/uuid) >/dev/null; sleep 2;"
            "docker images --format '{{.Repository}}'",
            docker_engine_image=self.image,
        )
        ids = [self.coordinator.submit(problem_id="flower_node_stop-detection") for _ in range(2)]
        for task_id in ids:
            self.assertEqual(self.coordinator.wait_for_end(task_id)["status"], "completed")
            logs = self.coordinator.get(f"/tasks/{task_id}/logs?limit=1000")["logs"]
            self.assertEqual([log["message"] for log in logs].count("seen"), 1, logs)
        self.all_removed()

    def test_other_problems_get_none(self):
        self.serve("echo host=$DOCKER_HOST.", docker_engine_image=self.image)
        task, said = self.played("pod_failure_hotel_res-detection-1")
        self.assertEqual(task["status"], "completed", task)
        self.assertIn("host=.", said)

    def refused(self, problem):
        """Why a submission is refused; nothing of it is stored."""
        status, _, answer = self.coordinator.call("POST", "/tasks", {"problem_id": problem})
        self.assertEqual(status, 400, answer)
        (field,) = answer["details"]["fields"]
        self.assertEqual(field["field"], "/problem_id")
        self.assertEqual(self.coordinator.get("/tasks")["total"], 0)
        return field["message"]

    def test_a_runner_that_has_none_to_give_refuses_the_submission_and_says_what_to_set(self):
        self.serve("echo never")
        for problem in ("flower_node_stop-detection", "flower_model_misconfig-detection"):
            self.assertIn("set docker_engine_image", self.refused(problem))

    def test_a_driver_that_needs_a_cluster_is_refused_where_there_is_no_kubeconfig(self):
        needing = run("docker", "commit", "--change", "LABEL opslab.driver.needs=kubeconfig",
                      run("docker", "create", self.image, "true").strip()).strip()
        remove_containers()
        self.serve("echo never", image=needing)
        self.assertIn("set kubeconfig", self.refused("pod_failure_hotel_res-detection-1"))
        self.assertIn("set docker_engine_image", self.refused("flower_node_stop-detection"))
        self.coordinator.stop()
        path = pathlib.Path(self.folder, "kubeconfig")
        path.write_text("clusters: []")
        self.serve("echo there", image=needing, kubeconfig=str(path))
        self.assertEqual(self.played("pod_failure_hotel_res-detection-1")[0]["status"], "completed")

    def image_with_problems(self, label="/problems.json", text=None):
        """The driver's image with a table of one new problem, as AIOpsLab's has one."""
        table = pathlib.Path(self.folder, "problems.json")
        table.write_text(text or json.dumps({"problems": [NEW, {"id": "container_kill-detection"}]}))
        made = run("docker", "create", self.image, "true").strip()
        run("docker", "cp", str(table), f"{made}:/problems.json")
        named = run("docker", "commit", "--change", f"LABEL opslab.driver.problems={label}", made)
        remove_containers()
        return named.strip()

    def listed(self):
        return {one["id"]: one for one in self.coordinator.get("/problems")["problems"]}

    def test_the_problems_of_the_drivers_image_are_known_once_its_worker_is_registered(self):
        self.serve("echo never", image=self.image_with_problems())
        until(lambda: NEW["id"] in self.listed(), "the image's own problem")
        new = {"application": None, "deployment": None, "told_by": "worker-001-docker"}
        self.assertEqual(self.listed()[NEW["id"]], NEW | new)
        self.assertEqual(len(self.listed()), 90)
        self.all_removed()

    def test_an_image_whose_table_cannot_be_read_works_all_the_same(self):
        for image in (self.image_with_problems(label="/nowhere"), self.image_with_problems(text="no")):
            self.serve("echo fine", image=image)
            task, _ = self.played("pod_failure_hotel_res-detection-1")
            self.assertEqual(task["status"], "completed", task)
            self.assertEqual(len(self.listed()), 89)
            self.all_removed()
            self.coordinator.stop()

    def test_what_a_killed_coordinator_was_looking_into_is_removed_by_the_next_start(self):
        labels = {"managed": "true", "scope": "default", "worker": "worker-001-docker",
                  "run": "0123", "event-prefix": "opslab-0123", "role": "look"}
        run("docker", "create", *(f"--label=opslab.{key}={value}" for key, value in labels.items()),
            self.image, "true")
        self.assertEqual(len(self.containers()), 1)
        self.serve("echo never")
        self.all_removed()

    def test_an_engine_that_does_not_start_is_an_infrastructure_failure_and_leaves_nothing(self):
        broken = run("docker", "commit", "--change", "ENV PATH=/bin",
                     run("docker", "create", self.image, "true").strip()).strip()
        remove_containers()
        self.serve("echo never", docker_engine_image=broken)
        task, _ = self.played()
        self.assertEqual(task["failure"]["kind"], "infrastructure", task)
        self.assertIn("the run's own Docker engine", task["failure"]["message"])
        self.all_removed()

    def test_a_run_with_an_engine_outlives_its_coordinator(self):
        self.serve("echo begun; sleep 4; docker version --format 'answers={{.Server.Os}}'",
                   docker_engine_image=self.image)
        task_id = self.coordinator.submit(problem_id="flower_node_stop-detection")
        until(lambda: self.coordinator.get(f"/tasks/{task_id}/logs")["logs"], "the driver's word")
        before = self.containers()
        self.coordinator.kill()
        self.coordinator.start()
        self.assertEqual(self.containers(), before)
        task = self.coordinator.wait_for_end(task_id)
        self.assertEqual((task["status"], task["attempt"]), ("completed", 1), task)
        logs = self.coordinator.get(f"/tasks/{task_id}/logs?limit=1000")["logs"]
        self.assertIn("answers=linux", [log["message"] for log in logs])
        self.all_removed()

    def test_an_engine_whose_run_is_gone_is_removed_by_the_next_start(self):
        self.serve("sleep 600", docker_engine_image=self.image)
        self.coordinator.submit(problem_id="flower_node_stop-detection")
        until(lambda: len(self.containers()) == 2, "the run and its engine")
        self.coordinator.kill()
        driver = run("docker", "ps", "-aq", "--filter", "label=opslab.run").split()
        engine = run("docker", "ps", "-aq", "--filter", "label=opslab.role").split()
        run("docker", "rm", "-fv", *(set(driver) - set(engine)))
        self.coordinator.start()
        self.all_removed()

    def test_each_run_has_a_private_copy_of_the_kubeconfig(self):
        path = pathlib.Path(self.folder, "kubeconfig")
        path.write_text("clusters: []  # first\n")
        self.serve("cat $KUBECONFIG; echo x >$KUBECONFIG", kubeconfig=str(path))
        _, said = self.played("pod_failure_hotel_res-detection-1")
        self.assertIn("# first", said)
        path.write_text("clusters: []  # renewed\n")
        _, said = self.played("pod_failure_hotel_res-detection-1")
        self.assertIn("# renewed", said)
        path.unlink()
        task, _ = self.played("pod_failure_hotel_res-detection-1")
        self.assertEqual(task["failure"]["kind"], "infrastructure")
        self.assertIn("kubeconfig", task["failure"]["message"])


if __name__ == "__main__":
    unittest.main()
