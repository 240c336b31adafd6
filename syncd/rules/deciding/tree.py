"""Territory choice: which territory of a role's tree takes a company (RULES.md section 4).

Pure, one company at a time, reading facts only: people, loads and holds never change the territory. This is the
reference that a faster evaluator must equal.
"""

from __future__ import annotations

from syncd.rules.conditions import holds
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.tree_result import TreeResult, in_effect
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import Pack, Territory


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
