"""Evaluations that raise: over what the agent left, which is a failed mitigation, or since nobody answers, which
is nobody's reward."""

import unittest

from driver_run import played

NOT_FOUND = 'Error from server (NotFound): services "user-service" not found'
REFUSED = "The connection to the server cluster:6443 was refused - did you specify the right host or port?"


def mitigated(*actions, **plan):
    return played(
        plan,
        problem_id="standin-mitigation-1",
        agent_config={"agent": "scripted", "actions": [*actions, "submit()"]},
    )


class AFailedMitigation(unittest.TestCase):
    def assert_failed(self, run, words):
        self.assertEqual(run.of("error"), [])
        (result,) = run.of("result")
        self.assertEqual((result["success"], result["reward"]), (False, 0.0))
        self.assertIn(words, result["output"]["evaluation_error"])
        self.assertEqual(result["metrics"]["in_tokens"], 7, "what was counted before is kept")
        self.assertIn("TTM", result["metrics"])
        self.assertEqual((run.events[-1], run.code), ({"type": "clean"}, 0))

    def test_a_pod_that_is_on_no_node(self):
        run = mitigated('change_pods("geo-1", "rate-pending")')
        self.assert_failed(run, "'NoneType' object is not iterable")

    def test_a_service_that_the_agent_deleted(self):
        self.assert_failed(mitigated(fails={"kubectl get service": NOT_FOUND}), "JSONDecodeError")

    def test_a_deployment_that_the_agent_deleted(self):
        self.assert_failed(mitigated(api={"GET user-service": 404}), "ApiException: (404)")

    def test_rights_that_the_agent_took_from_the_kubeconfig(self):
        self.assert_failed(mitigated(api={"GET user-service": 403}), "ApiException: (403)")

    def test_running_out_of_steps_makes_no_difference(self):
        run = played(
            problem_id="standin-mitigation-1",
            agent_config={"agent": "scripted", "actions": ['change_pods("a-pending")']},
            max_steps=1,
        )
        self.assert_failed(run, "TypeError")


class AnOutage(unittest.TestCase):
    def assert_infrastructure(self, run, words):
        self.assertEqual(run.of("result"), [])
        (error,) = run.of("error")
        self.assertEqual((error["kind"], error["phase"]), ("infrastructure", "evaluate"), error)
        self.assertIn(words, error["message"])

    def test_an_api_that_does_not_answer_is_never_the_agents_failure(self):
        for status in (0, 401, 429, 500, 503):
            with self.subTest(status):
                run = mitigated(api={"GET user-service": status})
                self.assert_infrastructure(run, f"({status})" if status else "ConnectionError")

    def test_a_command_that_found_nobody_is_told_from_one_that_found_nothing(self):
        for said in (REFUSED, "Error from server (ServiceUnavailable): the server is busy"):
            with self.subTest(said):
                run = mitigated(fails={"kubectl get service": said})
                self.assert_infrastructure(run, "JSONDecodeError")

    def test_an_api_that_is_away_when_it_is_asked_leaves_open_whose_fault_it_is(self):
        run = mitigated('change_pods("rate-pending")', api_away=True)
        self.assert_infrastructure(run, "TypeError")

    def test_an_evaluation_that_takes_an_outage_for_pods_that_are_not_ready(self):
        run = mitigated(judges_by="waiting", api={"GET pods": 503})
        self.assert_infrastructure(run, "503")


if __name__ == "__main__":
    unittest.main()
