"""One tree over one book, decided again and again: after an edit, a later instant or a pull only what can be otherwise.

What is kept is what each row's values are to each predicate, whatever the place of its rule: a predicate that was asked
is not asked again. A row is decided again where a condition that is new or moved holds for it, or where the rule that
took it is gone. Equal to deciding every row by `BatchTerritories`. Knows conditions and windows; no people or picks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.columns import Codes, Columns
from syncd.rules.batch.field_codes import MOST_TABLE_BYTES, FieldCoder, FieldRows, words_of
from syncd.rules.batch.keeping import distinct
from syncd.rules.batch.reduction import NOTHING, first_bits, fold
from syncd.rules.classes.class_table import ClassTable
from syncd.rules.classes.field_classes import FieldIndex, Predicate
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.territories import Path, RoleAnswers, RoleClasses
from syncd.rules.conditions import FieldTest, walk
from syncd.rules.deciding.frame import reads_clock
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack

MOST_NEW = 64
"""Conditions that are new or moved, beyond which every row is decided again: their bits no longer fit one word."""
_MOST_FORGOTTEN = 4
"""A field is asked anew where it remembers so many times the predicates that the pack has."""
Rows = NDArray[np.int64]


class UndividedError(Exception):
    """Classes alone cannot decide this tree or book; whoever asked decides it the plain way."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a tree says of each row: `winners` are numbers of `paths`, or -1. `again` are the rows decided again."""

    paths: Sequence[Path]
    winners: Codes
    again: Rows


class _Field:
    """One field of the book: for each row its class, and for each class the predicates that are true of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: frozenset[Hashable] = frozenset()
        self.places: Codes = np.empty(0, dtype=np.int32)
        self.truths: list[frozenset[Hashable]] = []

    def ask(self, named: Mapping[Hashable, Predicate], columns: Columns, context: EvaluationContext) -> None:
        """Learn what the values are to these predicates; those that were asked before are not asked again."""
        if len(self.asked) > _MOST_FORGOTTEN * len(named):
            self.asked = frozenset()
        new = {key: each for key, each in named.items() if key not in self.asked}
        if not self.asked:
            self.places, self.truths = np.zeros(columns.count, dtype=np.int32), [frozenset()]
        if not new:
            return
        places, truths = _classes(self.name, new, columns, context)
        pairs = self.places.astype(np.int64) * len(truths) + places
        found, which = distinct(pairs, len(self.truths) * len(truths))
        split = (divmod(pair, len(truths)) for pair in found.tolist())
        self.truths = [self.truths[one] | truths[other] for one, other in split]
        self.places = which.astype(np.int32)
        self.asked |= new.keys()

    def put(self, rows: Rows, other: _Field) -> None:
        """Take what another field learned, of what the pack asks now, for the values that these rows have now."""
        self.asked = other.asked
        self.truths = [truth & other.asked for truth in self.truths]
        known = {truth: place for place, truth in enumerate(self.truths)}
        place_of = np.empty(len(other.truths), dtype=np.int32)
        for number, truth in enumerate(other.truths):
            if truth not in known:
                known[truth] = len(self.truths)
                self.truths.append(truth)
            place_of[number] = known[truth]
        self.places[rows] = place_of[other.places]

    def bits(self, named: Mapping[Hashable, Predicate], untested: int) -> list[int]:
        """For each class the terms that it leaves possible."""
        found = []
        for truth in self.truths:
            bits = untested
            for key in truth:
                predicate = named.get(key)
                if predicate is not None:
                    bits |= predicate.bits
            found.append(bits)
        return found


class LiveTerritories:
    """One role's tree over one book, kept ready for the next edit."""

    def __init__(self, role: str, columns: Columns) -> None:
        self._role = role
        self._columns = columns
        self._identities = Identities()
        self._fields: dict[str, _Field] = {}
        self._keys: list[Hashable] = []
        self._terms: Codes = np.full(columns.count, NOTHING, dtype=np.int32)
        self._tables: dict[str, list[int]] = {}
        self._width = 0
        self._last: tuple[RoleClasses, EvaluationContext] | None = None

    def decide(self, pack: Pack, context: EvaluationContext) -> Settlement:
        """What the tree of this pack says of every row, at this instant.

        Raises UndividedError for a tree with conditions that classes cannot answer, and for tables that are too large.
        """
        self._last = None
        classes = RoleClasses(pack.roles.get(self._role, ()))
        table = classes.table
        if table.guarded:
            raise UndividedError("the tree asks what classes cannot answer")
        alive = RoleAnswers(classes, context).answers.alive
        named = {index.name: self._named(index, context) for index in table.fields}
        for index in table.fields:
            self._fields.setdefault(index.name, _Field(index.name)).ask(named[index.name], self._columns, context)
        self._tables = {
            index.name: self._fields[index.name].bits(named[index.name], index.untested) for index in table.fields
        }
        self._width = len(table.terms)
        if sum(map(len, self._tables.values())) * self._width > MOST_TABLE_BYTES * 8:
            raise UndividedError("the tables of this tree would be too large")
        keys = self._keys_of(table, classes, named)
        again = self._decide(keys, alive)
        self._last = (classes, context)
        return Settlement(classes.paths, self._items(table), again)

    def put(self, rows: Rows, some: Columns, whole: Columns) -> Settlement:
        """The same after these rows have the values of `some`, and all those of `whole`; pack and instant are the last.

        Raises UndividedError where the last tree could not be decided.
        """
        if self._last is None:
            raise UndividedError("no tree was decided yet")
        classes, context = self._last
        self._columns = whole
        self._fields = {index.name: self._fields[index.name] for index in classes.table.fields}
        for index in classes.table.fields:
            named, other = self._named(index, context), _Field(index.name)
            other.ask(named, some, context)
            self._fields[index.name].put(rows, other)
            self._tables[index.name] = self._fields[index.name].bits(named, index.untested)
        self._terms[rows] = self._first(rows, RoleAnswers(classes, context).answers.alive)
        return Settlement(classes.paths, self._items(classes.table), rows)

    def _named(self, index: FieldIndex, context: EvaluationContext) -> dict[Hashable, Predicate]:
        """The predicates of a field by what they ask; one that reads the clock is another at each instant."""
        found: dict[Hashable, Predicate] = {}
        for each in index.predicates:
            number = self._identities.predicate(each.conditions)
            clocked = any(map(reads_clock, each.conditions))
            found[(number, context.now, context.zone.key) if clocked else number] = each
        return found

    def _keys_of(
        self, table: ClassTable, classes: RoleClasses, named: Mapping[str, Mapping[Hashable, Predicate]]
    ) -> list[Hashable]:
        """What each term is, whatever its place: its territory and what it asks; equal ones are told apart by count."""
        key_of = {
            (name, place): key
            for name, predicates in named.items()
            for key, each in predicates.items()
            for place in _places_of(each.bits)
        }
        counts: Counter[Hashable] = Counter()
        found: list[Hashable] = []
        for place, term in enumerate(table.terms):
            tests = frozenset((name, key_of[name, place]) for name in term.tests)
            key = (classes.paths[table.item_of[place]][-1].path, tests)
            counts[key] += 1
            found.append((*key, counts[key]))
        return found

    def _decide(self, keys: list[Hashable], alive: int) -> Rows:
        """Decide the rows that can be otherwise, and number the terms anew for all others."""
        old = {key: place for place, key in enumerate(self._keys)}
        living = [place for place in range(len(keys)) if alive >> place & 1]
        stayed = _in_order([(old[keys[place]], place) for place in living if keys[place] in old])
        place_of = np.full(len(self._keys) + 1, NOTHING, dtype=np.int32)
        for before, place in stayed:
            place_of[before] = place
        gone = place_of == NOTHING
        gone[NOTHING] = False  # a row that nothing took is decided again only where something new holds for it
        new = sorted(set(living) - {place for _, place in stayed})
        first = not self._keys or len(new) > MOST_NEW
        again = np.arange(self._columns.count) if first else np.flatnonzero(self._met(new) | gone[self._terms])
        self._keys = [key if alive >> place & 1 else None for place, key in enumerate(keys)]
        self._terms = place_of[self._terms]
        self._terms[again] = self._first(again, alive)
        return again

    def _met(self, terms: Sequence[int]) -> NDArray[np.bool_]:
        """The rows for which some of a few terms hold."""
        if not terms:
            return np.zeros(self._columns.count, dtype=np.bool_)
        every = (1 << len(terms)) - 1
        found: NDArray[np.uint64] | None = None
        for name, rows in self._tables.items():
            few = [sum((bits >> term & 1) << place for place, term in enumerate(terms)) for bits in rows]
            if all(bits == every for bits in few):
                continue
            left = np.array(few, dtype=np.uint64)[self._fields[name].places]
            found = left if found is None else found & left
        return np.ones(self._columns.count, dtype=np.bool_) if found is None else found != 0

    def _first(self, rows: Rows, alive: int) -> Codes:
        whole = len(rows) == self._columns.count
        fields = []
        for name, bits in self._tables.items():
            places = self._fields[name].places
            fields.append(FieldRows(words_of(bits, self._width), places if whole else places[rows]))
        return first_bits(fold(fields, len(rows), self._width, words_of([alive], self._width)[0]))

    def _items(self, table: ClassTable) -> Codes:
        return np.array([*table.item_of, NOTHING], dtype=np.int32)[self._terms]


def _classes(
    name: str, named: Mapping[Hashable, Predicate], columns: Columns, context: EvaluationContext
) -> tuple[Codes, list[frozenset[Hashable]]]:
    """The classes of a column by these predicates alone: each row's, and which are true of each."""
    predicates = [Predicate(each.conditions, 1 << place) for place, each in enumerate(named.values())]
    type_ = next(each.type for each in walk(predicates[0].conditions[0]) if isinstance(each, FieldTest))
    coder = FieldCoder(FieldIndex(name, type_, predicates, len(predicates)), context, len(predicates))
    found = coder.rows(columns.by_field.get(name), columns.count)
    if found is None:
        raise UndividedError(f"the table of {name} would be too large")
    keys = list(named)
    return found.places, [frozenset(keys[place] for place in _places_of(bits)) for bits in coder.bits]


def _places_of(bits: int) -> list[int]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def _in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of these pairs, sorted by the second, whose first grow, too: the terms that did not move."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (first, _) in enumerate(pairs):
        place = bisect_left(ends, first)
        before.append(last[place - 1] if place else -1)
        if place == len(ends):
            ends.append(first)
            last.append(number)
        else:
            ends[place], last[place] = first, number
    found = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
