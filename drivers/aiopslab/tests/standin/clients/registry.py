"""Agents that behave as AIOpsLab's own do, badly for the most part."""

import asyncio
import os


class Silent:
    async def get_action(self, _state):
        return None


class Raising:
    async def get_action(self, _state):
        raise KeyError("a bug of the agent")


class Offline:
    async def get_action(self, _state):
        raise ConnectionError("the model is away")


class Quitting:
    async def get_action(self, _state):
        raise SystemExit(0)


class Interrupting:
    async def get_action(self, _state):
        raise KeyboardInterrupt


class Cancelling:
    async def get_action(self, _state):
        raise asyncio.CancelledError


class Model:
    def __init__(self):
        self.cache = {"not": "to be used"}


class Keyed:
    """Wants its key at construction and at each call; says what it sees."""

    def __init__(self, model="none", base_url=None, api_key=None):
        self.llm = Model()
        self.found = [model, api_key or os.environ.get("OPENAI_API_KEY", "no key")]

    def init_context(self, problem_desc, instructions, apis):
        self.found.append(str(len(apis)))

    async def get_action(self, _state):
        key = os.environ.get("OPENAI_API_KEY", "no key")
        same = "same key" if key == self.found[1] else "another key"
        cache = type(self.llm.cache).__name__
        shown = f"{self.found[0]} {len(self.found[1])} {same} {cache}"
        return f'```\nexec_shell("echo {shown}; echo key=$OPENAI_API_KEY.")\n```'


class AgentRegistry:
    def __init__(self):
        self.AGENT_REGISTRY = {
            "silent": Silent, "raising": Raising, "offline": Offline, "quitting": Quitting,
            "interrupting": Interrupting, "cancelling": Cancelling,
            "keyed": Keyed, "gpt": Keyed,
        }  # fmt: skip

    def get_agent(self, agent):
        return self.AGENT_REGISTRY.get(agent)

    def get_agent_ids(self):
        return list(self.AGENT_REGISTRY)
