"""One book planned by one pack after another: whoever stays where they are is counted, and an edit costs what it moves.

Equal to deciding the whole book each time, in whom it names and how many there are. Of those who stay it makes no
decisions, but for companies that another pack decided otherwise: those are what a difference is about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from syncd.model.decisions import Decision
from syncd.model.refs import Kind, Ref
from syncd.rules.batch.columns import MISSING
from syncd.rules.batch.delta import Settlement, elsewhere
from syncd.rules.batch.keeping import OWNER, Holders
from syncd.rules.batch.live_answers import LiveAnswers, LiveBook
from syncd.rules.batch.live_kept import Held, LiveKept
from syncd.rules.deciding.frame import Frame, Traits
from syncd.rules.deciding.kept import Kept
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack


@dataclass(frozen=True, slots=True)
class Decided:
    """What a pack says of the book: decisions of some companies, by key, and the others that keep their owners."""

    pack: Pack
    book: Book
    now: datetime
    answers: LiveAnswers
    settlement: Settlement
    unsettled: frozenset[int]
    decisions: Mapping[str, Decision]
    facts: Mapping[str, Facts]
    kept: tuple[Kept, ...]
    count: int


class LivePlan:
    """The facts of one mirror, planned again and again by packs with no role but owner, while the mirror moves on.

    `facts` may change between two plans where `follow` is told; rows in `dead` are no companies any more.
    """

    def __init__(self, facts: Sequence[Facts], agreed: Callable[[Facts], bool], now: datetime) -> None:
        """A plan of a book; `agreed` says of a company whether its owner is the same wherever syncd would write it."""
        self.facts = facts
        self._live = LiveBook(facts)
        self._now = now
        self._held = _Held(agreed)
        self._held.put(facts, range(len(facts)))
        self._dead = np.zeros(len(facts), dtype=np.bool_)
        self._count: LiveKept | None = None
        self._gone: dict[int, Held | None] = {}
        self._traits: list[tuple[Pack, Traits]] = []

    def follow(
        self, before: Mapping[int, Facts | None], dead: Collection[int], now: datetime, last: Decided
    ) -> Decided:
        """Take rows that hold other facts, or are companies no more, and another instant.

        `before` are the facts that those rows held, None for a company that is new. Returns what the last plan said,
        with a decision of each of them: what a difference is about.
        """
        last.answers.remember((row, facts) for row, facts in before.items() if facts is not None)
        for row, facts in before.items():
            counted = self._count is not None and facts is not None and self._count.mask[row]
            held = Held(facts, int(last.settlement.winners[row]), self._held.code(row)) if facts and counted else None
            self._gone.setdefault(row, held)
        for row in dead:
            self._gone.setdefault(row, None)
        more = tuple(each for each in before.values() if each is not None and each.key not in last.decisions)
        traits = self._traits_of(last.pack)
        told = decide(last.pack, replace(last.book, facts=more), last.now, classes=last.answers, traits=traits)
        rows = sorted(before)
        new = {self.facts[row].key for row in rows if before[row] is None}
        known = {key: each for key, each in last.decisions.items() if key not in new}
        self._live.put(rows)
        self._held.put(self.facts, rows)
        self._dead = np.append(self._dead, np.zeros(len(self.facts) - len(self._dead), dtype=np.bool_))
        self._dead[rows] = False
        self._dead[list(dead)] = True
        self._now = now
        return replace(
            last,
            unsettled=last.unsettled.union(rows),
            decisions=known | {each.company: each for each in told},
        )

    def decide(self, pack: Pack, book: Book, last: Decided | None) -> tuple[Decided, Decided | None] | None:
        """What this pack says, and what the last one said of the same companies; None where classes cannot say.

        `book` has the pack's people; its facts are not looked at.
        """
        traits = self._traits_of(pack)
        frame = Frame.of(pack, book.directory, self._now, book.memory, traits)
        answers, settlement = self._live.settled(pack, frame.context)
        if settlement is None:
            return None
        count = self._counted(frame, settlement)
        unsettled = frozenset(np.flatnonzero(~(count.mask | self._dead)).tolist())
        rows = set(unsettled)
        if last is not None:
            rows |= last.unsettled | set(elsewhere(last.settlement, settlement).tolist())
        shown = [self._now_held(row, settlement) for row in sorted(rows) if count.mask[row]]
        kept = count.without(shown, self._held.facts)
        some = {self.facts[row].key: self.facts[row] for row in sorted(rows) if not self._dead[row]}
        asked = replace(book, facts=tuple(some.values()))
        decisions = decide(pack, asked, self._now, kept=kept, classes=answers, traits=traits)
        told = {each.company: each for each in decisions}
        number = int(count.mask.sum()) - len(shown)
        found = Decided(pack, book, self._now, answers, settlement, unsettled, told, some, kept, number)
        return found, None if last is None else self._with(last, some, rows)

    def _counted(self, frame: Frame, settlement: Settlement) -> LiveKept:
        """Who keeps their owners: counted anew, or brought along where only rows that were followed can differ."""
        count, followed = self._count, set(self._gone)
        if count is not None and count.still(frame) and followed.issuperset(settlement.again.tolist()):
            now = {row: self._now_held(row, settlement) for row in sorted(followed) if not self._dead[row]}
            gone = [each for each in self._gone.values() if each is not None]
            count.move(gone, now, len(self.facts), self._held.facts, _names)
            count.mask[self._dead] = False
        else:
            count = LiveKept(self._live.classes, frame)
            count.count(
                self._live.batch(), self._dead, self._held.dealt, self._held.holders, settlement.winners, _names
            )
        self._count, self._gone = count, {}
        return count

    def _now_held(self, row: int, settlement: Settlement) -> Held:
        return Held(self.facts[row], int(settlement.winners[row]), self._held.code(row))

    def _traits_of(self, pack: Pack) -> Traits:
        """What a frame knows of a pack; those of the last two packs are remembered."""
        known = next((traits for one, traits in self._traits if one is pack), None)
        if known is None:
            known = Traits.of(pack)
            self._traits = [*self._traits[-1:], (pack, known)]
        return known

    def whole(self, decided: Decided) -> Decided:
        """What a pack says, with a decision of every company."""
        facts = tuple(each for each, dead in zip(self.facts, self._dead.tolist(), strict=True) if not dead)
        asked = replace(decided.book, facts=facts)
        decisions = decide(decided.pack, asked, decided.now, classes=decided.answers)
        new = {self.facts[row].key for row in decided.unsettled} - decided.decisions.keys()
        told = {each.company: each for each in decisions if each.company not in new} | dict(decided.decisions)
        return replace(decided, decisions=told, facts={each.key: each for each in facts}, kept=(), count=0)

    def _with(self, last: Decided, some: Mapping[str, Facts], rows: Collection[int]) -> Decided:
        """What the last pack said of these companies: those that it counted stay by it, which each shows alone."""
        then = len(last.settlement.winners)
        more = tuple(
            self.facts[row]
            for row in sorted(rows)
            if row < then and row not in last.unsettled and self.facts[row].key not in last.decisions
        )
        traits = self._traits_of(last.pack)
        decided = decide(last.pack, replace(last.book, facts=more), last.now, classes=last.answers, traits=traits)
        known = {**last.decisions, **{each.company: each for each in decided}}
        keys = {self.facts[row].key for row in rows}
        return replace(last, decisions={key: known[key] for key in sorted(known) if key in keys}, facts=some)


class _Held:
    """Who holds each company, one for all that have the same; of companies that need a closer look nobody.

    `dealt` are the rows with opportunities, `facts` one for each holder.
    """

    def __init__(self, agreed: Callable[[Facts], bool]) -> None:
        self._agreed = agreed
        self._known: dict[object, int] = {}
        self.facts: list[Facts] = []
        self._codes = np.empty(0, dtype=np.int32)
        self.dealt = np.empty(0, dtype=np.bool_)

    @property
    def holders(self) -> Holders:
        """The holders as a batch takes them."""
        return Holders(self._codes, self.facts)

    def code(self, row: int) -> int:
        """The code of a row's holder."""
        return int(self._codes[row])

    def put(self, facts: Sequence[Facts], rows: Sequence[int]) -> None:
        """Look at these rows, which are new or hold other facts than before."""
        room = len(facts) - len(self._codes)
        self._codes = np.append(self._codes, np.full(room, MISSING, dtype=np.int32))
        self.dealt = np.append(self.dealt, np.zeros(room, dtype=np.bool_))
        for row in rows:
            each = facts[row]
            self.dealt[row] = bool(each.opportunities)
            self._codes[row] = self._code(each)

    def _code(self, facts: Facts) -> int:
        owner = facts.current_owner
        if owner is None or facts.values.get(OWNER) != owner.email or facts.rates is not None or facts.role_changes:
            return MISSING
        if facts.changed_by_person_at is not None or not self._agreed(facts):
            return MISSING
        applied = facts.applied.get(OWNER)
        systems = tuple(ref.system for ref in facts.refs)
        key = (owner.email, systems, facts.owner_active, applied.territory if applied is not None else None)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.facts)
            refs = tuple(Ref(system, Kind.ACCOUNT, "0") for system in systems)
            self.facts.append(Facts("", (), refs, {OWNER: owner.email}, current_owner=owner, applied=facts.applied))
        return found


def _names(facts: Facts) -> list[str]:
    """Every name that an exception may give to a company, its domain apart."""
    return [facts.key, *facts.accounts, *map(str, facts.refs), *(ref.id for ref in facts.refs)]
