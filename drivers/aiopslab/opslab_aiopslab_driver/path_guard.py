"""Agents' calls as AIOpsLab performs them, less what would break the run or look behind the scenes."""

import enum
import os
import pathlib


def guarded(perform, work, invalid_action):
    """`perform_action` that knows public names alone, answers with text (or a status), and reads saved
    metrics and traces from the working directory alone: the driver reads those files itself, with
    rights that an agent's shell need not have."""

    def perform_action(name, *arguments, **options):
        if not name.isidentifier() or name.startswith("_"):
            raise invalid_action(name)
        if name in ("read_metrics", "read_traces"):
            path = options.get("file_path", arguments[0] if arguments else None)
            if isinstance(path, str) and not _inside(path, work):
                return f"error: file '{path}' not found."
        answer = perform(name, *arguments, **options)
        return answer if isinstance(answer, (str, enum.Enum)) else str(answer)

    return perform_action


def _inside(path, work):
    return pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(work))
