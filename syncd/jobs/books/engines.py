"""Which engine decides: the plain one, batches where the extra `fast` is installed, or Spark. Imports none of them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from syncd.errors import ConfigError
from syncd.model.refs import Ref

_FAST = ("numpy", "polars", "pyarrow")
LARGE_BYTES = 4_000_000
"""From so many bytes of accounts on, starting the batch engine costs less than it saves."""


class EngineChoice(StrEnum):
    """What `plan --engine` asks for."""

    AUTO = "auto"
    PLAIN = "plain"
    BATCH = "batch"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class InFull:
    """Which companies are looked at in full although a batch could settle them by their columns.

    Those `named` by their keys, and `deals` besides, whosever they are now; where `unremembered`, those whose decision
    was not applied before, because it will be remembered then. Where more than one company in `one_in` is left to be
    looked at, all are: whoever needs the whole book afterwards asks for a larger number.
    """

    named: frozenset[str] = frozenset()
    deals: frozenset[Ref] = frozenset()
    unremembered: bool = False
    one_in: int = 2


AS_SETTLED = InFull()
"""None but those that a batch cannot settle."""


def missing_libraries() -> tuple[str, ...]:
    """What the extra `fast` brings and is not installed."""
    return tuple(name for name in _FAST if find_spec(name) is None)


def require_spark() -> None:
    """Raises ConfigError SYN563 where pyspark is not installed, SYN564 where there is no Java to run it."""
    if find_spec("pyspark") is None:
        hint = "install syncd[fast,spark], or leave --engine out: the decisions are the same"
        raise ConfigError("SYN563", "the Spark engine needs pyspark", hint=hint)
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else None
    if shutil.which("java") is None if java is None else not java.is_file():
        where = f"JAVA_HOME names {home}, which has no bin/java" if home else "no java is found on the PATH"
        hint = "install Java 17 or newer, or set JAVA_HOME to it"
        raise ConfigError("SYN564", f"Spark needs Java: {where}", hint=hint)


def wants_batch(choice: EngineChoice, size: int) -> bool:
    """Whether batches are asked for, or worth it for accounts of `size` bytes.

    Raises ConfigError SYN390 where they are asked for and the extra is not installed.
    """
    if choice is EngineChoice.PLAIN:
        return False
    if choice is EngineChoice.SPARK:
        require_spark()
    missing = missing_libraries()
    if choice is EngineChoice.AUTO:
        return not missing and size >= LARGE_BYTES
    if missing:
        hint = "install syncd[fast], or leave --engine out: the decisions are the same"
        raise ConfigError("SYN390", f"the batch engine needs {', '.join(missing)}", hint=hint)
    return True
