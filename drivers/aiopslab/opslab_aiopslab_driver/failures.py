"""What can end a run other than a result, and whose fault it is."""


class RunFailure(Exception):
    """`kind` is `task` (the task or its agent is at fault: never retried) or `infrastructure`."""

    kind = "infrastructure"


class TaskFailure(RunFailure):
    kind = "task"


class InfrastructureFailure(RunFailure):
    kind = "infrastructure"


class EvaluationFailure(InfrastructureFailure):
    """The answer could not be judged, for no fault of the answer."""


# by name, since the libraries that define them need not be installed
_AWAY = ("Connection", "Connect", "Timeout", "RateLimit", "InternalServer", "ServiceUnavailable")


def kind_of_agent_error(error):
    """A model server that is away or overloaded is infrastructure; anything else is the agent's."""
    if isinstance(error, RunFailure):
        return error.kind
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return "infrastructure" if status in (408, 409, 425, 429) or status >= 500 else "task"
    if isinstance(error, (ConnectionError, TimeoutError)):
        return "infrastructure"
    names = [cls.__name__ for cls in type(error).__mro__]
    away = any(word in name for name in names for word in _AWAY)
    return "infrastructure" if away else "task"


# no state of a cluster makes Python raise these
_NEVER_OF_A_STATE = (RunFailure, OSError, ImportError, MemoryError)


def is_of_a_state(error):
    """Whether an evaluation may have raised this over the state of the cluster, which is the agent's: not where
    nobody answered, or something of ours is broken."""
    seen = set()
    while error is not None and error not in seen:
        if isinstance(error, _NEVER_OF_A_STATE):
            return False
        if any(cls.__module__.startswith("urllib3") for cls in type(error).__mro__):
            return False
        seen.add(error)
        error = error.__cause__ or error.__context__
    return True


def describe(error):
    """One line for a person: the exception's type, unless it is ours, and its text."""
    text = str(error).strip() or "no message"
    return text if isinstance(error, RunFailure) else f"{type(error).__name__}: {text}"
