"""A pack's tests of its monitors as written: what the CRMs hold, step by step, and which alerts must be there then.

Values alone: running them needs alerts, which rules do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from syncd.errors import Place

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """One alert that a step expects: its monitor and subject, and what else the test says of it; None is not said."""

    monitor: str
    about: str
    state: str = "firing"
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class AlertStep:
    """One look of the watch: when, what changed since the step before, and what must be seen.

    `now` is None where the step says how long `after` the one before it is, in seconds. Of accounts, deals and people
    only what changed stands here; `gone` are accounts that were deleted. `expect` and `told` are None where the step
    asserts nothing about what fires, or about who is told.
    """

    place: Place
    now: datetime | None = None
    after: float = 0.0
    accounts: Mapping[str, Values] = field(default_factory=lambda: MappingProxyType({}))
    deals: Mapping[str, Values] = field(default_factory=lambda: MappingProxyType({}))
    users: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    gone: tuple[str, ...] = ()
    stale: bool = False
    acknowledge: tuple[str, ...] = ()
    expect: tuple[ExpectedAlert, ...] | None = None
    told: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AlertCase:
    """One test of the pack's monitors."""

    name: str
    place: Place
    steps: tuple[AlertStep, ...]
