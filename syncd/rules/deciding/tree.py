"""Territory choice: which territory of a role's tree takes a company (RULES.md section 4).

Pure, one company at a time, reading facts only: people, loads and holds never change the territory. This is the
reference that a faster evaluator must equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from syncd.rules.conditions import holds
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack, Territory

if TYPE_CHECKING:
    from syncd.rules.deciding.frame import Frame


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


def tree_of(frame: Frame, role: str, facts: Facts) -> TreeResult:
    """Where an account ends in a role's tree, by the frame's classes where it has them."""
    if frame.classes is not None:
        return frame.classes.choose(role, facts)
    return choose_territory(frame.pack, role, facts, frame.context)


def choose_territory(pack: Pack, role: str, facts: Facts, context: EvaluationContext) -> TreeResult:
    """Enter the first child in effect whose `when` holds, level by level; once inside, never the next sibling."""
    today = local_day(context.now, context.zone)
    path: list[Territory] = []
    level = roots = pack.roles.get(role, ())
    while level:
        tried = (each for each in level if in_effect(each, today) and holds(each.when, facts, context))
        entered = next(tried, None)
        if entered is None:
            break
        path.append(entered)
        level = entered.children
    return TreeResult(tuple(path), roots, today)
