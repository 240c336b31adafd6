"""Who keeps their owners of a book in memory, counted once and then brought along row by row.

Equal to settling the whole book by a new `Keeper`. What would make other rows come out otherwise (another pack, people
or day) begins anew. Knows rows and what they are counted under; decides nothing itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from syncd.model.normalisation.numbers import EXACT
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.columns import Codes
from syncd.rules.batch.keeping import OWNER, Holders, Keeper, Mask
from syncd.rules.batch.territories import batch_of
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import OpportunityTest, walk
from syncd.rules.deciding.frame import Frame, reads_clock
from syncd.rules.deciding.kept import Kept
from syncd.rules.facts import Facts

_Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A row as it is counted: its facts, the number of its territory, and the code of its holder."""

    facts: Facts
    place: int
    code: int


class LiveKept:
    """The companies of one book that keep their owners by one pack, one directory and one day."""

    def __init__(self, classes: PackClasses, frame: Frame) -> None:
        pack = frame.pack
        self._frame = frame
        self._keeper = Keeper(pack, frame, classes)
        self._reads_deals = any(isinstance(part, OpportunityTest) for rule in pack.protect for part in walk(rule.when))
        self._moving = any(reads_clock(rule.when) for rule in pack.protect)
        self._places = {path[-1].path: place for place, path in enumerate(self._keeper.territories.paths(OWNER))}
        self._kept: dict[_Key, Kept] = {}
        self.mask: Mask = np.zeros(0, dtype=np.bool_)

    def still(self, frame: Frame) -> bool:
        """Whether at another instant the same rows would be kept, those apart that changed."""
        mine = self._frame
        alike = frame.pack is mine.pack and frame.today == mine.today and frame.directory == mine.directory
        return alike and not self._moving

    def count(
        self,
        batch: Batch,
        left_out: Mask,
        dealt: Mask,
        holders: Holders,
        places: Codes,
        named: Callable[[Facts], list[str]],
    ) -> None:
        """Count the whole book; those `left_out` are no companies. `named` says what exceptions may call one."""
        left_out = left_out | dealt if self._reads_deals else left_out.copy()
        if self._keeper.excepted:
            rows = range(batch.columns.count)
            left_out |= np.array([self._keeper.is_excepted(named(batch.facts_at(row))) for row in rows], dtype=np.bool_)
        self.mask = self._keeper.settle(batch, left_out, holders, places)
        self._kept = _by_key(self._keeper.taken())

    def move(
        self,
        gone: Iterable[Held],
        now: Mapping[int, Held],
        rows: int,
        holders: Sequence[Facts],
        named: Callable[[Facts], list[str]],
    ) -> None:
        """Take rows as they are `now` for what they were: `gone` are those of them that were counted."""
        before = self._settled(list(gone), holders, None)[1]
        kept, after = self._settled(list(now.values()), holders, named)
        self.mask = np.append(self.mask, np.zeros(rows - len(self.mask), dtype=np.bool_))
        self.mask[list(now)] = kept
        self._kept = _merged(self._kept, after, before)

    def without(self, some: Sequence[Held], holders: Sequence[Facts]) -> tuple[Kept, ...]:
        """All that are counted but some, who are; by territory in the order asked and by owner."""
        found = _merged(self._kept, (), self._settled(some, holders, None)[1])
        ordered = sorted(found.items(), key=lambda each: (self._places[each[0][0]], each[0][1], each[0][2] or ""))
        return tuple(kept for _, kept in ordered)

    def _settled(
        self, some: Sequence[Held], holders: Sequence[Facts], named: Callable[[Facts], list[str]] | None
    ) -> tuple[Mask, tuple[Kept, ...]]:
        """Of a few rows which are kept, and what they count; without `named` all are known to be."""
        book = [each.facts for each in some]
        left_out = np.zeros(len(book), dtype=np.bool_)
        if named is not None and (self._reads_deals or self._keeper.excepted):
            for row, facts in enumerate(book):
                dealt = self._reads_deals and bool(facts.opportunities)
                left_out[row] = dealt or self._keeper.is_excepted(named(facts))
        codes = np.array([each.code for each in some], dtype=np.int32)
        places = np.array([each.place for each in some], dtype=np.int32)
        kept = self._keeper.settle(batch_of(book, self._keeper.fields), left_out, Holders(codes, holders), places)
        return kept, self._keeper.taken()


def _by_key(kept: Iterable[Kept]) -> dict[_Key, Kept]:
    return {(each.territory, each.owner, each.was): each for each in kept}


def _merged(kept: Mapping[_Key, Kept], more: Iterable[Kept], fewer: Iterable[Kept]) -> dict[_Key, Kept]:
    """The companies of all these counts, but for those of `fewer`, which are among them."""
    found = dict(kept)
    for sign, some in ((1, more), (-1, fewer)):
        for key, each in _by_key(some).items():
            known = found.get(key)
            found[key] = each if known is None else _added(known, each, sign)
    return {key: each for key, each in found.items() if each.count}


def _added(known: Kept, other: Kept, sign: int) -> Kept:
    bands = Counter(known.bands)
    for band, count in other.bands.items():
        bands[band] += sign * count
    join = EXACT.add if sign > 0 else EXACT.subtract
    amounts = {name: join(amount, other.amounts[name]) for name, amount in known.amounts.items()}
    count = known.count + sign * other.count
    left = {band: number for band, number in bands.items() if number}
    return Kept(known.path, known.owner, known.identity, count, left, amounts, known.was)
