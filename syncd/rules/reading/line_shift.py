"""Lines of a file that moved: what was read from them, the same in every word, so many lines further on.

Copies only what holds such a place, frozen records and what they are made of. Knows no meaning of any: what it was not
told about it refuses, and that is read anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, cast

from syncd.errors import Place
from syncd.rules.conditions import TableRows
from syncd.rules.matching.matchers import Matcher

T = TypeVar("T")
_PLACELESS = (str, int, Decimal, date, datetime, time, NoneType, Enum, frozenset, Matcher, TableRows)
"""What holds no place in a file of YAML: matchers are values and what to do with them, rows stand in their CSV file."""
_PLACELESS_WORDS = {
    "str",
    "int",
    "bool",
    "Decimal",
    "date",
    "datetime",
    "None",
    "tuple",
    "Mapping",
    "FieldType",
    "Matcher",
}
"""The same, as a field of a record is annotated."""


class UnmovableError(Exception):
    """A value of a kind that nobody said how to move."""


@dataclass(frozen=True, slots=True)
class LineShift:
    """The lines of a file from `first` on stand `by` lines further down, or up where it is below zero."""

    path: str
    first: int
    by: int

    def moved(self, value: T) -> T:
        """The same value with its places moved; that very object where it has none among those lines.

        Raises UnmovableError for values of a make that is not known.
        """
        return cast("T", self._moved(value)) if self.by and value else value

    def _moved(self, value: Any) -> Any:
        kind: Any = type(value)
        if kind is Place:
            return self._place(value)
        if kind is tuple:
            return self._tuple(value)
        return _way(kind)(self, value)

    def _place(self, place: Place) -> Place:
        if place.line < self.first or place.path != self.path:
            return place
        return Place(place.path, place.line + self.by, place.column)

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        found = tuple(map(self._moved, value))
        return value if all(map(_is, found, value)) else found


def _is(one: object, other: object) -> bool:
    return one is other


def _kept(_shift: LineShift, value: Any) -> Any:
    return value


def _list(shift: LineShift, value: list[Any]) -> list[Any]:
    found = list(map(shift._moved, value))
    return value if all(map(_is, found, value)) else found


def _mapping(shift: LineShift, value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    found = {shift._moved(key): shift._moved(each) for key, each in value.items()}
    same = all(key is other and found[key] is value[other] for key, other in zip(found, value, strict=True))
    return value if same else MappingProxyType(found)


def _record(kind: type) -> Callable[[LineShift, Any], Any]:
    annotated = {each.name: set(re.findall(r"\w+", str(each.type))) for each in fields(kind)}
    placeless = tuple(name for name, words in annotated.items() if words <= _PLACELESS_WORDS)
    names = tuple(name for name in annotated if name not in placeless)

    def move(shift: LineShift, value: Any) -> Any:
        before = [getattr(value, name) for name in names]
        found = [each and shift._moved(each) for each in before]  # most say nothing
        if all(map(_is, found, before)):
            return value
        made: Any = object.__new__(kind)
        for name, each in zip(names, found, strict=True):
            object.__setattr__(made, name, each)
        for name in placeless:
            object.__setattr__(made, name, getattr(value, name))
        return made

    return move if names else _kept


@lru_cache(maxsize=256)
def _way(kind: type) -> Callable[[LineShift, Any], Any]:
    """How values of a kind are moved."""
    if issubclass(kind, _PLACELESS):
        return _kept
    if issubclass(kind, list):
        return _list
    if issubclass(kind, dict | MappingProxyType):
        return _mapping
    if is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return _record(kind)
    raise UnmovableError(kind.__name__)
