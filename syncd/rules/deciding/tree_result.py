"""Where an account ended in a tree, and who answers that: one account after the other, or many by class tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from syncd.rules.facts import Facts
from syncd.rules.pack import Protect, Territory


class Cause(StrEnum):
    """Why a territory did not take an account."""

    OWN_CONDITION = "own-condition"
    NOT_IN_EFFECT = "not-in-effect"
    ANCESTOR = "ancestor"
    EARLIER = "earlier"
    LEEWAY = "leeway"


@dataclass(frozen=True, slots=True)
class TreeResult:
    """The territories entered, root first; an empty `path` means that no root of the role's tree matches.

    `roots` are the tree's and `today` is the day of the choice. `waiting` are those of the passed whose answer time
    alone can change; None where nobody has sorted them out.
    """

    path: tuple[Territory, ...]
    roots: tuple[Territory, ...] = field(repr=False, compare=False)
    today: date
    waiting: tuple[tuple[Territory, Cause], ...] | None = field(default=None, repr=False, compare=False)

    @property
    def territory(self) -> Territory | None:
        """The deepest territory entered: the one that takes the account."""
        return self.path[-1] if self.path else None

    @property
    def passed(self) -> tuple[tuple[Territory, Cause], ...]:
        """The territories tried and passed over, in the order tried: on each level those before the one entered."""
        found: list[tuple[Territory, Cause]] = []
        level = self.roots
        for entered in (*self.path, None):
            for territory in level:
                if territory is entered:
                    break
                awake = in_effect(territory, self.today)
                found.append((territory, Cause.OWN_CONDITION if awake else Cause.NOT_IN_EFFECT))
            level = entered.children if entered is not None else ()
        return tuple(found)


def in_effect(territory: Territory, today: date) -> bool:
    """Whether a territory's own `effective` window is open; both days are included."""
    window = territory.effective
    if window is None:
        return True
    return (window.from_ is None or window.from_ <= today) and (window.until is None or today <= window.until)


class TreeAnswers(Protocol):
    """A pack compiled for one instant, that answers its conditions for many accounts, as the plain evaluator would."""

    def choose(self, role: str, facts: Facts) -> TreeResult:
        """What `choose_territory` says of this account."""

    def protecting(self, facts: Facts) -> tuple[Protect, ...]:
        """The protect rules whose condition holds, by name, whatever their dates and roles."""
