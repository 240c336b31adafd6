"""Many conditions asked of one account at once: each field's value gives its bits, their AND is what holds.

An item is a list of conditions that all must hold (a territory's with its ancestors', or a protect rule's). Equal to
asking the plain evaluator item by item. Knows no territories, roles or windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncd.model.fields import FieldType
from syncd.model.money import MoneyTable
from syncd.rules.classes.field_classes import FieldClasses, FieldIndex, Predicate
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.terms import Term, Terms, rest_of
from syncd.rules.conditions import Condition, FieldTest, holds, walk
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext

Item = Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Unsplit:
    """A condition that only the plain evaluator answers, and the bits of the terms that need it."""

    condition: Condition
    bits: int


class ClassTable:
    """Items compiled once, for any instant. `terms` stand in the order of the items, those of one item together.

    `several` are the terms that test more than one field, `guarded` those that need more than classes.
    """

    def __init__(self, items: Sequence[Item], splitter: Terms | None = None) -> None:
        """Compile the items; a `splitter` that has seen some of them in another table has their terms ready."""
        splitter = Terms(Identities()) if splitter is None else splitter
        self.terms: list[Term] = []
        self.item_of: list[int] = []
        self.bits_of: list[int] = []
        for number, item in enumerate(items):
            terms = splitter.of(item)
            self.bits_of.append(((1 << len(terms)) - 1) << len(self.terms))
            self.terms += terms
            self.item_of += [number] * len(terms)
        self.everything = (1 << len(self.terms)) - 1
        self.several = _bits([place for place, term in enumerate(self.terms) if len(term.tests) > 1])
        self.fields = tuple(_indexes(self.terms, splitter))
        places = _places_of_rest(self.terms)
        self.unsplit = tuple(Unsplit(each, _bits(places[id(each)])) for each in rest_of(self.terms))
        self.guarded = _or(each.bits for each in self.unsplit)

    def at(self, context: EvaluationContext, alive: int | None = None) -> Answers:
        """The table at one instant; `alive` leaves out the terms of items that do not count then."""
        return Answers(self, context, self.everything if alive is None else alive)


class Answers:
    """A table at one instant: what holds of one account after the other, remembering every value met."""

    def __init__(
        self, table: ClassTable, context: EvaluationContext, alive: int, rates: MoneyTable | None = None
    ) -> None:
        self.table = table
        self.alive = alive
        self._context = context
        self._rates = rates
        self._at_rates: list[Answers] = []
        self._fields = tuple(
            (each.name, each.exact_type, each.known, each.bits)
            for each in (FieldClasses(index, context, rates) for index in table.fields)
        )

    def first(self, facts: Facts) -> int | None:
        """The number of the first item that holds, or None."""
        bits = self._possible(facts)
        while bits:
            lowest = bits & -bits
            if not lowest & self.table.guarded:
                return self.table.item_of[lowest.bit_length() - 1]
            refused = self._refused(facts, lowest)
            if refused is None:
                return self.table.item_of[lowest.bit_length() - 1]
            bits &= ~refused
        return None

    def all(self, facts: Facts) -> int:
        """The bits of every term that holds."""
        bits = self._possible(facts)
        for each in self.table.unsplit:
            if bits & each.bits and not holds(each.condition, facts, self._context):
                bits &= ~each.bits
        return bits

    def items(self, bits: int) -> Iterator[int]:
        """The numbers of the items that have any of these terms, in order."""
        last = -1
        while bits:
            lowest = bits & -bits
            item = self.table.item_of[lowest.bit_length() - 1]
            if item != last:
                yield item
            last = item
            bits ^= lowest

    def by_field(self, facts: Facts) -> Iterator[tuple[str, int]]:
        """For each field the terms that its value leaves possible."""
        if facts.rates is not None and facts.rates != self._rates:
            yield from self._priced(facts.rates).by_field(facts)
            return
        values = facts.values
        for name, exact, known, ask in self._fields:
            value = values.get(name)
            key = value if value is None or value.__class__ is exact else (value.__class__, value)
            found = known.get(key)
            yield name, ask(key, value) if found is None else found

    def unsplit(self, facts: Facts) -> Iterator[tuple[Condition, int]]:
        """For each condition outside the classes the terms that it leaves possible."""
        for each in self.table.unsplit:
            true = holds(each.condition, facts, self._context)
            yield each.condition, self.table.everything if true else self.table.everything & ~each.bits

    def _possible(self, facts: Facts) -> int:
        """The terms whose single-field predicates all hold; the hottest lines of a run."""
        if facts.rates is not None and facts.rates != self._rates:
            return self._priced(facts.rates)._possible(facts)
        bits = self.alive
        values = facts.values
        for name, exact, known, ask in self._fields:
            value = values.get(name)
            key = value if value is None or value.__class__ is exact else (value.__class__, value)
            found = known.get(key)
            bits &= ask(key, value) if found is None else found
            if not bits:
                break
        return bits

    def _priced(self, rates: MoneyTable) -> Answers:
        """The answers for companies that are held to an older table of rates; there are few such tables."""
        found = next((each for each in self._at_rates if each._rates == rates), None)
        if found is None:
            found = Answers(self.table, self._context, self.alive, rates)
            self._at_rates.append(found)
        return found

    def _refused(self, facts: Facts, term: int) -> int | None:
        """The terms that fall with the first condition of this one that does not hold, or None if all hold."""
        for each in self.table.unsplit:
            if term & each.bits and not holds(each.condition, facts, self._context):
                return each.bits
        return None


def _indexes(terms: list[Term], splitter: Terms) -> Iterator[FieldIndex]:
    places: dict[str, dict[int, list[int]]] = {}
    conditions: dict[int, tuple[Condition, ...]] = {}
    for place, term in enumerate(terms):
        for name, tests in term.tests.items():
            number = splitter.number(tests)
            conditions.setdefault(number, tests)
            places.setdefault(name, {}).setdefault(number, []).append(place)
    for name, numbers in sorted(places.items()):
        predicates = [Predicate(conditions[number], _bits(found)) for number, found in numbers.items()]
        yield FieldIndex(name, _type_of(predicates[0].conditions[0]), predicates, len(terms))


def _type_of(condition: Condition) -> FieldType:
    return next(each.type for each in walk(condition) if isinstance(each, FieldTest))


def _places_of_rest(terms: list[Term]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for place, term in enumerate(terms):
        for condition in term.rest:
            places.setdefault(id(condition), []).append(place)
    return places


def _bits(places: list[int]) -> int:
    """The number with these bits; made at once, for shifting each would copy it each time."""
    data = bytearray((max(places, default=0) >> 3) + 1)
    for place in places:
        data[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(data, "little")


def _or(parts: Iterator[int] | Sequence[int]) -> int:
    found = 0
    for each in parts:
        found |= each
    return found
