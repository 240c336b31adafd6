"""The common case for many companies at once: a named, active member of its territory has the account and keeps it.

Whatever might say otherwise (an exception, a lock, a protect rule, another kind of owners) is left to the engine, which
then decides about that company as if there were no batch. Knows a pack at one instant, and rows; reads no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from syncd.model.normalisation.numbers import EXACT
from syncd.model.refs import Ref
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import MISSING, Codes, Column
from syncd.rules.batch.territories import BatchTerritories
from syncd.rules.classes.territories import PackClasses, Path
from syncd.rules.conditions import Condition, FieldTest, walk
from syncd.rules.deciding.exceptions import names_of_entry
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.kept import Kept
from syncd.rules.deciding.people import identity_of, may_keep, members_of, overflows
from syncd.rules.deriving.families import FAMILY_FIELDS
from syncd.rules.facts import Facts, Value
from syncd.rules.pack import OwnersByEmail, OwnersByPool, Pack

OWNER = "owner"
_NO_BAND = ""
_ROOM = 1 << 22
"""Numbers below this are told apart in an array rather than sorted."""
_NAMES = ("domain", "salesforce_id", "hubspot_id")
"""Fields by which an exception may name a company, beside its key."""
Mask = NDArray[np.bool_]


def unsuited(pack: Pack) -> str | None:
    """Why no company of this pack can be settled in a batch, in words; None where many can."""
    territories = [territory for role in pack.roles for territory in pack.territories(role)]
    conditions = [each.when for each in territories] + [rule.when for rule in pack.protect]
    if set(pack.roles) != {OWNER}:
        return "the pack has other roles than owner"
    if pack.scoring is not None or pack.lifecycle:
        return "the pack grades companies"
    if pack.retrieve is not None:
        return "the pack retrieves accounts"
    if any(each.follow_parent for each in territories):
        return "a territory follows parents"
    if any(name in FAMILY_FIELDS for name in _fields_read(conditions)):
        return "the pack reads fields of families"
    return None


def _fields_read(conditions: Iterable[Condition]) -> Iterable[str]:
    return (each.field for condition in conditions for each in walk(condition) if isinstance(each, FieldTest))


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has each company of a batch: one of a few `facts` that say so, each for all that have the same holder.

    Those facts hold the owner's e-mail, the systems that the company stands in, and what was last applied to it. The
    code of a company is -1 where the engine has to look.
    """

    codes: Codes
    facts: Sequence[Facts]

    @classmethod
    def of(cls, owners: Column | None, count: int) -> Holders:
        """The holders that a column of e-mails names, of companies that stand in no system."""
        if owners is None:
            return cls(np.full(count, MISSING, dtype=np.int32), ())
        return cls(owners.codes, [Facts("", (), values={OWNER: value}) for value in owners.values])


_Group = tuple[int, str, str | None]
"""A territory by its number, an owner, and the territory that was applied last."""


@dataclass(slots=True)
class _Tally:
    """The companies of one group that were kept so far."""

    identity: str
    count: int
    bands: Counter[str]
    amounts: dict[str, Decimal]


class Keeper:
    """Settles batch after batch of one book, and counts what it has settled."""

    def __init__(self, pack: Pack, frame: Frame, classes: PackClasses | None = None) -> None:
        """A keeper by a pack at one instant; `classes` are the pack's, where it is compiled already."""
        self._frame = frame
        self.classes = PackClasses(pack) if classes is None else classes
        self.territories = BatchTerritories(self.classes, frame.context)
        territories = list(pack.territories(OWNER))
        self._measures = {each.balance_by for each in territories} - {"accounts"} | {"open_pipeline"}
        self._capped = any(each.cap is not None for each in territories)
        accounts = [*(each.account for each in pack.overrides), *(each.account for each in pack.disputes)]
        self._excepted = frozenset(name for account in accounts for name in names_of_entry(account))
        self._tallies: dict[_Group, _Tally] = {}
        self._known: dict[tuple[int, str, tuple[Ref, ...]], str | None] = {}

    @property
    def fields(self) -> frozenset[str]:
        """The columns that a batch needs."""
        named = set(_NAMES) if self._excepted else set()
        bands = {"band"} if self._capped else set()
        return self.territories.fields | self._measures | named | bands | {OWNER, "locked"}

    @property
    def excepted(self) -> frozenset[str]:
        """The names that overrides and disputes give to companies."""
        return self._excepted

    def is_excepted(self, names: Iterable[str]) -> bool:
        """Whether an override or a dispute may be about a company of these names."""
        return not self._excepted.isdisjoint(names)

    def settle(self, batch: Batch, left_out: Mask, holders: Holders, places: Codes | None = None) -> Mask:
        """Which companies keep their owners, but none of those `left_out`; they are counted from now on.

        `places` are the numbers of their territories where the caller knows them.
        """
        count = batch.columns.count
        result = np.zeros(count, dtype=np.bool_)
        open_ = ~(left_out | self._held(batch)) & (holders.codes >= 0)
        places = self.territories.places(OWNER, batch) if places is None else places
        rows = np.flatnonzero(open_ & (places >= 0))
        size = max(1, len(holders.facts))
        pairs = places[rows].astype(np.int64) * size + holders.codes[rows]
        found, which = distinct(pairs, size * len(self.territories.paths(OWNER)))
        groups: dict[_Group, int] = {}
        numbers = np.full(len(found), MISSING, dtype=np.int64)
        for number, pair in enumerate(found.tolist()):
            place, code = divmod(pair, size)
            facts = holders.facts[code]
            if self._identity(place, facts) is not None:
                applied = facts.applied.get(OWNER)
                group = (place, str(facts.values[OWNER]), applied.territory if applied is not None else None)
                numbers[number] = groups.setdefault(group, len(groups))
                if group not in self._tallies:
                    amounts = dict.fromkeys(self._measures, Decimal(0))
                    identity = self._identity(place, facts) or group[1]
                    self._tallies[group] = _Tally(identity, 0, Counter(), amounts)
        group_of = numbers[which]
        settled = rows[group_of >= 0]
        self._count(list(groups), group_of[group_of >= 0], settled, batch.columns.by_field)
        result[settled] = True
        return result

    def kept(self) -> tuple[Kept, ...]:
        """All that was settled, by territory in the order asked and by owner."""
        paths = self.territories.paths(OWNER)
        ordered = sorted(self._tallies.items(), key=lambda each: (each[0][0], each[0][1], each[0][2] or ""))
        return tuple(
            Kept(paths[place], email, tally.identity, tally.count, dict(tally.bands), tally.amounts, was)
            for (place, email, was), tally in ordered
        )

    def taken(self) -> tuple[Kept, ...]:
        """What was settled since this was last asked, which from now on is the caller's to count."""
        kept, self._tallies = self.kept(), {}
        return kept

    def _held(self, batch: Batch) -> Mask:
        """Companies that something beside the territory may speak for."""
        held = self.territories.protected(batch)
        held |= _rows_with(batch.columns.by_field.get("locked"), lambda value: value is True, batch.columns.count)
        if self._excepted:
            for name in _NAMES:
                column = batch.columns.by_field.get(name)
                held |= _rows_with(column, lambda value: self.is_excepted(_texts_of(value)), batch.columns.count)
        return held

    def _identity(self, place: int, facts: Facts) -> str | None:
        """Who carries an account of this territory that this holder keeps; None where the engine has to look."""
        key = (place, str(facts.values[OWNER]), facts.refs)
        if key not in self._known:
            self._known[key] = self._identity_in(self.territories.paths(OWNER)[place], key[1], facts)
        return self._known[key]

    def _identity_in(self, path: Path, email: str, facts: Facts) -> str | None:
        territory, frame = path[-1], self._frame
        if not territory.keep or not isinstance(territory.owners, OwnersByEmail | OwnersByPool):
            return None
        lent = [owners for _, owners in overflows(path)]
        if frame.pack.seats and not all(isinstance(each, OwnersByEmail | OwnersByPool) for each in lent):
            return None
        named = any(member.email == email for member in members_of(frame, territory.owners, facts))
        if not named or not may_keep(frame, email, facts):
            return None
        return identity_of(frame, path, email, facts)

    def _count(
        self,
        keys: list[_Group],
        which: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: Mapping[str, Column],
    ) -> None:
        counts = np.bincount(which, minlength=len(keys)).tolist()
        for key, count in zip(keys, counts, strict=True):
            self._tallies[key].count += count
        for name in self._measures:
            for number, value, count in _grouped(columns.get(name), which, rows):
                if isinstance(value, Decimal):
                    amounts = self._tallies[keys[number]].amounts
                    amounts[name] = EXACT.add(amounts[name], EXACT.multiply(value, Decimal(count)))
        if self._capped:
            for number, value, count in _grouped(columns.get("band"), which, rows):
                self._tallies[keys[number]].bands[value if isinstance(value, str) else _NO_BAND] += count


def distinct(numbers: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different numbers, all below `size`, in their order, and for each number its place among them."""
    if size > max(_ROOM, len(numbers)):
        return np.unique(numbers, return_inverse=True)
    occurs = np.zeros(size, dtype=np.bool_)
    occurs[numbers] = True
    found = np.flatnonzero(occurs)
    place_of = np.empty(size, dtype=np.int64)
    place_of[found] = np.arange(len(found))
    return found, place_of[numbers]


def _grouped(
    column: Column | None, which: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterable[tuple[int, object, int]]:
    """How often each value of a column stands in each group of rows; None for a missing one."""
    if column is None:
        numbers, counts = np.unique(which, return_counts=True)
        yield from ((number, None, count) for number, count in zip(numbers.tolist(), counts.tolist(), strict=True))
        return
    size = len(column.values) + 1
    largest = size * (int(which.max(initial=0)) + 1)
    pairs, places = distinct(which * size + column.codes[rows] + 1, largest)
    counts = np.bincount(places, minlength=len(pairs))
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        number, code = divmod(pair, size)
        yield number, column.values[code - 1] if code else None, count


def _rows_with(column: Column | None, test: Callable[[Value], bool], count: int) -> Mask:
    """The rows whose value passes a test."""
    if column is None:
        return np.zeros(count, dtype=np.bool_)
    passed = np.array([*(test(value) for value in column.values), False], dtype=np.bool_)
    return passed[column.codes]


def _texts_of(value: object) -> Iterable[str]:
    if isinstance(value, frozenset):
        return value
    return (value,) if isinstance(value, str) else ()
