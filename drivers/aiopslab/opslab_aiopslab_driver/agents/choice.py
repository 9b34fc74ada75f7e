"""Which agent a task gets."""

from opslab_aiopslab_driver.agents import bundled
from opslab_aiopslab_driver.agents.openai_compatible import OpenAICompatibleAgent
from opslab_aiopslab_driver.agents.scripted import ScriptedAgent
from opslab_aiopslab_driver.failures import TaskFailure


def name_of(config):
    """With no name: the OpenAI-compatible one where a model or an address is given, else AIOpsLab's
    own `gpt`."""
    name = config.get("agent", "openai" if "model" in config or "base_url" in config else "gpt")
    if not isinstance(name, str):
        raise TaskFailure("agent_config.agent must be a text")
    return name


def make(config, keys):
    name = name_of(config)
    if name == "scripted":
        return ScriptedAgent(config)
    if name == "openai":
        return OpenAICompatibleAgent(config, keys)
    return bundled.make(name, config, keys)
