"""The OpenAI-compatible agent against a real HTTP server, and the rules for keys."""

import asyncio
import unittest

from driver_run import KEY, played
from model_server import ModelServer, said

from opslab_aiopslab_driver.agents.keys import Keys
from opslab_aiopslab_driver.agents.openai_compatible import OpenAICompatibleAgent
from opslab_aiopslab_driver.failures import InfrastructureFailure, TaskFailure

SUBMIT = '```\nsubmit("No")\n```'


def keys(*origins, **secrets):
    return Keys(secrets, {"OPSLAB_KEY_ORIGINS": " ".join(origins)})


class OpenAICompatible(unittest.TestCase):
    def ask(self, server, held=None, **config):
        agent = OpenAICompatibleAgent(
            {"base_url": server.url, "model": "policy", **config}, held or keys(), wait=self.waited
        )
        agent.init_context("the problem", "the rules", {"submit": "ends it"})
        action = asyncio.run(agent.get_action("what you see"))
        return agent, action

    def setUp(self):
        self.waits = []

    def waited(self, seconds):
        self.waits.append(seconds)

    def test_sampling_settings_pass_and_the_drivers_own_do_not(self):
        with ModelServer(said(SUBMIT)) as server:
            _, action = self.ask(server, temperature=0.5, seed=7, top_k=3, agent="openai")
        self.assertEqual(action, SUBMIT)
        path, _, body = server.requests[0]
        messages = body.pop("messages")
        self.assertEqual(path, "/v1/chat/completions")
        self.assertEqual(body, {"model": "policy", "temperature": 0.5, "seed": 7, "top_k": 3})
        self.assertEqual([message["role"] for message in messages], ["system", "user"])
        for words in ("the problem", "the rules", "submit\nends it"):
            self.assertIn(words, messages[0]["content"])

    def test_usage_token_ids_and_log_probabilities_are_kept(self):
        content = [{"token": "token_id:5", "logprob": -0.5}, {"token": "token_id:6", "logprob": -1}]
        answer = said(
            SUBMIT,
            usage={"prompt_tokens": 9, "completion_tokens": 2, "details": {}},
            prompt_token_ids=[1, 2],
            choice={"logprobs": {"content": content}, "finish_reason": "stop"},
        )
        with ModelServer(answer) as server:
            agent, _ = self.ask(server)
        self.assertEqual(
            agent.last_call,
            {
                "usage": {"prompt_tokens": 9, "completion_tokens": 2},
                "logprobs": [-0.5, -1],
                "token_ids": [5, 6],
                "prompt_token_ids": [1, 2],
                "finish_reason": "stop",
            },
        )

    def test_the_steps_and_the_result_hold_them(self):
        answer = said(SUBMIT, usage={"prompt_tokens": 9}, choice={"token_ids": [5]})
        with ModelServer(answer) as server:
            run = played(agent_config={"base_url": server.url, "model": "policy"})
        (step,) = run.of("step")
        self.assertEqual((step["usage"], step["token_ids"]), ({"prompt_tokens": 9}, [5]))
        self.assertEqual(run.of("result")[0]["metrics"]["prompt_tokens"], 9)

    def test_an_overloaded_server_is_asked_again(self):
        with ModelServer(503, 429, said(SUBMIT)) as server:
            self.assertEqual(self.ask(server)[1], SUBMIT)
        self.assertEqual(len(self.waits), 2)

    def test_a_server_that_stays_away_is_infrastructure(self):
        with ModelServer(500) as server, self.assertRaises(InfrastructureFailure):
            self.ask(server, attempts=3)
        self.assertEqual(len(server.requests), 3)

    def test_a_server_that_dies_while_it_answers_is_asked_again(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        refusal = b"HTTP/1.1 503 Away\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nwe"
        for broken in (
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 2",
            head + b"X: " + b"x" * 70_000,
            head + b'Content-Length: 100\r\n\r\n{"choices": ',
            head + b'Transfer-Encoding: chunked\r\n\r\nff\r\n{"choices": ',
            refusal,
        ):
            with self.subTest(broken[-30:]), ModelServer(broken, said(SUBMIT)) as server:
                self.assertEqual(self.ask(server)[1], SUBMIT)
                self.assertEqual(len(server.requests), 2)

    def test_a_refusal_is_the_tasks_fault_and_not_repeated(self):
        for status in (400, 401, 404, 307):
            with ModelServer(status) as server, self.assertRaises(TaskFailure):
                self.ask(server)
            self.assertEqual(len(server.requests), 1, "a redirect is not followed")

    def test_an_answer_that_is_none_is_infrastructure(self):
        for answer in ("no JSON", [], {"choices": []}, said({"not": "a text"})):
            with ModelServer(answer) as server, self.assertRaises(InfrastructureFailure):
                self.ask(server, attempts=1)

    def test_an_answer_without_content_is_an_empty_action(self):
        with ModelServer(said(None)) as server:
            self.assertEqual(self.ask(server)[1], "")


class KeyRules(unittest.TestCase):
    def sent(self, server):
        return server.requests[0][1].get("Authorization")

    def test_a_key_goes_only_where_the_operator_allows(self):
        with ModelServer(said(SUBMIT)) as server:
            for origins, expected in (([], None), ([server.url], f"Bearer {KEY}")):
                server.requests.clear()
                agent = OpenAICompatibleAgent(
                    {"base_url": server.url, "model": "m"}, keys(*origins, OPENAI_API_KEY=KEY)
                )
                asyncio.run(agent.get_action("x"))
                self.assertEqual(self.sent(server), expected)

    def test_a_key_asked_for_by_name_for_a_foreign_address_is_refused(self):
        config = {"base_url": "http://evil.example", "model": "m", "api_key_env": "OPENAI_API_KEY"}
        with self.assertRaises(TaskFailure):
            OpenAICompatibleAgent(config, keys(OPENAI_API_KEY=KEY))

    def test_addresses_that_only_look_alike_are_foreign(self):
        held = keys("https://model.example/v1", OPENAI_API_KEY=KEY)
        self.assertTrue(held.trusted("https://MODEL.example:443/other"))
        for url in (
            "http://model.example/v1",
            "https://model.example:444/v1",
            "https://model.example@evil.example/v1",
            "https://model.example.evil.example",
            "https://[",
        ):
            self.assertFalse(held.trusted(url), url)

    def test_the_driver_sends_the_operators_key_to_the_operators_address(self):
        with ModelServer(said(SUBMIT)) as server:
            run = played(
                agent_config={"model": "m"}, environment={"OPENAI_BASE_URL": server.url}
            )
        self.assertEqual(self.sent(server), f"Bearer {KEY}")
        self.assertNotIn(KEY, run.stdout.decode() + run.stderr)

    def test_a_server_that_sends_the_key_back_does_not_make_it_show(self):
        with ModelServer(said(f"{KEY}\n{SUBMIT}")) as server:
            run = played(agent_config={"model": "m"}, environment={"OPENAI_BASE_URL": server.url})
        self.assertIn("[secret]", run.of("step")[0]["action"])
        self.assertNotIn(KEY, run.stdout.decode() + run.stderr)


if __name__ == "__main__":
    unittest.main()
