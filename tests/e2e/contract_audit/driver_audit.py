"""The driver protocol, section 6, with a real runner and a driver that does as its task says."""

import json
import pathlib
import sys
import tempfile

from audit import TIME, Audit, Coordinator, Stand, processes_with, until

SCRIPT = pathlib.Path(__file__).with_name("scripted_driver.py")


def event(**said):
    return "{PREFIX}" + json.dumps(said)


RESULT = event(type="result", success=True, output={"o": 1}, metrics={"m": 2}, reward=0.5)


class Drivers(Audit):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        command = json.dumps([sys.executable, "-S", str(SCRIPT)])
        cls.own = Coordinator(
            Stand.program,
            cls.folder.name,
            "tasks: {retry_base_seconds: 1}\n"
            "runners:\n"
            f"  - {{name: process, plugin: process, config: {{command: {command}, "
            f'variables: {{AUDIT_MARK: "{cls.folder.name}"}}}}}}\n'
            "workers: [{runner: process, count: 2, max_parallel_tasks: 4}]\n",
        ).start()
        cls.addClassCleanup(cls.own.stop)

    def setUp(self):
        self.coordinator = self.own

    def start(self, max_retries=0, **script):
        return self.submit(agent_config=script, max_retries=max_retries)["id"]

    def run_task(self, *say, **script):
        task = self.start(say=list(say), **script)
        self.coordinator.wait_for_end(task)
        return self.expect(200, "GET", f"/tasks/{task}?include_logs=true")

    def messages(self, detail):
        return [(log["level"], log["message"]) for log in detail["logs"]]

    def test_the_driver_gets_its_task_file_variables_and_a_private_directory(self):
        detail = self.run_task(RESULT, tell=True)
        told = detail["logs"][0]["context"]
        self.assertEqual(told["keys"], sorted(
            "task_id attempt problem_id agent_config max_steps deadline metadata event_prefix".split()))
        self.assertEqual((told["task"]["task_id"], told["task"]["attempt"], told["task"]["max_steps"],
                          told["task"]["metadata"]), (detail["id"], 1, 30, {}))
        self.assertRegex(told["task"]["deadline"], TIME)
        self.assertEqual((told["protocol"], told["mode"], told["writable"], told["leader"]),
                         ("1", 0o700, True, True))
        self.assertFalse(pathlib.Path(told["work_dir"]).exists())

    def test_a_result_then_any_exit_is_completed(self):
        for code in (0, 1, 137):
            detail = self.run_task(RESULT, exit=code)
            self.assertEqual((detail["status"], detail["failure"], detail["result"]), (
                "completed", None,
                {"logs": [], "metrics": {"m": 2}, "output": {"o": 1}, "success": True, "reward": 0.5}))
        detail = self.run_task(event(type="result", success=False))
        self.assertEqual((detail["status"], detail["result"]["success"]), ("completed", False))

    def test_an_exit_with_neither_is_a_failure_with_the_tail_of_stderr(self):
        for code in (0, 3):
            detail = self.run_task(event(type="phase", name="loop", state="begin"), "!boom", "!last words",
                                   exit=code, max_retries=3)
            self.assertEqual((detail["status"], detail["attempt"]), ("failed", 1))
            self.assertEqual((detail["failure"]["kind"], detail["failure"]["phase"]), ("task", "loop"))
            self.assertIn("last words", detail["error_details"])
            self.assertIsNone(detail["result"])

    def test_an_error_event_is_a_failure_of_its_kind_and_phase(self):
        error = {"type": "error", "phase": "setup", "message": "no pods"}
        detail = self.run_task("!the tail", event(kind="task", **error))
        self.assertEqual(detail["failure"], {"kind": "task", "phase": "setup", "message": "no pods"})
        self.assertIn("the tail", detail["error_details"])
        detail = self.run_task(event(kind="infrastructure", **error), max_retries=1)
        self.assertEqual((detail["status"], detail["attempt"]), ("failed", 2))
        self.assertEqual([a["failure"]["kind"] for a in detail["attempts"]], ["infrastructure"] * 2)

    def test_events_lines_and_stderr_are_told_apart(self):
        detail = self.run_task(
            "plain", "!complaint", event(type="log", level="error", message="said", context={"step": 1}),
            event(type="log", message="no level"), " {PREFIX}" + '{"type":"result","success":true}',
            '{"type":"result","success":true}', "!" + RESULT, "{PREFIX}no json", event(type="nonsense"),
            event(type="result", success=False))
        said = self.messages(detail)
        for wanted in (("info", "plain"), ("warning", "complaint"), ("error", "said"), ("info", "no level"),
                       ("info", '{"type":"result","success":true}')):
            self.assertIn(wanted, said)
        self.assertIs(detail["result"]["success"], False)
        self.assertEqual(len([m for level, m in said if level == "warning" and "valid event" in m]), 2)

    def test_steps_and_phases_show_on_the_task(self):
        say = []
        for name in ("setup", "loop", "evaluate", "teardown"):
            say += [event(type="phase", name=name, state=state) for state in ("begin", "end")]
        say[3:3] = [event(type="step", step=n, observation="o", action="a", reward=0.1 * n,
                          usage={"prompt_tokens": 1, "completion_tokens": 1}, latency_ms=12) for n in (1, 2)]
        detail = self.run_task(*say, RESULT, event(type="clean"))
        for name in ("queue", "prepare", "setup", "loop", "evaluate", "teardown"):
            self.assertGreaterEqual(detail["phases"][name], 0, name)
        steps = self.expect(200, "GET", f"/tasks/{detail['id']}/trajectory")["steps"]
        self.assertEqual([(s["step"], s["reward"], s["latency_ms"]) for s in steps], [(1, 0.1, 12), (2, 0.2, 12)])

    def test_text_of_any_kind_costs_neither_a_step_nor_the_result(self):
        detail = self.run_task(
            event(type="step", step=1, observation="a\0b", action="\udc80\ud800 c"),
            event(type="result", success=True, reward=1, output={"text": "\0", "k\0": "\udcff"}))
        steps = self.expect(200, "GET", f"/tasks/{detail['id']}/trajectory")["steps"]
        self.assertEqual([(s["observation"], s["action"]) for s in steps],
                         [("a\ufffdb", "\ufffd\ufffd c")])
        self.assertEqual((detail["status"], detail["result"]["reward"]), ("completed", 1))
        self.assertEqual(detail["result"]["output"], {"text": "\ufffd", "k\ufffd": "\ufffd"})

    def test_a_line_over_1_mib_is_cut_and_marked(self):
        detail = self.run_task(RESULT, long=3 << 20)
        long = [log for log in detail["logs"] if log["message"].startswith("xxx")]
        self.assertEqual(len(long), 1)
        self.assertEqual(len(long[0]["message"]), 1 << 20)
        self.assertTrue(long[0]["context"]["truncated"])

    def test_a_flood_of_output_is_kept_whole(self):
        detail = self.run_task(flood=20_000)
        self.assertEqual(detail["status"], "completed")
        lines = [log["message"] for log in detail["logs"]]
        self.assertEqual(lines, [f"line {n}" for n in range(20_000)])

    def test_a_cancelled_run_gets_sigterm_and_is_gone(self):
        task = self.start(say=["up"], on_term=True, hang=True)
        until(lambda: self.expect(200, "GET", f"/tasks/{task}/logs")["logs"], "the driver to be up")
        self.assertEqual(self.expect(200, "DELETE", f"/tasks/{task}")["status"], "cancelled")
        until(lambda: not processes_with(f"AUDIT_MARK={self.folder.name}"), "the driver to be gone", 20)
        detail = self.expect(200, "GET", f"/tasks/{task}")
        self.assertEqual((detail["status"], detail["failure"]["kind"]), ("cancelled", "cancelled"))

    def test_internal_workers_scale_stop_and_start(self):
        def status():
            return self.expect(200, "GET", "/workers/internal/status")

        self.assertEqual(self.expect(200, "POST", "/workers/internal/scale", {"num_workers": 3})["num_workers"], 3)
        until(lambda: status()["running"] == 3, "three workers")
        self.expect(200, "POST", "/workers/internal/stop")
        until(lambda: status()["running"] == 0, "no workers")
        task = self.start(say=[RESULT])
        idle = self.expect(200, "GET", "/workers?status=idle")["total"]
        self.assertEqual((idle, self.expect(200, "GET", f"/tasks/{task}")["status"]), (0, "pending"))
        self.expect(200, "POST", "/workers/internal/start")
        self.assertEqual(self.coordinator.wait_for_end(task)["status"], "completed")
        self.expect(200, "POST", "/workers/internal/scale", {"num_workers": 2})
        until(lambda: status()["num_workers"] == 2 and status()["running"] == 2, "two workers again")
