"""The syntax tree of a SOQL query. Pure values; what the names mean is decided when the query is bound to an object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
class Comparison:
    """`path operator values`: several values for IN and its like; of IN a `subquery` may stand in their place."""

    path: tuple[str, ...]
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

    path: tuple[str, ...]
    descending: bool = False
    nulls_first: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. `count` is `SELECT COUNT()`; `group` is the word of `FIELDS(ALL)` and its like."""

    text: str
    object: str
    alias: str | None
    paths: tuple[tuple[str, ...], ...]
    count: bool = False
    group: str | None = None
    where: Condition | None = None
    order: tuple[OrderTerm, ...] = ()
    limit: int | None = None
    offset: int = 0
