"""An agent over any server that speaks the OpenAI chat completions API: a policy under training, say."""

import http.client
import json
import time
import urllib.error
import urllib.request

from opslab_aiopslab_driver.failures import InfrastructureFailure, TaskFailure

# members of agent_config that are the driver's; every other one goes to the server as it is
OWN_SETTINGS = {"agent", "base_url", "api_key_env", "request_timeout_seconds", "attempts", "actions"}
REFUSED = {
    "api_key": "keys never come from a task",
    "messages": "the driver writes the messages",
    "stream": "answers are taken whole",
}
MAX_ANSWER = 64 * 1024 * 1024
RETRIED = (408, 409, 425, 429)

SYSTEM_PROMPT = """{description}
These functions are all that you can use:

{apis}

{instructions}"""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None  # a key must not travel on


class OpenAICompatibleAgent:
    def __init__(self, config, keys, wait=time.sleep):
        for name, why in REFUSED.items():
            if name in config:
                raise TaskFailure(f"agent_config.{name} is refused: {why}")
        if config.get("n", 1) != 1:
            raise TaskFailure("agent_config.n must be 1")
        if not isinstance(config.get("model"), str):
            raise TaskFailure("agent_config.model is missing")
        base_url = config.get("base_url", keys.default_base_url)
        if not isinstance(base_url, str) or not base_url.startswith(("http://", "https://")):
            raise TaskFailure("agent_config.base_url must be an http or https address")
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._key = keys.for_address(base_url, config.get("api_key_env"))
        self._timeout = _number(config, "request_timeout_seconds", 300, 1, 3600)
        self._attempts = int(_number(config, "attempts", 4, 1, 20))
        self._sampling = {key: item for key, item in config.items() if key not in OWN_SETTINGS}
        self._messages = []
        self._wait = wait
        self._opener = urllib.request.build_opener(_NoRedirect)
        self.last_call = {}

    def init_context(self, description, instructions, apis):
        listed = "\n\n".join(f"{name}\n{text}" for name, text in apis.items())
        prompt = SYSTEM_PROMPT.format(
            description=description, instructions=instructions, apis=listed
        )
        self._messages = [{"role": "system", "content": prompt}]

    async def get_action(self, observation):
        self._messages.append({"role": "user", "content": observation})
        answer = self._ask({**self._sampling, "messages": self._messages})
        try:
            choice = answer["choices"][0]
            message = choice["message"]
            action = message.get("content") or ""
        except (LookupError, TypeError, AttributeError):
            raise InfrastructureFailure("the model server's answer holds no message") from None
        if not isinstance(action, str):
            raise InfrastructureFailure("the model server's message is no text")
        self._messages.append({"role": "assistant", "content": action})
        self.last_call = details_of(answer, choice, message)
        return action

    def _ask(self, body):
        encoded = json.dumps(body).encode()
        for attempt in range(1, self._attempts + 1):
            try:
                return self._ask_once(encoded)
            except InfrastructureFailure as failure:
                if attempt == self._attempts:
                    raise
                self._wait(getattr(failure, "retry_after", None) or min(2**attempt, 30))
        raise AssertionError("unreachable")

    def _ask_once(self, encoded):
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, encoded, headers)
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                raw = response.read(MAX_ANSWER)
            return json.loads(raw)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            # also URLError, time-outs, what is no JSON, an answer that breaks off
            raise InfrastructureFailure(f"the model server at {self._url}: {error}") from None


def details_of(answer, choice, message):
    """What a trainer wants of a call: tokens counted, and which and how likely where given."""
    details = {}
    usage = answer.get("usage")
    if isinstance(usage, dict):
        details["usage"] = {
            key: value for key, value in usage.items() if isinstance(value, (int, float))
        }
    logprobs = choice.get("logprobs")
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if isinstance(content, list):
        details["logprobs"] = [token.get("logprob") for token in content]
        ids = [_token_id(token.get("token")) for token in content]
        if ids and None not in ids:
            details["token_ids"] = ids
        if any(token.get("top_logprobs") for token in content):
            details["top_logprobs"] = [token.get("top_logprobs") for token in content]
    for name, holder in (("token_ids", choice), ("prompt_token_ids", answer)):
        if isinstance(holder.get(name), list):
            details[name] = holder[name]
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str):
        details["reasoning"] = reasoning
    for name, holder in (("finish_reason", choice), ("model", answer)):
        if isinstance(holder.get(name), str):
            details[name] = holder[name]
    return details


def _token_id(token):
    """vLLM writes `token_id:1234` where it is asked to."""
    name, _, number = str(token).partition(":")
    return int(number) if name == "token_id" and number.isdigit() else None


def _refusal(error):
    try:
        said = error.read(2000).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        said = ""
    text = f"the model server answered {error.code}: {said or error.reason}"
    if error.code not in RETRIED and error.code < 500:
        return TaskFailure(text)
    failure = InfrastructureFailure(text)
    seconds = error.headers.get("Retry-After", "")
    failure.retry_after = min(int(seconds), 60) if seconds.isdigit() else None
    return failure


def _number(config, name, default, low, high):
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise TaskFailure(f"agent_config.{name} must be a number from {low} to {high}")
    return value
