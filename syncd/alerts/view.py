"""What monitors see and say: one frozen view of mirror, pack and people in, signals out.

A monitor does no I/O, reads no clock and remembers nothing: what it saw last time is in the view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from syncd.alerts.closings import NO_CLOSINGS, Closings
from syncd.alerts.leads import NO_LEADS, Leads
from syncd.alerts.operations import NO_OPERATIONS, Operations
from syncd.errors import Finding
from syncd.model.decisions import Decision
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.records import Record, User
from syncd.model.refs import Ref, System
from syncd.rules.conditions import holds
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import MonitorRule, Pack
from syncd.store.ownership import OwnerChange
from syncd.store.systems import MirrorStatus

NOTHING: Mapping[str, str] = MappingProxyType({})


class Condition(StrEnum):
    """What a monitor says of a subject. `HOLDING` neither fires nor resolves: unknown, or between two thresholds."""

    FIRING = "firing"
    HOLDING = "holding"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that a monitor says.

    `labels` are its identity and never hold what moves (an amount, a count); that stands in `summary` and `detail`.
    `systems` are those whose data it was read from. `severity` and `waits` win over the monitor's own.
    """

    subject: str
    labels: Mapping[str, str]
    summary: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    condition: Condition = Condition.FIRING
    systems: frozenset[System] = frozenset()
    severity: str | None = None
    waits: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that was there already when a baseline was taken: told in one digest, never as an alert of its own.

    `is_new` says that the state saved under the last baseline did not have it.
    """

    monitor: str
    subject: str
    text: str
    money: Decimal = Decimal(0)
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a monitor came to. `states` is what an edge monitor saw of each subject, None for a level monitor."""

    signals: tuple[Signal, ...] = ()
    states: Mapping[str, str] | None = None
    standing: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecasted:
    """What the last forecast said of a territory's period: where it ends, and how likely its quota is reached."""

    at: datetime
    mean: Decimal
    low: Decimal
    high: Decimal
    chance: Decimal


@dataclass(frozen=True, slots=True)
class MonitorView:
    """Everything that monitors may look at, at one instant.

    `fresh` are the systems whose mirror is complete, young enough, not shrunken and of the present mapping; what was
    read from another one says nothing. `stopped_at` and `resumed_at` are the last time that nobody watched for longer
    than usual. `seen` is what each monitor saw last, by subject; `rebased` are those that take a new baseline now;
    `taken` are the open alerts, as monitor and subject, that somebody acknowledged. `gone` are records that were
    customers and are no company's live record any more. `facts` is empty and `pack` None where there is no valid pack;
    `pack_findings` says why. `refused_commit` is the newest commit of a pack that is fetched from git, and why, where
    it is invalid. `decisions` are those of role owner by company, None where the rules could not be applied.
    `owner_changes` are those that were seen since the earliest period under way began, oldest first. `forecasts` are
    those of the last forecast, by territory and name of period.
    """

    now: datetime
    systems: tuple[System, ...]
    stale_after: timedelta
    applies: bool = False
    stopped_at: datetime | None = None
    resumed_at: datetime | None = None
    status: Mapping[System, MirrorStatus] = field(default_factory=lambda: MappingProxyType({}))
    fresh: frozenset[System] = frozenset()
    pack: Pack | None = None
    pack_findings: tuple[Finding, ...] = ()
    refused_commit: tuple[str, str] | None = None
    money: MoneyTable = field(default_factory=MoneyTable)
    rates: DatedRates = field(default_factory=DatedRates)
    facts: tuple[Facts, ...] = ()
    decisions: Mapping[str, Decision] | None = None
    users: Mapping[Ref, User] = field(default_factory=lambda: MappingProxyType({}))
    gone: Mapping[Ref, Record] = field(default_factory=lambda: MappingProxyType({}))
    closings: Closings = NO_CLOSINGS
    owner_changes: Mapping[Ref, tuple[OwnerChange, ...]] = field(default_factory=lambda: MappingProxyType({}))
    operations: Operations = NO_OPERATIONS
    leads: Leads = NO_LEADS
    seen: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    rebased: frozenset[str] = frozenset()
    taken: frozenset[tuple[str, str]] = frozenset()
    forecasts: Mapping[tuple[str, str], Forecasted] = field(default_factory=lambda: MappingProxyType({}))

    def rule(self, monitor: str) -> MonitorRule:
        """The pack's rule of a monitor; an empty one where the pack says nothing of it."""
        rules = self.pack.monitors if self.pack is not None else ()
        return next((rule for rule in rules if rule.name == monitor), MonitorRule(monitor))

    def accounts(self, monitor: str) -> tuple[Facts, ...]:
        """The companies that a monitor is about: those its `when` matches and its `except` does not."""
        rule, context = self.rule(monitor), self.evaluation_context()
        return tuple(
            facts
            for facts in self.facts
            if (rule.when is None or holds(rule.when, facts, context))
            and not (rule.except_ is not None and holds(rule.except_, facts, context))
        )

    def seen_by(self, monitor: str) -> Mapping[str, str]:
        """What an edge monitor saw last of each subject."""
        return self.seen.get(monitor, NOTHING)

    def evaluation_context(self) -> EvaluationContext:
        """What the pack's conditions may know beside the facts."""
        if self.pack is None:
            return EvaluationContext(self.now)
        return EvaluationContext(self.now, self.pack.zone, self.pack.fiscal_year_start)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One thing that is watched.

    `evaluate` says what it makes of a view; it raises InputError SYN801 for an option of the pack that cannot be read.
    `severity`, `waits` (`for`) and `keeps` (`keep_firing_for`) hold where the pack says nothing else. An `edge` monitor
    tells of changes: its episodes stay open until somebody acknowledges them, and it compares with a baseline. A level
    monitor's episode resolves when its condition is over. `reads_book` is whether it is about the CRMs' data, not about
    syncd itself: it needs a valid pack and complete mirrors; `decides` is whether it needs the rules' decisions, too.
    `whole` ones are not asked while any system is not fresh. `options` are those of its own that the pack may set.
    """

    name: str
    evaluate: Callable[[MonitorView], Evaluation]
    severity: str = "ticket"
    edge: bool = False
    reads_book: bool = True
    decides: bool = False
    whole: bool = True
    options: frozenset[str] = frozenset()
    waits: timedelta = timedelta(0)
    keeps: timedelta = timedelta(0)
