"""The task as the runner hands it over: read once, and gone before anything else runs."""

import dataclasses
import json
import os

from opslab_aiopslab_driver.failures import TaskFailure

MAX_BYTES = 16 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Task:
    problem_id: str
    event_prefix: str
    max_steps: int = 30
    agent_config: dict = dataclasses.field(default_factory=dict)
    task_id: str = ""
    attempt: int = 1
    deadline: str | None = None
    metadata: dict = dataclasses.field(default_factory=dict)


def take(path):
    """The file's text. It is removed even where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES).decode("utf-8")
    finally:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def parse(text):
    """Raises TaskFailure with what is wrong; members that a later opslab adds are let pass."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise TaskFailure(f"the task file is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise TaskFailure("the task file is no JSON object")
    wanted = {
        "problem_id": str,
        "event_prefix": str,
        "max_steps": int,
        "agent_config": dict,
        "task_id": str,
        "attempt": int,
        "deadline": str,
        "metadata": dict,
    }
    known = {key: body[key] for key in wanted if body.get(key) is not None}
    for key, value in known.items():
        if not isinstance(value, wanted[key]) or isinstance(value, bool):
            raise TaskFailure(f"the task file's {key} is no {wanted[key].__name__}")
    for key in ("problem_id", "event_prefix"):
        if not known.get(key):
            raise TaskFailure(f"the task file has no {key}")
    if known.get("max_steps", 1) < 1:
        raise TaskFailure("max_steps must be at least 1")
    return Task(**known)
