"""What stays the same for every company of one run: the pack, the people, the instant, and today's date.

Knows nothing of territories, holds or picks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from syncd.model.decisions import Owner
from syncd.model.fields import FieldType
from syncd.model.refs import System
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    FieldTest,
    InSegment,
    NoneOf,
    Not,
    OpportunityTest,
    TableRows,
)
from syncd.rules.deciding.recall import Recall
from syncd.rules.deciding.tree_result import TreeAnswers
from syncd.rules.facts import Directory, Facts
from syncd.rules.matching.time_window import EvaluationContext, leaves_past, local_day, local_midnight, shifted_day
from syncd.rules.memory import NO_MEMORY, Memory
from syncd.rules.pack import Pack, Territory

NO_LENIENT: Mapping[tuple[str, str], tuple[Territory, ...]] = MappingProxyType({})
_ROLLING_FIELDS = frozenset({"won_amount_12m", "won_count_12m"})


def reads_clock(condition: Condition) -> bool:
    """Whether time alone can change what a condition says: it tests a date, or a sum over a window that moves."""
    level: dict[int, Condition] = {id(condition): condition}
    while level:
        below: dict[int, Condition] = {}
        for each in level.values():
            match each:
                case FieldTest(field, type_):
                    if _moves(field, type_):
                        return True
                case AnyOf(TableRows() as rows):
                    if any(_moves(column.field, column.type) for column, _ in rows.tested()):
                        return True
                case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
                    below.update(zip(map(id, conditions), conditions, strict=True))
                case Not(inner) | OpportunityTest(_, inner):
                    below[id(inner)] = inner
                case Always():
                    pass
        level = below
    return False


def _moves(field: str, type_: FieldType) -> bool:
    return type_ is FieldType.DATE or field in _ROLLING_FIELDS


@dataclass(frozen=True, slots=True)
class Traits:
    """What a frame knows of its pack alone: whoever decides about one book after another works it out once."""

    clocked: frozenset[str]
    lenient: Mapping[tuple[str, str], tuple[Territory, ...]]

    @classmethod
    def of(cls, pack: Pack) -> Traits:
        """The traits of a pack."""
        territories = [territory for role in pack.roles for territory in pack.territories(role)]
        clocked = frozenset(each.path for each in territories if reads_clock(each.when))
        return cls(clocked, _lenient(each for each in territories if each.leeway is not None))


@dataclass(frozen=True, slots=True)
class Frame:
    """One pack, one directory and one instant; `today` is the date of that instant in the pack's zone.

    `clocked` are the paths of the territories whose own condition reads the clock, `lenient` those with a `leeway`, by
    role and each name they have or had: few, and known before any account. `memory` is what the ledger remembers.
    `leads` says that leads are dealt out: reps' working hours count then, unless `any_hour`, and caps on accounts do
    not. `classes` answers the pack's conditions for many accounts; without it each is asked plainly, with the same
    outcome. `recall` keeps answers about people that every account of the run would ask for anew.
    """

    pack: Pack
    directory: Directory
    context: EvaluationContext
    today: date
    clocked: frozenset[str]
    memory: Memory = NO_MEMORY
    lenient: Mapping[tuple[str, str], tuple[Territory, ...]] = field(default_factory=lambda: NO_LENIENT)
    leads: bool = False
    any_hour: bool = False
    classes: TreeAnswers | None = None
    recall: Recall = field(default_factory=Recall, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        pack: Pack,
        directory: Directory,
        now: datetime,
        memory: Memory = NO_MEMORY,
        traits: Traits | None = None,
    ) -> Frame:
        """The frame of a run at `now`; `traits` are the pack's own, where they are known already."""
        context = EvaluationContext(now, pack.zone, pack.fiscal_year_start)
        traits = traits or Traits.of(pack)
        return cls(pack, directory, context, local_day(now, pack.zone), traits.clocked, memory, traits.lenient)

    def systems_of(self, facts: Facts) -> frozenset[System]:
        """The systems that hold a company and would be written."""
        written = self.directory.written
        return written & {ref.system for ref in facts.refs} if written else written

    def start_of(self, day: date) -> datetime:
        """The instant, in UTC, at which a local day begins."""
        return local_midnight(day, self.pack.zone)

    def end_of(self, day: date) -> datetime:
        """The instant, in UTC, at which a local day is over."""
        return self.start_of(shifted_day(day, 1, "d"))


def _lenient(territories: Iterable[Territory]) -> Mapping[tuple[str, str], tuple[Territory, ...]]:
    """By role and name, a former name only where nobody has it now; a table's territory may come in several parts."""
    named: dict[tuple[str, str], tuple[Territory, ...]] = {}
    former: dict[tuple[str, str], tuple[Territory, ...]] = {}
    for territory in territories:
        key = (territory.role, territory.name)
        named[key] = (*named.get(key, ()), territory)
        if territory.was is not None:
            key = (territory.role, territory.was)
            former[key] = (*former.get(key, ()), territory)
    return MappingProxyType({**former, **named})


def coming(frame: Frame, *instants: datetime | None) -> datetime | None:
    """The earliest instant that still lies ahead, or None."""
    return min((instant for instant in instants if instant is not None and instant > frame.context.now), default=None)


def owner_of(frame: Frame, email: str) -> Owner:
    """A rep as an owner, with the ids that the directory knows."""
    rep = frame.directory.reps.get(email)
    return Owner(email, rep.ids) if rep else Owner(email)


def holder(frame: Frame, role: str, facts: Facts) -> Owner | None:
    """Who has the role now: the owner in the leading system, for another role the e-mail in the field of its name."""
    if role == "owner":
        return facts.current_owner
    value = facts.values.get(role)
    return owner_of(frame, value) if isinstance(value, str) else None


def holder_active(frame: Frame, role: str, facts: Facts) -> bool:
    """Whether the role's present holder is an active user anywhere, in `reps` or not; False without a holder."""
    present = holder(frame, role, facts)
    if present is None:
        return False
    if role == "owner":
        return facts.owner_active
    rep = frame.directory.reps.get(present.email)
    return frame.directory.assume_active if rep is None else bool(rep.active_in)


def measure(facts: Facts, balance_by: str) -> Decimal:
    """How much an account weighs: 1 for `accounts`, else the field's value, 0 where it is missing."""
    if balance_by == "accounts":
        return Decimal(1)
    value = facts.values.get(balance_by)
    return value if isinstance(value, Decimal) else Decimal(0)


def respect_ends(frame: Frame, facts: Facts, role: str = "owner") -> datetime | None:
    """When a person's change of who has a role is older than `respect_people_for`; None if never, or there is none."""
    span, changed = frame.pack.respect_people_for, facts.changed_by_person(role)
    if changed is None or span is None:
        return None
    return leaves_past(changed[0], span, frame.context)
