"""The Docker problems: no terminal, exit codes that count, and no waiting for ever."""

import unittest

from driver_run import HERE, played

from opslab_aiopslab_driver.failures import InfrastructureFailure
from opslab_aiopslab_driver.flower import WAIT_SECONDS, Patience, without_terminal

PROBLEM = "standin-flower-detection"


class DockerProblem(unittest.TestCase):
    def test_it_is_played_without_a_terminal_and_leaves_the_checkout_alone(self):
        app = HERE / "standin" / "train" / "pyproject.toml"
        before = app.read_text()
        run = played(problem_id=PROBLEM)
        self.assertEqual(run.of("error"), [])
        self.assertEqual((run.events[-1], run.code), ({"type": "clean"}, 0), run.logs())
        ran = "\n".join(run.journal())
        for words in ("flwr run train", "docker exec clientapp-1 sh -c test", "docker compose down"):
            self.assertIn(f"ran {words}", ran)
        self.assertEqual(app.read_text(), before)

    def test_containers_that_do_not_come_up_are_told(self):
        run = played({"fails": {"docker compose up": "pull access denied"}}, problem_id=PROBLEM)
        (error,) = run.of("error")
        self.assertEqual((error["kind"], error["phase"]), ("infrastructure", "setup"))
        self.assertIn("pull access denied", error["message"])

    def test_a_server_that_is_not_up_yet_is_asked_again(self):
        run = played({"fails": {"flwr run": ["the SuperLink is unavailable", 2]}}, problem_id=PROBLEM)
        self.assertEqual(len(run.of("result")), 1)
        self.assertIn("the SuperLink is unavailable", run.logs())
        self.assertIn("ran flwr run train", "\n".join(run.journal()))

    def test_a_fault_that_cannot_be_taken_back_leaves_no_clean_engine(self):
        gone = "Error response from daemon: No such container: clientapp-1"
        run = played({"fails": {"docker exec clientapp-1 sh -c sed -i '24s/80": gone}}, problem_id=PROBLEM)
        self.assertEqual((len(run.of("result")), run.of("clean")), (1, []))
        self.assertIn("No such container", run.logs())


class Parts(unittest.TestCase):
    def test_only_the_options_of_docker_itself_lose_the_terminal(self):
        for before, after in (
            (' docker exec -it c sh -c "test -d /a" ', ' docker exec c sh -c "test -d /a" '),
            ("docker exec -i -t c sh", "docker exec c sh"),
            ("docker exec --interactive --tty c sh", "docker exec c sh"),
            ("docker run --rm -ti image", "docker run --rm image"),
            ("docker exec c sort -t : -i", "docker exec c sort -t : -i"),
            ("docker compose up -d", "docker compose up -d"),
        ):
            with self.subTest(before):
                self.assertEqual(without_terminal(before), after)

    def test_a_command_that_is_given_input_keeps_its_stdin(self):
        self.assertEqual(without_terminal("docker exec -it c sh", True), "docker exec -i c sh")

    def test_waiting_has_an_end(self):
        slept = []
        time = Patience(slept.append)
        self.assertGreater(time.time(), 0)
        with self.assertRaises(InfrastructureFailure):
            while True:
                time.sleep(1)
        self.assertEqual(len(slept), WAIT_SECONDS)


if __name__ == "__main__":
    unittest.main()
