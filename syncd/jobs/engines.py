"""Which engine decides: the plain one, or batches with numpy where the extra `fast` is installed. Imports neither."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec

from syncd.errors import ConfigError

_FAST = ("numpy", "polars", "pyarrow")
LARGE_BYTES = 4_000_000
"""From so many bytes of accounts on, starting the batch engine costs less than it saves."""


class EngineChoice(StrEnum):
    """What `plan --engine` asks for."""

    AUTO = "auto"
    PLAIN = "plain"
    BATCH = "batch"


def missing_libraries() -> tuple[str, ...]:
    """What the extra `fast` brings and is not installed."""
    return tuple(name for name in _FAST if find_spec(name) is None)


def wants_batch(choice: EngineChoice, size: int) -> bool:
    """Whether batches are asked for, or worth it for accounts of `size` bytes.

    Raises ConfigError SYN390 where they are asked for and the extra is not installed.
    """
    if choice is EngineChoice.PLAIN:
        return False
    missing = missing_libraries()
    if choice is EngineChoice.AUTO:
        return not missing and size >= LARGE_BYTES
    if missing:
        hint = "install syncd[fast], or leave --engine out: the decisions are the same"
        raise ConfigError("SYN390", f"the batch engine needs {', '.join(missing)}", hint=hint)
    return True
