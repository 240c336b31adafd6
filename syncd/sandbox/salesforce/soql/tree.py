"""The syntax tree of a SOQL query. Pure values; what the names mean is decided when the query is bound to an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})


class LiteralKind(StrEnum):
    """What a literal was written as."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    DATE = "date"
    DATETIME = "datetime"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: `text` with escapes resolved; of a period its upper-case name, and its `count` where it has one."""

    kind: LiteralKind
    text: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """A field path, or a function of one: `Owner.Name`, `CALENDAR_YEAR(CloseDate)`, `COUNT(Id)`."""

    path: tuple[str, ...]
    function: str | None = None

    @property
    def aggregates(self) -> bool:
        """Whether the value is of a group of rows, not of one."""
        return self.function in AGGREGATES


@dataclass(frozen=True, slots=True)
class Selected:
    """One plain item of the select list, with the alias that an aggregate query may give it."""

    term: Term
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class TypeOf:
    """`TYPEOF path WHEN Type THEN fields … ELSE fields END`."""

    path: tuple[str, ...]
    cases: Mapping[str, tuple[tuple[str, ...], ...]]
    otherwise: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`term operator values`: several values for IN and its like; of IN a `subquery` may stand in their place."""

    term: Term
    operator: str
    values: tuple[Literal, ...]
    subquery: Query | None = None


@dataclass(frozen=True, slots=True)
class Junction:
    """`AND` or `OR` of two or more conditions."""

    operator: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT` of a condition."""

    part: Condition


Condition = Comparison | Junction | Negation


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One term of ORDER BY."""

    term: Term
    descending: bool = False
    nulls_first: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. `count` is `SELECT COUNT()`; `fields` is the word of `FIELDS(ALL)` and its like.

    `children` are the subqueries of the select list: their `object` is the name of a relationship.
    """

    text: str
    object: str
    alias: str | None = None
    selected: tuple[Selected, ...] = ()
    children: tuple[Query, ...] = ()
    types: tuple[TypeOf, ...] = ()
    count: bool = False
    fields: str | None = None
    where: Condition | None = None
    grouping: tuple[Term, ...] = ()
    having: Condition | None = None
    order: tuple[OrderTerm, ...] = field(default=())
    limit: int | None = None
    offset: int = 0

    @property
    def aggregate(self) -> bool:
        """Whether the answer is of groups: GROUP BY, or an aggregate of everything."""
        return bool(self.grouping) or any(item.term.aggregates for item in self.selected)

    @property
    def objects(self) -> tuple[str, ...]:
        """The objects that the query and the subqueries of its conditions are from."""
        found = [self.object]
        pending = [part for part in (self.where,) if part is not None]
        while pending:
            match pending.pop():
                case Junction(_, parts):
                    pending.extend(parts)
                case Negation(part):
                    pending.append(part)
                case Comparison(subquery=inner) if inner is not None:
                    found.extend(inner.objects)
        return tuple(found)
