"""Two runs at once, and what each has to itself."""

import json
import os
import pathlib
import stat
import unittest

from driver_run import HERE, Run, played

from opslab_aiopslab_driver import kubeconfig
from opslab_aiopslab_driver.failures import InfrastructureFailure

LOOK = (
    "pwd; env | sort; cat $KUBECONFIG; cat $HOME/.kube/config; "
    "touch $HOME/mine $TMPDIR/mine ./mine"
)


def state_of(folder):
    """Every file below it, with size and time of change."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in pathlib.Path(folder).rglob("*")
    }


def is_of(path, word):
    try:
        return word.encode() in path.read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


class TwoRuns(unittest.TestCase):
    def test_they_share_no_path_and_write_outside_of_theirs_nothing(self):
        config = {"agent": "scripted", "actions": [f"exec_shell({LOOK!r})", 'submit("No")']}
        before = state_of(HERE.parent)
        with Run({"hang_in": "eval"}, agent_config=config) as first, Run(
            {"hang_in": "eval"}, agent_config=config
        ) as second:
            for run in (first, second):
                run.reach("hanging in eval")
            for run in (first, second):  # both were under way at once
                run.stop_when("hanging in eval")
            surroundings = []
            for run in (first, second):
                seen = run.of("step")[1]["observation"].splitlines()
                paths = [line.partition("=")[2] or line for line in seen if "/" in line]
                private = [p for p in paths if p.startswith(str(run.work))]
                self.assertGreaterEqual(len(private), 10, seen)
                surroundings.append(set(private))
                written = {p.name for p in run.folder.iterdir()}
                self.assertEqual(written, {"work", "kubeconfig", "journal", "stdout", "stderr"})
        self.assertFalse(surroundings[0] & surroundings[1])
        self.assertEqual(before, state_of(HERE.parent), "the checkout is as it was")

    def test_a_run_that_shares_a_network_namespace_is_warned(self):
        with Run({"hang_in": "eval"}) as first, Run({"hang_in": "eval"}) as second:
            for run in (first, second):
                run.reach("hanging in eval")  # neither may be gone before the other looks
            for run in (first, second):
                run.stop_when("hanging in eval")
            warned = [run for run in (first, second) if "network namespace" in run.logs()]
            self.assertEqual(len(warned), 1)


class Files(unittest.TestCase):
    def test_the_kubeconfig_has_one_context_and_is_nobody_elses(self):
        with Run() as run:
            run.wait()
            path = run.work / "home" / ".kube" / "config"
            config = json.loads(path.read_text())
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertEqual([entry["name"] for entry in config["contexts"]], ["one"])
            authority = config["clusters"][0]["cluster"]["certificate-authority"]
            self.assertEqual(authority, str(run.folder / "ca"), "relative to where it was")

    def test_several_kubeconfigs_are_merged_as_kubectl_does(self):
        with Run() as run:
            run.wait()
            other = run.folder / "other"
            other.write_text(json.dumps({"current-context": "z", "contexts": [
                {"name": "z", "context": {"cluster": "a", "user": "nobody"}}]}))
            merged = kubeconfig.single_context([other, run.folder / "kubeconfig"])
        self.assertEqual(merged["current-context"], "z")
        self.assertEqual([entry["name"] for entry in merged["clusters"]], ["a"])

    def test_a_kubeconfig_without_a_context_is_infrastructure(self):
        with Run() as run:
            run.wait()
            (run.folder / "empty").write_text("{}")
            with self.assertRaises(InfrastructureFailure):
                kubeconfig.single_context([run.folder / "empty"])

    def test_only_files_of_the_run_can_be_read_as_metrics(self):
        run = played(agent_config={"agent": "scripted", "actions": [
            'read_metrics("/etc/passwd")', 'read_metrics("../task.json")', 'submit("No")']})
        for step in run.of("step")[1:]:
            self.assertIn("not found", step["observation"])

    def test_no_call_runs_a_command_of_the_agents_with_the_drivers_rights(self):
        injected = (
            "get_traces('x; echo got-$((6*7))')",
            "get_traces('$(echo got-42 >&2)')",
            "get_traces(['$(echo got-42)'])",
            "get_traces({'x': '`echo got-42`'})",
            "get_traces('-x')",
            "get_traces('x\\n echo got-42')",
            "get_traces('')",
        )
        run = played(max_steps=20, agent_config={"agent": "scripted", "actions": [
            *injected, "get_traces('test-hotel-reservation', 5)", 'submit("No")']})
        seen = [step["observation"] for step in run.of("step")[1:]]
        for call, answer in zip(injected, seen):
            with self.subTest(call):
                self.assertIn("is neither a name nor a number", answer)
                self.assertFalse(answer.startswith("got-42"))
        self.assertIn("traces", seen[-1])
        self.assertEqual(len([line for line in run.journal() if "port-forward" in line]), 1)


class AgentCommands(unittest.TestCase):
    def observed(self, command, **environment):
        run = played(
            agent_config={"agent": "scripted", "actions": [f"exec_shell({command!r})",
                                                            'submit("No")']},
            environment=environment,
        )
        self.assertEqual(run.events[-1], {"type": "clean"})
        return run.of("step")[1]["observation"]

    def test_output_of_any_bytes_comes_back_in_bounded_size(self):
        self.assertIn("\ufffd", self.observed("printf '\\377'"))
        self.assertIn("bytes cut", self.observed("head -c 9000000 /dev/zero | tr '\\0' x"))

    def test_a_command_that_leaves_a_child_with_its_pipes_does_not_hold_the_run(self):
        self.assertIn("started", self.observed("sleep 600 & echo started"))

    def test_nothing_that_a_command_started_outlives_it_in_whatever_session(self):
        mine, others = f"60{os.getpid()}", f"61{os.getpid()}"
        for leave in (
            f"setsid sleep {mine}",
            f"setsid nohup setsid sleep {mine}",
            f"setsid sh -c 'sleep {mine} & sleep {others}'",
        ):
            with self.subTest(leave):
                look = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
                config = {"agent": "scripted", "actions": [
                    f"exec_shell({leave + ' >/dev/null 2>&1 & echo started'!r})",
                    f"exec_shell({look!r})", 'submit("No")']}
                seen = [step["observation"] for step in played(agent_config=config).of("step")]
                self.assertIn("started", seen[1])
                self.assertIn("opslab_aiopslab_driver", seen[2], "it does see what runs")
                self.assertNotIn(mine, seen[2])
                self.assertNotIn(others, seen[2])

    def test_a_command_that_takes_too_long_ends_with_what_it_started(self):
        mine = f"62{os.getpid()}"
        command = f"setsid sleep {mine} & while :; do setsid sleep {mine} & sleep 0.01; done"
        run = played({"shell_seconds": 1}, agent_config={"agent": "scripted", "actions": [
            f"exec_shell({command!r})", 'submit("No")']})
        self.assertIn("timed out after 1 seconds", run.of("step")[1]["observation"])
        left = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if is_of(path, mine)]
        self.assertEqual([], left)

    def test_failing_commands_say_so_as_in_aiopslab(self):
        said = self.observed("echo no >&2; exit 3")
        self.assertIn("[ERROR] Command execution failed: no", said)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_as_another_user_commands_can_read_neither_sources_nor_the_drivers_files(self):
        seen = self.observed(
            "id -un; cat $KUBECONFIG | head -c 1; touch $HOME/f && echo home-is-mine;"
            f" cat $OPSLAB_WORK_DIR/home/.kube/config && echo read-it; echo $PYTHONPATH;"
            " ls $OPSLAB_WORK_DIR && echo listed-it; kill $PPID && echo killed-it; true",
            OPSLAB_AGENT_USER="nobody",
        )
        self.assertIn("nobody\n{home-is-mine", seen)
        for word in ("read-it", "listed-it", "killed-it", "standin"):
            self.assertNotIn(word, seen)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_as_another_user_commands_cannot_read_what_the_fault_is(self):
        # the manifest of the fault is the answer to localization
        names = "tmp results data home helm xdg docker charts flower"
        seen = self.observed(
            f"cd $OPSLAB_WORK_DIR; for d in {names}; do"
            " ls $d >/dev/null 2>&1 && echo listed-$d; cat $d/* 2>/dev/null; done;"
            " cat tmp/pod-failure.yaml; ls cwd && echo cwd-is-open;"
            " echo x >/tmp/$$ && rm /tmp/$$ && echo x >$TMPDIR/x && cat $TMPDIR/x && echo own-tmp",
            OPSLAB_AGENT_USER="nobody",
        )
        for word in ("listed-", "PodChaos"):
            self.assertNotIn(word, seen)
        self.assertIn("cwd-is-open", seen)
        self.assertIn("own-tmp", seen)


if __name__ == "__main__":
    unittest.main()
