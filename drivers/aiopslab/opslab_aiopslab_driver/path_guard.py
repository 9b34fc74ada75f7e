"""Agents' calls as AIOpsLab performs them, less what would break the run or look behind the scenes."""

import enum
import os
import pathlib
import re

# AIOpsLab puts a namespace into a shell command, which runs with the driver's rights
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_OWN_RULES = ("exec_shell", "submit", "read_metrics", "read_traces")


def guarded(perform, work, invalid_action):
    """`perform_action` that knows public names alone, answers with text (or a status), takes nothing but names
    and numbers where AIOpsLab runs commands itself, and reads saved metrics and traces from the working directory
    alone: the driver does both itself, with rights that an agent's shell need not have."""

    def perform_action(name, *arguments, **options):
        if not name.isidentifier() or name.startswith("_"):
            raise invalid_action(name)
        if name in ("read_metrics", "read_traces"):
            path = options.get("file_path", arguments[0] if arguments else None)
            if isinstance(path, str) and not _inside(path, work):
                return f"error: file '{path}' not found."
        if name not in _OWN_RULES:
            for value in (*arguments, *options.values()):
                if not _is_plain(value):
                    return f"error: {str(value)[:200]!r} is neither a name nor a number."
        answer = perform(name, *arguments, **options)
        return answer if isinstance(answer, (str, enum.Enum)) else str(answer)

    return perform_action


def _inside(path, work):
    return pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(work))


def _is_plain(value):
    if isinstance(value, str):
        return _NAME.fullmatch(value) is not None
    return value is None or isinstance(value, (bool, int, float))
