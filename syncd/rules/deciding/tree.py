"""Territory choice: which territory of a role's tree takes a company (RULES.md section 4).

Pure, one company at a time, reading facts only: people, loads and holds never change the territory. This is the
reference that a faster evaluator must equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from syncd.rules.conditions import holds
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack, Territory


class Cause(StrEnum):
    """Why a territory did not take an account."""

    OWN_CONDITION = "own-condition"
    NOT_IN_EFFECT = "not-in-effect"
    ANCESTOR = "ancestor"
    EARLIER = "earlier"
    LEEWAY = "leeway"


@dataclass(frozen=True, slots=True)
class TreeResult:
    """The territories entered, root first, and those tried before them and passed over, in the order tried.

    An empty `path` means that no root of the role's tree matches. `waiting` are those of the passed whose answer time
    alone can change; None where nobody has sorted them out.
    """

    path: tuple[Territory, ...]
    passed: tuple[tuple[Territory, Cause], ...]
    waiting: tuple[tuple[Territory, Cause], ...] | None = field(default=None, compare=False, repr=False)

    @property
    def territory(self) -> Territory | None:
        """The deepest territory entered: the one that takes the account."""
        return self.path[-1] if self.path else None


def in_effect(territory: Territory, today: date) -> bool:
    """Whether a territory's own `effective` window is open; both days are included."""
    window = territory.effective
    if window is None:
        return True
    return (window.from_ is None or window.from_ <= today) and (window.until is None or today <= window.until)


def choose_territory(pack: Pack, role: str, facts: Facts, context: EvaluationContext) -> TreeResult:
    """Enter the first child in effect whose `when` holds, level by level; once inside, never the next sibling."""
    today = local_day(context.now, context.zone)
    path: list[Territory] = []
    passed: list[tuple[Territory, Cause]] = []
    level = pack.roles.get(role, ())
    while level:
        entered: Territory | None = None
        for territory in level:
            if not in_effect(territory, today):
                passed.append((territory, Cause.NOT_IN_EFFECT))
            elif holds(territory.when, facts, context):
                entered = territory
                break
            else:
                passed.append((territory, Cause.OWN_CONDITION))
        if entered is None:
            break
        path.append(entered)
        level = entered.children
    return TreeResult(tuple(path), tuple(passed))
