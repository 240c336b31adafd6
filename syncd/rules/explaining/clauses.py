"""Clauses as evaluated: each as written, with its outcome, the value seen and where that came from.

Every outcome is the matcher's own. Of a long list of alternatives, such as the rows of a table, only what matters is
shown: those that hold, else the one that comes closest. Knows no territories, decisions or renderings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.clock import iso
from syncd.errors import Place
from syncd.rules.conditions import AllOf, AnyOf, Condition, FieldTest, InSegment, TableRows, Trace, holds, trace
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.time_window import EvaluationContext

MOST_ALTERNATIVES = 12
"""So many alternatives are shown in full."""
_LONGEST_TEXT = 400


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as written, with its outcome; for a field, its value, raw text and system, and what the others say."""

    text: str
    place: Place | None
    outcome: bool
    field: str | None
    value: str | None
    raw: str | None
    system: str | None
    others: tuple[tuple[str, str], ...]
    children: tuple[Clause, ...]

    def to_json(self) -> dict[str, Any]:
        """The clause as JSON values."""
        place = self.place
        return {
            "file": place.path if place else None,
            "line": place.line if place else None,
            "text": self.text,
            "outcome": self.outcome,
            "field": self.field,
            "value": self.value,
            "raw": self.raw,
            "system": self.system,
            "others": [{"system": system, "raw": raw} for system, raw in self.others] if self.others else [],
            "children": [child.to_json() for child in self.children] if self.children else [],
        }


def clause_of(condition: Condition, facts: Facts, context: EvaluationContext) -> Clause:
    """A condition as it comes out for a company, clause by clause."""
    return _clause(trace(_shortened(condition, facts, context), facts, context), facts)


def failing(condition: Condition, facts: Facts, context: EvaluationContext) -> tuple[Condition, ...]:
    """The fewest clauses by which a condition does not hold; empty where it holds.

    Of alternatives that is those of the closest one, the first of several.
    """
    return tuple(
        [each if each.place else replace(each, place=place) for each, place in _failing(condition, facts, context)]
    )


def _failing(
    condition: Condition, facts: Facts, context: EvaluationContext, place: Place | None = None
) -> tuple[tuple[Condition, Place | None], ...]:
    """The same, each with its place: what rows of a table share stands where the row does."""
    if holds(condition, facts, context):
        return ()
    here = condition.place or place
    match condition:
        case AllOf(conditions):
            return tuple([one for each in conditions for one in _failing(each, facts, context, here)])
        case AnyOf(TableRows() as rows):
            return _failing(rows.closest(facts, context), facts, context, here)
        case AnyOf(conditions) | InSegment(_, conditions) if conditions:
            return min((_failing(each, facts, context, here) for each in conditions), key=len)
        case _:
            return ((condition, here),)


def where(place: Place | None) -> Mapping[str, Any]:
    """A place as the JSON keys `file` and `line`."""
    return {"file": place.path if place else None, "line": place.line if place else None}


def shown_value(value: Value) -> str:
    """A normalised value as text: numbers in plain notation, instants in UTC, sets sorted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return iso(value)
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else value


def _shortened(condition: Condition, facts: Facts, context: EvaluationContext) -> Condition:
    """The condition with long lists of alternatives cut to what decides; its outcome stays."""
    if isinstance(condition, FieldTest):
        return condition
    match condition:
        case AllOf(conditions):
            short = tuple([_shortened(each, facts, context) for each in conditions])
            same = all(one is other for one, other in zip(short, conditions, strict=True))
            return condition if same else replace(condition, conditions=short)
        case AnyOf(conditions, _, text) if len(conditions) > MOST_ALTERNATIVES:
            kept, held = _deciding(conditions, facts, context)
            word = "the first that holds" if held else "the closest"
            told = f"{text[:_LONGEST_TEXT]}{' …' if len(text) > _LONGEST_TEXT else ''}"
            return AnyOf((kept,), condition.place, f"{told} ({word} of {len(conditions)} alternatives is shown)")
        case _:
            return condition


def _deciding(conditions: Sequence[Condition], facts: Facts, context: EvaluationContext) -> tuple[Condition, bool]:
    """The first alternative that holds and True, else the closest and False."""
    if isinstance(conditions, TableRows):
        closest = conditions.closest(facts, context)
        return closest, holds(closest, facts, context)
    held = next((each for each in conditions if holds(each, facts, context)), None)
    if held is not None:
        return held, True
    return min(conditions, key=lambda each: len(_failing(each, facts, context))), False


def _clause(traced: Trace, facts: Facts) -> Clause:
    seen = facts.seen.get(traced.field) if traced.field is not None else None
    return Clause(
        text=traced.text,
        place=traced.place,
        outcome=traced.outcome,
        field=traced.field,
        value=None if traced.value is None else shown_value(traced.value),
        raw=seen.raw if seen else None,
        system=seen.system.value if seen and seen.system else seen.table if seen else None,
        others=tuple([(system.value, raw) for system, raw in seen.others]) if seen and seen.others else (),
        children=tuple([_clause(child, facts) for child in traced.children]) if traced.children else (),
    )
