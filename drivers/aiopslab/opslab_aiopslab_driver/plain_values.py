"""Any Python value as one that JSON and opslab accept, in bounded size."""

import dataclasses
import enum
import math

MAX_DEPTH = 24


def plain(value, depth=0):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {text(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value), depth)
    if callable(getattr(value, "model_dump", None)):
        return plain(value.model_dump(), depth + 1)
    if callable(getattr(value, "item", None)):  # a number of numpy's
        return plain(value.item(), depth + 1)
    return text(str(value))


def text(value):
    """Without NUL and lone surrogates, which opslab refuses."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def clipped(value, limit):
    """The value with every text and list cut to the limit, marked where that happened."""
    if isinstance(value, str) and len(value) > limit:
        half = limit // 2
        return f"{value[:half]}\n[… {len(value) - 2 * half} characters cut …]\n{value[-half:]}"
    if isinstance(value, dict):
        return {key: clipped(item, limit) for key, item in value.items()}
    if isinstance(value, list):
        kept = [clipped(item, limit) for item in value[:limit]]
        return kept if len(value) <= limit else [*kept, f"… {len(value) - limit} more"]
    return value
