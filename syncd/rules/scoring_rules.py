"""What `score` and `lifecycle` of a pack say, as frozen values; `rules.scoring` applies them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from syncd.errors import Place
from syncd.rules.conditions import Condition, FieldTest

Curve = tuple[tuple[Decimal, Decimal], ...]
"""Points (value, score) with rising values: straight lines between them, flat outside."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score: either a field on a curve, or points where a condition holds.

    `test` is the condition; for a curve it says whether the field has a value, without which the part is 0.
    """

    name: str
    place: Place
    test: Condition
    field: str | None = None
    curve: Curve = ()
    points: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Band:
    """A named range of scores, as a test of the field `score`."""

    name: str
    place: Place
    test: FieldTest


@dataclass(frozen=True, slots=True)
class Scoring:
    """The section `score`: its components and bands in the order written."""

    place: Place
    components: tuple[Component, ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One entry of `lifecycle`."""

    name: str
    place: Place
    when: Condition
