"""Matchers: what a rule says about one field's value. Each sees that value, constants and `now`, nothing else.

Matchers are frozen values, so that an evaluator of classes may call them on representatives. A missing value is None
and makes every matcher false but those that ask for it. Nothing here knows of fields, records or files.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from syncd.rules.facts import Value
from syncd.rules.matching.time_window import EvaluationContext, earliest


@dataclass(frozen=True, slots=True)
class Matcher(ABC):
    """A test of one value; `text` is the matcher as written in the pack."""

    text: str

    @abstractmethod
    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """Whether the matcher is true of the value; None is a missing one."""

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:  # noqa: ARG002
        """The next instant after `now` at which time alone could change the answer; None if it never does."""
        return None


@dataclass(frozen=True, slots=True)
class Missing(Matcher):
    """There is no value."""

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of None."""
        return value is None


@dataclass(frozen=True, slots=True)
class Present(Matcher):
    """There is a value."""

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of anything but None."""
        return value is not None


@dataclass(frozen=True, slots=True)
class EqualTo(Matcher):
    """The value is exactly this one, after normalisation."""

    value: Value

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of an equal value."""
        return value == self.value


@dataclass(frozen=True, slots=True)
class InList(Matcher):
    """The value is one of these; `list_name` says which named list they come from."""

    values: frozenset[Value]
    list_name: str | None = None

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a value among them."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class NoneOf(Matcher):
    """There is a value and it is none of these; `!= x` is one of these too."""

    values: frozenset[Value]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a value that is not among them."""
        return value is not None and value not in self.values


@dataclass(frozen=True, slots=True)
class Interval(Matcher):
    """A number or an amount between two bounds; None is an open end, `*_included` says whether the bound belongs."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_included: bool = True
    high_included: bool = True

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a number inside."""
        if not isinstance(value, Decimal):
            return False
        if self.low is not None and (value < self.low or (value == self.low and not self.low_included)):
            return False
        return self.high is None or value < self.high or (value == self.high and self.high_included)


@dataclass(frozen=True, slots=True)
class PostalRange(Matcher):
    """Postal codes of digits, as many as both ends have, between the two ends."""

    low: str
    high: str

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a code of that length inside."""
        return (
            isinstance(value, str)
            and len(value) == len(self.low)
            and value.isascii()
            and value.isdigit()
            and self.low <= value <= self.high
        )


@dataclass(frozen=True, slots=True)
class Glob(Matcher):
    """`*` stands for any characters, `?` for one; `pattern` is normalised like the value."""

    pattern: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re.compile(_glob_expression(self.pattern), re.DOTALL))

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a text that the whole pattern describes."""
        return isinstance(value, str) and self._compiled.fullmatch(value) is not None


def _glob_expression(pattern: str) -> str:
    """The expression of a glob; the parts between stars are atomic, so that no text makes it slow."""
    first, *rest = ("".join("." if char == "?" else re.escape(char) for char in part) for part in pattern.split("*"))
    if not rest:
        return first
    return first + "".join(f"(?>.*?{part})" for part in rest[:-1] if part) + ".*" + rest[-1]


@dataclass(frozen=True, slots=True)
class Contains(Matcher):
    """The text holds this part."""

    part: str

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a text with the part anywhere in it."""
        return isinstance(value, str) and self.part in value


@dataclass(frozen=True, slots=True)
class StartsWith(Matcher):
    """The text begins with this part."""

    part: str

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a text that begins so."""
        return isinstance(value, str) and value.startswith(self.part)


@dataclass(frozen=True, slots=True)
class EndsWith(Matcher):
    """The text ends with this part."""

    part: str

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a text that ends so."""
        return isinstance(value, str) and value.endswith(self.part)


def _elements(value: Value | None) -> frozenset[Value]:
    """The elements of a field with several values; one value alone counts as a set of one."""
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, frozenset) else frozenset((value,))


@dataclass(frozen=True, slots=True)
class AnyElement(Matcher):
    """Some element of a field with several values (or some id of a company) is one of these."""

    values: frozenset[Value]
    list_name: str | None = None

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a set that shares an element with these."""
        return not self.values.isdisjoint(_elements(value))


@dataclass(frozen=True, slots=True)
class AllElements(Matcher):
    """Every one of these is an element of the field."""

    values: frozenset[Value]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a set that holds all of these."""
        return value is not None and self.values <= _elements(value)


@dataclass(frozen=True, slots=True)
class NoElement(Matcher):
    """There is a value, an empty set included, and no element of it is one of these."""

    values: frozenset[Value]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a set that shares nothing with these."""
        return value is not None and self.values.isdisjoint(_elements(value))


@dataclass(frozen=True, slots=True)
class InTerritory(Matcher):
    """The territory last applied is one of these, by name or path, or lies below one; `negated` is `!=` and none_of."""

    territories: frozenset[str]
    negated: bool = False

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a path at or below one of the territories."""
        if not isinstance(value, str):
            return False
        names = value.split("/")
        paths = {"/".join(names[: count + 1]) for count in range(len(names))}
        return self.territories.isdisjoint(paths | set(names)) is self.negated


@dataclass(frozen=True, slots=True)
class AnyMatcher(Matcher):
    """A list: any item is true."""

    items: tuple[Matcher, ...]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True if one of the items is."""
        return any(item.matches(value, context) for item in self.items)

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """The earliest change of any item."""
        return earliest(item.next_change(value, context) for item in self.items)


@dataclass(frozen=True, slots=True)
class AllMatchers(Matcher):
    """Several keys in one mapping: all must hold."""

    items: tuple[Matcher, ...]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True if all of the items are."""
        return all(item.matches(value, context) for item in self.items)

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """The earliest change of any item."""
        return earliest(item.next_change(value, context) for item in self.items)
