"""What syncd itself did and has still to do, as its monitors see it: values alone, read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from syncd.model.plans import GuardTrip
from syncd.model.refs import System


@dataclass(frozen=True, slots=True)
class OpenRows:
    """Rows of the outbox in one state: how many, and when the one that has waited longest was last touched."""

    count: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class WriteOutcomes:
    """How writes ended lately: `failed` by state and code, `examples` the CRM's words for some of them."""

    done: int = 0
    failed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    examples: tuple[str, ...] = ()

    @property
    def failures(self) -> int:
        """All that failed."""
        return sum(self.failed.values())


@dataclass(frozen=True, slots=True)
class JobHealth:
    """The newest runs of one job in a row that failed, and when it last ended well."""

    failures: int
    since: datetime | None
    last_success: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls made to one CRM today: ours, and what of our share of the day's allowance that is; None where unknown."""

    spent: int
    allowed: int | None = None


@dataclass(frozen=True, slots=True)
class TrippedGuard:
    """The limits that the newest plan waits for an approval of."""

    plan_id: str
    pack_revision: str
    trips: tuple[GuardTrip, ...]
    money: str | None = None
    currency: str | None = None
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Notices that one receiver did not take: how many wait or were given up, since when, and the last reason."""

    waiting: int
    given_up: int
    attempts: int
    since: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Operations:
    """All of it. `may_write` is whether rows may be sent now without a person: apply mode, not frozen, in a window."""

    may_write: bool = False
    waiting: OpenRows = OpenRows()
    in_doubt: OpenRows = OpenRows()
    writes: WriteOutcomes = WriteOutcomes()
    jobs: Mapping[str, JobHealth] = field(default_factory=lambda: MappingProxyType({}))
    calls: Mapping[System, Allowance] = field(default_factory=lambda: MappingProxyType({}))
    guard: TrippedGuard | None = None
    undelivered: Mapping[str, Undelivered] = field(default_factory=lambda: MappingProxyType({}))


NO_OPERATIONS = Operations()
