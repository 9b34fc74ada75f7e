"""A trace as AIOpsLab can count its tokens: an agent prints what it likes, and must not end the evaluation by it."""

import re

# a tokenizer takes a run of letters, or of anything else but digits, for one piece, and needs the square of its
# length: hours for a megabyte
MAX_RUN = 400
_LETTERS = re.compile(rf"([^\W\d_]{{{MAX_RUN}}})(?=[^\W\d_])")
_OTHERS = re.compile(rf"([\W_]{{{MAX_RUN}}})(?=[\W_])")


def countable(trace):
    """The same items, where needed with a text that is as long but for a few characters."""
    return [item.model_copy(update={"content": _plain(item.content)}) for item in trace]


def _plain(content):
    # it raises on a special token, also on one that two items make together
    content = content.replace("<|", "< |")
    if content.endswith("<"):
        content += " "
    return _OTHERS.sub(r"\1a", _LETTERS.sub(r"\1 ", content))
