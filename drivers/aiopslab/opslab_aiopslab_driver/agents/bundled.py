"""AIOpsLab's own agents, by the name in its registry (gpt, qwen, deepseek, vllm, openrouter, generic)."""

import inspect

from opslab_aiopslab_driver.failures import InfrastructureFailure, TaskFailure


class NoCache:
    """AIOpsLab's cache knows an answer by its messages alone: every rollout would be the same."""

    def get_from_cache(self, _payload):
        return None

    def add_to_cache(self, _payload, _output):
        pass

    def save_cache(self):
        pass


def make(name, config, keys):
    try:
        from clients.registry import AgentRegistry
    except Exception as error:
        raise InfrastructureFailure(
            f"AIOpsLab's clients cannot be imported: {type(error).__name__}: {error}"
        ) from error
    registry = AgentRegistry()
    agent_class = registry.get_agent(name)
    if agent_class is None:
        known = ", ".join(["openai", "scripted", *sorted(registry.get_agent_ids())])
        raise TaskFailure(f"agent_config.agent is {name!r}; known are {known}")
    if "api_key" in config:
        raise TaskFailure("agent_config.api_key is refused: keys never come from a task")
    base_url = config.get("base_url")
    with_keys = base_url is None or (isinstance(base_url, str) and keys.trusted(base_url))
    agent = _construct(agent_class, config, keys if with_keys else None)
    if hasattr(getattr(agent, "llm", None), "cache"):
        agent.llm.cache = NoCache()
    return agent if not with_keys else WithKeys(agent, keys)


def _construct(agent_class, config, keys):
    accepted = inspect.signature(agent_class).parameters
    options = {
        key: value
        for key, value in config.items()
        if key in accepted and accepted[key].kind is not inspect.Parameter.VAR_POSITIONAL
    }
    if keys is None and "api_key" in accepted:
        options["api_key"] = "EMPTY"
    try:
        if keys is None:
            return agent_class(**options)
        with keys.in_environment():
            return agent_class(**options)
    except Exception as error:
        raise TaskFailure(f"the agent cannot be made: {error}") from error


class WithKeys:
    """Lends the keys to an agent for as long as it thinks; no command runs meanwhile."""

    def __init__(self, agent, keys):
        self._agent = agent
        self._keys = keys
        if hasattr(agent, "init_context"):
            self.init_context = agent.init_context

    async def get_action(self, observation):
        with self._keys.in_environment():
            return await self._agent.get_action(observation)
