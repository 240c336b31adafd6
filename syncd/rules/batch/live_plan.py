"""One book planned by one pack after another: whoever stays where they are is counted, and an edit costs what it moves.

Equal to deciding the whole book each time, in whom it names and how many there are. Of those who stay it makes no
decisions, but for companies that another pack decided otherwise: those are what a difference is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from syncd.model.decisions import Decision
from syncd.model.refs import Kind, Ref
from syncd.rules.batch.delta import Settlement, elsewhere
from syncd.rules.batch.keeping import OWNER, Holders, Keeper
from syncd.rules.batch.live_answers import LiveBook
from syncd.rules.classes.territories import TerritoryAnswers
from syncd.rules.conditions import OpportunityTest, walk
from syncd.rules.deciding.frame import Frame
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack


@dataclass(frozen=True, slots=True)
class Decided:
    """What a pack says of the book: decisions of some companies, by key and role, and how many others keep theirs."""

    pack: Pack
    book: Book
    answers: TerritoryAnswers
    settlement: Settlement
    unsettled: frozenset[int]
    decisions: Mapping[str, Decision]
    kept: int


class LivePlan:
    """The facts of one state of the mirror at one instant, planned again and again by packs with no role but owner."""

    def __init__(self, facts: Sequence[Facts], agreed: Callable[[Facts], bool], now: datetime) -> None:
        """A plan of a book; `agreed` says of a company whether its owner is the same wherever syncd would write it."""
        self.facts = facts
        self._live = LiveBook(facts)
        self._now = now
        self._holders = _holders(facts, agreed)
        self._dealt = np.array([bool(each.opportunities) for each in facts], dtype=np.bool_)

    def decide(self, pack: Pack, book: Book, last: Decided | None) -> tuple[Decided, Decided | None] | None:
        """What this pack says, and what the last one said of the same companies; None where classes cannot say.

        `book` is the whole one, with the pack's people.
        """
        frame = Frame.of(pack, book.directory, self._now, book.memory)
        answers, settlement = self._live.settled(pack, frame.context)
        if settlement is None:
            return None
        keeper = Keeper(pack, frame)
        batch = self._live.batch()
        left_out = np.zeros(len(self.facts), dtype=np.bool_)
        if any(isinstance(part, OpportunityTest) for rule in pack.protect for part in walk(rule.when)):
            left_out |= self._dealt
        if keeper.excepted:
            left_out |= [keeper.is_excepted(_names(each)) for each in self.facts]
        kept = keeper.settle(batch, left_out, self._holders, settlement.winners)
        unsettled = frozenset(np.flatnonzero(~kept).tolist())
        rows = set(unsettled)
        if last is not None:
            rows |= last.unsettled | set(elsewhere(last.settlement, settlement).tolist())
            left_out[list(rows)] = True
            keeper.taken()
            kept = keeper.settle(batch, left_out, self._holders, settlement.winners)
        some = [self.facts[row] for row in sorted(rows)]
        decisions = decide(pack, replace(book, facts=tuple(some)), self._now, kept=keeper.kept(), classes=answers)
        told = {each.company: each for each in decisions}
        found = Decided(pack, book, answers, settlement, unsettled, told, int(kept.sum()))
        return found, None if last is None else self._with(last, some)

    def whole(self, decided: Decided) -> Decided:
        """What a pack says, with a decision of every company."""
        decisions = decide(decided.pack, decided.book, self._now, classes=decided.answers)
        return replace(decided, decisions={each.company: each for each in decisions})

    def _with(self, last: Decided, some: Sequence[Facts]) -> Decided:
        """What the last pack said of these companies: those that it counted stay by it, which each shows alone."""
        more = tuple(each for each in some if each.key not in last.decisions)
        decided = decide(last.pack, replace(last.book, facts=more), self._now, classes=last.answers)
        known = {**last.decisions, **{each.company: each for each in decided}}
        return replace(last, decisions={each.key: known[each.key] for each in some})


def _holders(facts: Sequence[Facts], agreed: Callable[[Facts], bool]) -> Holders:
    """Who holds each company, one for all that have the same; of companies that need a closer look nobody."""
    known: dict[object, int] = {}
    held: list[Facts] = []
    codes = np.full(len(facts), -1, dtype=np.int32)
    for row, each in enumerate(facts):
        owner = each.current_owner
        if owner is None or each.values.get(OWNER) != owner.email or each.rates is not None or each.role_changes:
            continue
        if each.changed_by_person_at is not None or not agreed(each):
            continue
        applied = each.applied.get(OWNER)
        systems = tuple(ref.system for ref in each.refs)
        key = (owner.email, systems, each.owner_active, applied.territory if applied is not None else None)
        if key not in known:
            known[key] = len(held)
            refs = tuple(Ref(system, Kind.ACCOUNT, "0") for system in systems)
            held.append(Facts("", (), refs, {OWNER: owner.email}, current_owner=owner, applied=each.applied))
        codes[row] = known[key]
    return Holders(codes, held)


def _names(facts: Facts) -> list[str]:
    """Every name that an exception may give to a company, its domain apart."""
    return [facts.key, *facts.accounts, *map(str, facts.refs), *(ref.id for ref in facts.refs)]
