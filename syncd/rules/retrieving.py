"""Who has to be told that an account will be taken back, and of whom that is no longer true. Tells nobody itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from syncd.model.decisions import Decision
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.retrieving import OWNER, recall_of
from syncd.rules.engine import SETTLED_BY_TERRITORY, Book
from syncd.rules.pack import Pack

LEFT_WHERE_THEY_ARE = SETTLED_BY_TERRITORY | {"no-eligible-rep"}
"""The reasons of decisions that leave an account with its owner and that `retrieve` would outrank."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The owner (e-mail) to be told, by company, and the companies whose notice has lost its ground."""

    told: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    over: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.told or self.over)


def notices(pack: Pack, book: Book, decisions: Iterable[Decision], now: datetime) -> Notices:
    """What is to be remembered after a run: with its condition first seen to hold, the grace of an account begins.

    What something else holds or moves is nobody's to retrieve, so nobody is told.
    """
    noticed = {key: state for key, state in book.memory.retrievals.items() if state.noticed_at is not None}
    if pack.retrieve is None or pack.retrieve.grace is None:
        return Notices(over=frozenset(noticed))
    frame = Frame.of(pack, book.directory, now, book.memory)
    facts = {each.key: each for each in book.facts}
    told: dict[str, str] = {}
    standing: set[str] = set()
    for decision in decisions:
        company = facts.get(decision.company)
        if decision.role != OWNER or company is None or company.current_owner is None:
            continue
        recall = recall_of(frame, OWNER, company)
        if recall is None:
            continue
        standing.add(company.key)
        if recall.untold and decision.reason in LEFT_WHERE_THEY_ARE:
            told[company.key] = company.current_owner.email
    return Notices(MappingProxyType(told), frozenset(noticed.keys() - standing))
