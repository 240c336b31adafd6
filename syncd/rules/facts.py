"""Facts: one company as rules see it, every value normalised once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.decisions import Owner
from syncd.model.money import MoneyTable
from syncd.model.refs import Ref, System

Value = str | Decimal | bool | datetime | frozenset[str]
"""A normalised value: text kinds are str, number and money Decimal, dates aware datetime, several frozenset of str."""

NO_VALUES: Mapping[str, Value] = MappingProxyType({})
NO_DECISIONS: Mapping[str, str | None] = MappingProxyType({})
NO_CHANGES: Mapping[str, tuple[datetime, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a field's value came from: the first system that has one, its raw text, and what the others say.

    `table` is the side table that it is from, where it is from one.
    """

    system: System | None
    raw: str
    others: tuple[tuple[System, str], ...] = ()
    table: str | None = None


@dataclass(frozen=True, slots=True)
class OpportunityFacts:
    """One opportunity of the company, open or closed; `owner` is an e-mail, `rates` as those of its company."""

    key: str
    values: Mapping[str, Value]
    is_open: bool
    owner: str | None = None
    rates: MoneyTable | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What syncd last applied (or adopted) for a company and role: the ledger's state that rules may read.

    `rates_as_of` dates the table of rates that it was decided by, `amounts` is the hash of the company's raw amounts
    then; both None where no rates are known.
    """

    territory: str | None
    owner: str | None
    at: datetime
    pack_revision: str | None = None
    rates_as_of: date | None = None
    amounts: str | None = None


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One component of a score: its points, to hundredths for people, and the value or condition behind them."""

    name: str
    points: Decimal
    said: str
    place: Place


@dataclass(frozen=True, slots=True)
class Grade:
    """What the pack's `lifecycle` and `score` make of a company; `stage` and `band` are the names as written."""

    revision: str
    stage: str | None = None
    score: int | None = None
    band: str | None = None
    parts: tuple[ScorePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """One company (or lead, or CSV row) as rules see it.

    `values` holds only fields that have a value: a missing one is absent. `seen` says where each came from.
    `current_owner` is the owner in the leading system, `owner_ids` the owner id each system holds now.
    `owner_active` is whether the current owner is an active user, in `reps` or not. `changed_by_person_at` is set while
    the owner was changed by somebody else since our last write or adoption. `team_holds` is why an owner write would
    lose an account team ("has 3 team members"), or None. `findings` are data-quality remarks, `notes` go to `explain`.
    `amounts` is the hash of the raw amounts of money, None where no rates are known; `rates` the older table that both
    sides of a comparison use, None for the run's own (RULES.md section 3, money). `head` is the key of the company at
    the top of its line of parents, as far up as the book goes: its own where a ring of parents ends in it, None where
    nobody of the book is above it. `decided` is whom earlier roles of the run came to, where this one is paired with
    them. `role_changes` are the roles beside the owner whose holder somebody else changed: when, and in words.
    """

    key: str
    accounts: tuple[str, ...]
    refs: tuple[Ref, ...] = ()
    values: Mapping[str, Value] = field(default_factory=lambda: NO_VALUES)
    seen: Mapping[str, Seen] = field(default_factory=lambda: MappingProxyType({}))
    opportunities: tuple[OpportunityFacts, ...] = ()
    current_owner: Owner | None = None
    owner_ids: Mapping[System, str] = field(default_factory=lambda: MappingProxyType({}))
    owner_active: bool = False
    applied: Mapping[str, Applied] = field(default_factory=lambda: MappingProxyType({}))
    changed_by_person_at: datetime | None = None
    changed_by_person_text: str | None = None
    team_holds: str | None = None
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    grade: Grade | None = None
    amounts: str | None = None
    rates: MoneyTable | None = None
    head: str | None = None
    decided: Mapping[str, str | None] = field(default_factory=lambda: NO_DECISIONS)
    role_changes: Mapping[str, tuple[datetime, str]] = field(default_factory=lambda: NO_CHANGES)

    def changed_by_person(self, role: str) -> tuple[datetime, str] | None:
        """When somebody else changed who has a role, and in words; None where nobody did."""
        if role != "owner":
            return self.role_changes.get(role)
        said = self.changed_by_person_text or "the owner was changed by a person"
        return None if self.changed_by_person_at is None else (self.changed_by_person_at, said)


@dataclass(frozen=True, slots=True)
class Rep:
    """A user as rules know people, by e-mail (lower case): ids by system, and where they are active and may own."""

    email: str
    name: str
    ids: Mapping[System, str]
    active_in: frozenset[System]
    eligible_in: frozenset[System]


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody who may be an owner.

    `written` are the systems that a plan would write: a candidate must be active and eligible in every one of them
    that holds the company. `assume_active` is the CSV and test mode: an e-mail that is not listed is an active user.
    `ambiguous` e-mails name several users of one system and are never a target.
    """

    reps: Mapping[str, Rep]
    written: frozenset[System] = frozenset()
    assume_active: bool = False
    ambiguous: frozenset[str] = frozenset()
