"""An agent that says what the task tells it to: for tests and for a first run, without a model."""

from opslab_aiopslab_driver.failures import TaskFailure

FENCE = "```"


class ScriptedAgent:
    """`agent_config.actions`: calls in order, the last one over and over; default `submit("No")`."""

    def __init__(self, config):
        actions = config.get("actions", ['submit("No")'])
        if not (isinstance(actions, list) and actions and all(isinstance(a, str) for a in actions)):
            raise TaskFailure("agent_config.actions must be a list of texts")
        self._actions = actions
        self._next = 0

    async def get_action(self, _observation):
        action = self._actions[min(self._next, len(self._actions) - 1)]
        self._next += 1
        return action if FENCE in action else f"{FENCE}\n{action}\n{FENCE}"
