"""The conditions of `rules_world`'s packs in the languages of other engines: SQL, Polars, CEL and a decision table.

Only what those packs hold: anything else raises, so that nothing is compared that was not asked. Two-valued, as rules
are: an unknown answer of SQL counts as false before it is negated.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import polars as pl

from syncd.rules.conditions import AllOf, Always, AnyOf, Condition, FieldTest, Not
from syncd.rules.matching.matchers import EqualTo, Glob, InList, Interval, Matcher, Missing, StartsWith
from syncd.rules.pack import Pack


def sql_case(pack: Pack) -> str:
    """One CASE over all territories of the pack, in order."""
    arms = " ".join(f"WHEN {_sql(each.when)} THEN '{each.path}'" for each in pack.territories())
    return f"CASE {arms} END"


def polars_expression(pack: Pack) -> Any:
    """One chain of when/then over all territories, flat, as coalesce."""
    return pl.coalesce([pl.when(_polars(each.when)).then(pl.lit(each.path)) for each in pack.territories()])


def cel_text(condition: Condition) -> str:
    """A condition in the Common Expression Language."""
    match condition:
        case Always():
            return "true"
        case AllOf(conditions):
            return "(" + " && ".join(map(cel_text, conditions)) + ")"
        case AnyOf(conditions):
            return "(" + " || ".join(map(cel_text, conditions)) + ")"
        case Not(inner):
            return f"!({cel_text(inner)})"
        case FieldTest(field, _, matcher):
            return _cel(field, matcher)
    raise TypeError(type(condition).__name__)


def zen_rules(pack: Pack) -> dict[str, Any]:
    """A decision table of zen-engine: a row a territory, its condition in one cell, the first that holds wins."""
    rules = [
        {"_id": f"r{number}", "in": _zen(each.when), "out": f"'{each.path}'"}
        for number, each in enumerate(pack.territories())
    ]
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": "in", "name": "condition"}],
        "outputs": [{"id": "out", "name": "territory", "field": "territory"}],
        "rules": rules,
    }
    nodes = [
        {"id": "a", "type": "inputNode", "name": "a", "position": {"x": 0, "y": 0}},
        {"id": "b", "type": "decisionTableNode", "name": "b", "position": {"x": 1, "y": 0}, "content": content},
        {"id": "c", "type": "outputNode", "name": "c", "position": {"x": 2, "y": 0}},
    ]
    edges = [{"id": "1", "sourceId": "a", "targetId": "b"}, {"id": "2", "sourceId": "b", "targetId": "c"}]
    return {"nodes": nodes, "edges": [edge | {"type": "edge"} for edge in edges]}


def _sql(condition: Condition) -> str:
    match condition:
        case Always():
            return "1=1"
        case AllOf(conditions):
            return "(" + " AND ".join(map(_sql, conditions)) + ")"
        case AnyOf(conditions):
            return "(" + " OR ".join(map(_sql, conditions)) + ")"
        case Not(inner):
            return f"(({_sql(inner)}) IS NOT TRUE)"
        case FieldTest(field, _, matcher):
            return _sql_test(field, matcher)
    raise TypeError(type(condition).__name__)


def _sql_test(field: str, matcher: Matcher) -> str:
    match matcher:
        case EqualTo(_, value):
            return f"{field} = '{value}'"
        case InList(_, values):
            return f"{field} IN ({', '.join(repr(str(value)) for value in sorted(map(str, values)))})"
        case Interval(_, low, high):
            parts = [f"{field} >= {low}"] if low is not None else []
            return " AND ".join(parts + ([f"{field} <= {high}"] if high is not None else []))
        case Missing():
            return f"{field} IS NULL"
        case StartsWith(_, part):
            return f"substr({field}, 1, {len(part)}) = '{part}'"
        case Glob(_, pattern):
            before, part = _glob(pattern)
            return f"instr({field}, '{part}') > 0" if before else f"substr({field}, 1, {len(part)}) = '{part}'"
    raise TypeError(type(matcher).__name__)


def _polars(condition: Condition) -> Any:
    match condition:
        case Always():
            return pl.lit(True)
        case AllOf(conditions):
            return reduce(lambda one, other: one & other, map(_polars, conditions))
        case AnyOf(conditions):
            return reduce(lambda one, other: one | other, map(_polars, conditions))
        case Not(inner):
            return ~_polars(inner).fill_null(False)
        case FieldTest(field, _, matcher):
            return _polars_test(pl.col(field), matcher).fill_null(False)
    raise TypeError(type(condition).__name__)


def _polars_test(column: Any, matcher: Matcher) -> Any:
    match matcher:
        case EqualTo(_, value):
            return column == str(value)
        case InList(_, values):
            return column.is_in(sorted(map(str, values)))
        case Interval(_, low, high):
            parts = [column >= int(low)] if low is not None else []
            return reduce(lambda one, other: one & other, parts + ([column <= int(high)] if high is not None else []))
        case Missing():
            return column.is_null()
        case StartsWith(_, part):
            return column.str.starts_with(part)
        case Glob(_, pattern):
            before, part = _glob(pattern)
            return column.str.contains(part, literal=True) if before else column.str.starts_with(part)
    raise TypeError(type(matcher).__name__)


def _cel(field: str, matcher: Matcher) -> str:
    match matcher:
        case EqualTo(_, value):
            return f"{field} == '{value}'"
        case InList(_, values):
            return f"{field} in [{', '.join(repr(value) for value in sorted(map(str, values)))}]"
        case Interval(_, low, high):
            parts = [f"{field} >= {low}"] if low is not None else []
            return (
                f"({field} != null && "
                + " && ".join(parts + ([f"{field} <= {high}"] if high is not None else []))
                + ")"
            )
        case Missing():
            return f"{field} == null"
        case StartsWith(_, part):
            return f"({field} != null && {field}.startsWith('{part}'))"
        case Glob(_, pattern):
            before, part = _glob(pattern)
            return f"({field} != null && {field}.{'contains' if before else 'startsWith'}('{part}'))"
    raise TypeError(type(matcher).__name__)


def _zen(condition: Condition) -> str:
    match condition:
        case Always():
            return "true"
        case AllOf(conditions):
            return "(" + " and ".join(map(_zen, conditions)) + ")"
        case AnyOf(conditions):
            return "(" + " or ".join(map(_zen, conditions)) + ")"
        case Not(inner):
            return f"not ({_zen(inner)})"
        case FieldTest(field, _, Glob(_, pattern)):
            before, part = _glob(pattern)
            return f"({field} != null and {'contains' if before else 'startsWith'}({field}, '{part}'))"
        case FieldTest(field, _, StartsWith(_, part)):
            return f"({field} != null and startsWith({field}, '{part}'))"
        case FieldTest(field, _, matcher):
            return _cel(field, matcher).replace("&&", "and")
    raise TypeError(type(condition).__name__)


def _glob(pattern: str) -> tuple[bool, str]:
    """Whether a pattern looks anywhere in a text, or at its beginning, and for what."""
    part = pattern.strip("*")
    if not pattern.endswith("*") or "*" in part or "?" in part:
        raise ValueError(f"{pattern!r} is no pattern of rules_world")
    return pattern.startswith("*"), part
