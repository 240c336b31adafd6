"""Leeway: an account stays in the territory that it was last applied to while its numbers are only just outside.

RULES.md section 4: each number that the territory's own `when` tests may be outside by at most the leeway's share of
the edge, and with the numbers put on those edges the account must still end there. Knows no people, holds or picks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from syncd.model.fields import FieldType
from syncd.model.normalisation.numbers import EXACT
from syncd.rules.conditions import Condition, holds
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.tree import tree_of
from syncd.rules.deciding.tree_result import TreeResult
from syncd.rules.edges import edges_of, numbers_tested
from syncd.rules.facts import Facts
from syncd.rules.matching.repricing import repriced
from syncd.rules.pack import Territory

_JUST_BESIDE = Decimal("1E-130")
"""Less than the distance of any two numbers that can be written: `< 200` ends that little below 200."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One number put on an edge: the field, the account's own value and the edge."""

    field: str
    value: Decimal
    edge: Decimal


@dataclass(frozen=True, slots=True)
class Trial:
    """The account with some numbers on their edges, and where it would end then."""

    edges: tuple[Edge, ...]
    facts: Facts
    tree: TreeResult


@dataclass(frozen=True, slots=True)
class Leeway:
    """A territory with a leeway that the account was last applied to and does not end in by its own numbers.

    `trials` are the ways that were tried, fewest edges first; the last one is the way in which it stays, if it does.
    """

    territory: Territory
    plain: TreeResult
    trials: tuple[Trial, ...]

    @property
    def stay(self) -> Trial | None:
        """The trial that ends in the territory, or None: then the leeway does not keep the account."""
        last = self.trials[-1] if self.trials else None
        return last if last is not None and _ends_in(last.tree, self.territory) else None

    @property
    def text(self) -> str | None:
        """Why the account stays, in words; None if it does not."""
        stay = self.stay
        if stay is None:
            return None
        told = " and ".join(f"{each.field} {each.value:f} counts as its edge {each.edge:f}" for each in stay.edges)
        share = EXACT.multiply(self.territory.leeway or Decimal(0), Decimal(100)).normalize()
        return f"stays in {self.territory.path} by its leeway of {share:f}%: {told}"


def leeway_of(frame: Frame, role: str, facts: Facts, plain: TreeResult) -> Leeway | None:
    """The leeway that could keep a company where it was last applied; None if none could.

    `plain` is where it ends by its own numbers.
    """
    applied = facts.applied.get(role) if frame.lenient else None
    if applied is None or applied.territory is None:
        return None
    parts = frame.lenient.get((role, applied.territory.rpartition("/")[2]), ())
    if not parts or _ends_in(plain, parts[0]):
        return None
    trials: list[Trial] = []
    for part in parts:
        for trial in _trials(frame, role, part, facts):
            trials.append(trial)
            if _ends_in(trial.tree, part):
                return Leeway(part, plain, tuple(trials))
    return Leeway(parts[0], plain, tuple(trials))


def _ends_in(tree: TreeResult, territory: Territory) -> bool:
    return tree.territory is not None and tree.territory.path == territory.path


def _trials(frame: Frame, role: str, territory: Territory, facts: Facts) -> Iterator[Trial]:
    """The account with each choice of numbers on edges within the leeway that the territory's own `when` holds of."""
    share = territory.leeway or Decimal(0)
    places = _places(territory.when, facts, share)
    choices = [
        tuple(choice for choice in chosen if choice is not None)
        for chosen in product(*((None, *places[name]) for name in sorted(places)))
    ]
    for chosen in sorted(choices, key=len):
        if not chosen:
            continue
        moved = replace(facts, values={**facts.values, **{edge.field: value for edge, value in chosen}})
        if holds(territory.when, moved, frame.context):
            tree = tree_of(frame, role, moved)
            yield Trial(tuple(edge for edge, _ in chosen), moved, tree)


def _places(condition: Condition, facts: Facts, share: Decimal) -> dict[str, list[tuple[Edge, Decimal]]]:
    """Where each number may be put: on every edge within the share, and just past it where the edge is not included."""
    edges: dict[str, set[Decimal]] = {}
    for test in numbers_tested(condition):
        matcher = test.matcher
        if facts.rates is not None and test.type is FieldType.MONEY:
            matcher = repriced(matcher, facts.rates)
        edges.setdefault(test.field, set()).update(edges_of(matcher))
    places: dict[str, list[tuple[Edge, Decimal]]] = {}
    for name, found in edges.items():
        value = facts.values.get(name)
        if not isinstance(value, Decimal):
            continue
        near = [
            (distance, edge)
            for edge in found
            if (distance := EXACT.abs(EXACT.subtract(value, edge))) <= EXACT.multiply(share, EXACT.abs(edge))
        ]
        places[name] = [
            (Edge(name, value, edge), put) for _, edge in sorted(near) for put in _on(edge, value) if put != value
        ]
    return places


def _on(edge: Decimal, value: Decimal) -> Iterator[Decimal]:
    """A number on an edge as seen from `value`: the edge itself, and just past it."""
    yield edge
    if value >= edge:
        yield EXACT.subtract(edge, _JUST_BESIDE)
    if value <= edge:
        yield EXACT.add(edge, _JUST_BESIDE)
