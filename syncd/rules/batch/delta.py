"""One tree over one book, decided again and again: after an edit, a later instant or a pull only what can be otherwise.

What is kept is what each row's values are to each predicate, whatever the place of its rule: a predicate that was asked
is not asked again. Where a condition that is new or moved holds for a row, the first of those and of the rule that took
it takes it now; where that rule is gone, the row is decided again. Equal to deciding every row by `BatchTerritories`.
Knows conditions and windows; no people or picks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from syncd.rules.batch.columns import Codes, Columns
from syncd.rules.batch.field_codes import MOST_TABLE_BYTES, FieldCoder, FieldRows, Words, words_of
from syncd.rules.batch.keeping import distinct
from syncd.rules.batch.reduction import NOTHING, first_bits, fold, unfolded
from syncd.rules.classes.class_table import ClassTable
from syncd.rules.classes.field_classes import FieldIndex, Predicate
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.terms import Term
from syncd.rules.classes.territories import PackClasses, Path, RoleClasses
from syncd.rules.conditions import Condition, FieldTest, walk
from syncd.rules.deciding.frame import reads_clock
from syncd.rules.matching.time_window import EvaluationContext, local_day

MOST_NEW = 64
"""Conditions that are new or moved, beyond which every row is decided again: their bits no longer fit one word."""
_MOST_FORGOTTEN = 4
"""A field is asked anew where it remembers so many times the predicates that the pack has."""
_FEW = 20_000
"""For fewer rows, making one table of several fields costs more than it saves."""
Rows = NDArray[np.int64]


class UndividedError(Exception):
    """Classes alone cannot decide this tree or book; whoever asked decides it the plain way."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a tree says of each row: `winners` are numbers of `paths`, or -1. `again` are the rows decided again."""

    paths: Sequence[Path]
    winners: Codes
    again: Rows


def elsewhere(before: Settlement, now: Settlement) -> Rows:
    """The rows of one book whose territory has another path than before; rows that are new since are not among them."""
    number_of = {path[-1].path: number for number, path in enumerate(now.paths)}
    same = np.array([*(number_of.get(path[-1].path, -2) for path in before.paths), NOTHING], dtype=np.int32)
    return np.flatnonzero(same[before.winners] != now.winners[: len(before.winners)])


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

    def grow(self, count: int) -> None:
        """Make room for so many rows; what the new ones hold is put there next."""
        self.places = np.append(self.places, np.zeros(count - len(self.places), dtype=np.int32))

    def put(self, rows: Rows, found: Sequence[frozenset[Hashable]], places: Codes, asked: frozenset[Hashable]) -> None:
        """Take what was found of the values that these rows have now; what was asked beside that is forgotten."""
        if self.asked != asked:
            self.asked, self.truths = asked, [truth & asked for truth in self.truths]
        known = {truth: place for place, truth in enumerate(self.truths)}
        for truth in found:
            if truth not in known:
                known[truth] = len(self.truths)
                self.truths.append(truth)
        self.places[rows] = np.array([known[truth] for truth in found], dtype=np.int32)[places]

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


class _Asked:
    """What conditions ask, as keys that are equal where the question is; those of the last trees are remembered."""

    def __init__(self) -> None:
        self._identities = Identities()
        self._known: dict[int, tuple[tuple[Condition, ...], int, bool]] = {}
        self._terms: dict[int, tuple[Term, frozenset[Hashable]]] = {}

    def make_room(self, terms: int) -> None:
        """Forget what is remembered of terms that no tree may have any more, where that is most of it."""
        if len(self._terms) > _MOST_FORGOTTEN * terms:
            self._terms.clear()
            self._known.clear()

    def key(self, conditions: tuple[Condition, ...], context: EvaluationContext) -> Hashable:
        """What these ask of their field; where they read the clock, another at each instant."""
        known = self._known.get(id(conditions))
        if known is None or known[0] is not conditions:
            number, clocked = self._identities.predicate(conditions), any(map(reads_clock, conditions))
            known = self._known[id(conditions)] = (conditions, number, clocked)
        return (known[1], context) if known[2] else known[1]

    def tests(self, term: Term, context: EvaluationContext) -> frozenset[Hashable]:
        """What a term asks of its fields."""
        known = self._terms.get(id(term))
        if known is not None and known[0] is term:
            return known[1]
        found: frozenset[Hashable] = frozenset([(name, self.key(each, context)) for name, each in term.tests.items()])
        if not any(self._known[id(each)][2] for each in term.tests.values()):
            self._terms[id(term)] = (term, found)
        return found


@dataclass(slots=True)
class _Tree:
    """The tree that was decided last: its terms, what each field asks, and the coders of values that come later."""

    classes: RoleClasses
    context: EvaluationContext
    alive: int
    named: Mapping[str, Mapping[Hashable, Predicate]]
    coders: dict[str, FieldCoder] = field(default_factory=dict)

    @property
    def table(self) -> ClassTable:
        """Its terms."""
        return self.classes.table

    def coder(self, index: FieldIndex) -> FieldCoder:
        """Asks values of one field, and remembers those met."""
        if index.name not in self.coders:
            self.coders[index.name] = FieldCoder(index, self.context, len(self.table.terms))
        return self.coders[index.name]


class LiveTerritories:
    """One role's tree over one book, kept ready for the next edit. No row is held to older rates."""

    def __init__(self, role: str, columns: Columns) -> None:
        self._role = role
        self._columns = columns
        self._asked = _Asked()
        self._fields: dict[str, _Field] = {}
        self._keys: list[Hashable] = []
        self._terms: Codes = np.full(columns.count, NOTHING, dtype=np.int32)
        self._bits: dict[str, list[int]] = {}
        self._words: dict[str, Words] = {}
        self._last: _Tree | None = None

    def decide(self, classes: PackClasses, context: EvaluationContext) -> Settlement:
        """What the tree of this pack says of every row, at this instant.

        Raises UndividedError for a tree with conditions that classes cannot answer, and for tables that are too large.
        """
        role, last = classes.role(self._role), self._last
        if role.table.guarded:
            raise UndividedError("the tree asks what classes cannot answer")
        alive = role.alive(local_day(context.now, context.zone))
        if last is not None and last.classes is role and last.alive == alive and not role.clocked:
            return Settlement(role.paths, self._items(last), np.empty(0, dtype=np.int64))
        self._last = None
        self._asked.make_room(len(role.table.terms))
        named = {index.name: self._named(index, context) for index in role.table.fields}
        tree = _Tree(role, context, alive, named)
        self._bits, self._words = {}, {}
        for index in role.table.fields:
            field = self._fields.setdefault(index.name, _Field(index.name))
            field.ask(named[index.name], self._columns, context)
            self._bits[index.name] = field.bits(named[index.name], index.untested)
        self._check_size(tree)
        again = self._decide(tree)
        self._last = tree
        return Settlement(role.paths, self._items(tree), again)

    def put(self, rows: Rows, some: Columns, whole: Columns) -> Settlement:
        """The same after these rows have the values of `some`, and all those of `whole`; pack and instant are the last.

        `whole` may have more rows than before: all of those that are new are among `rows`.

        Raises UndividedError where the last tree could not be decided.
        """
        tree = self._last
        if tree is None:
            raise UndividedError("no tree was decided yet")
        self._columns = whole
        self._fields = {name: self._fields[name] for name in tree.named}
        if whole.count > len(self._terms):
            self._terms = np.append(self._terms, np.full(whole.count - len(self._terms), NOTHING, dtype=np.int32))
            for each in self._fields.values():
                each.grow(whole.count)
        for index in tree.table.fields:
            named, coder, field = tree.named[index.name], tree.coder(index), self._fields[index.name]
            found = coder.rows(some.by_field.get(index.name), some.count)
            if found is None:
                raise UndividedError(f"the table of {index.name} would be too large")
            truths = [frozenset(key for key, each in named.items() if each.bits & bits) for bits in coder.bits]
            before = field.truths
            field.put(rows, truths, found.places, frozenset(named))
            if field.truths is not before or len(field.truths) != len(self._bits[index.name]):
                self._bits[index.name] = field.bits(named, index.untested)
                self._words.pop(index.name, None)
        self._check_size(tree)
        self._terms[rows] = self._first(rows, tree)
        return Settlement(tree.classes.paths, self._items(tree), rows)

    def _check_size(self, tree: _Tree) -> None:
        """UndividedError where the bits of all classes would take too much room as words."""
        if sum(map(len, self._bits.values())) * len(tree.table.terms) > MOST_TABLE_BYTES * 8:
            raise UndividedError("the tables of this tree would be too large")

    def _named(self, index: FieldIndex, context: EvaluationContext) -> dict[Hashable, Predicate]:
        """The predicates of a field by what they ask; one that reads the clock is another at each instant."""
        return {self._asked.key(each.conditions, context): each for each in index.predicates}

    def _keys_of(self, tree: _Tree) -> list[Hashable]:
        """What each term is, whatever its place: its territory and what it asks; equal ones are told apart by count."""
        counts: dict[Hashable, int] = {}
        found: list[Hashable] = []
        paths = tree.classes.paths
        for item, term in zip(tree.table.item_of, tree.table.terms, strict=True):
            key = (paths[item][-1].path, self._asked.tests(term, tree.context))
            counts[key] = count = counts.get(key, 0) + 1
            found.append((key, count))
        return found

    def _decide(self, tree: _Tree) -> Rows:
        """Decide the rows that can be otherwise, and number the terms anew for all others."""
        keys, alive = self._keys_of(tree), _flags(tree.alive, len(tree.table.terms))
        old = {key: place for place, key in enumerate(self._keys)}
        living = np.flatnonzero(alive).tolist()
        stayed = _in_order([(old[keys[place]], place) for place in living if keys[place] in old])
        place_of = np.full(len(self._keys) + 1, NOTHING, dtype=np.int32)
        for before, place in stayed:
            place_of[before] = place
        gone = place_of == NOTHING
        gone[NOTHING] = False  # a row that nothing took is decided again only where something new holds for it
        new = np.array(sorted(set(living) - {place for _, place in stayed}), dtype=np.int32)
        first = not self._keys or len(new) > MOST_NEW
        self._keys = [key if lives else None for key, lives in zip(keys, alive.tolist(), strict=True)]
        if first:
            again = np.arange(self._columns.count)
            self._terms = self._first(again, tree)
            return again
        met, lost = self._met(new.tolist()), gone[self._terms]
        self._terms = place_of[self._terms]
        rows, left = np.flatnonzero(met), np.flatnonzero(lost)
        found, was = new[_lowest(met[rows])], self._terms[rows]
        self._terms[rows] = np.where(was == NOTHING, found, np.minimum(was, found))
        if len(left):
            self._terms[left] = self._first(left, tree)
        return np.flatnonzero(lost | (met != 0))

    def _met(self, terms: Sequence[int]) -> Words:
        """For each row which of a few terms hold: a bit for each, in their order."""
        every = (1 << len(terms)) - 1
        found: Words | None = None
        for name, rows in self._bits.items():
            few = [sum((bits >> term & 1) << place for place, term in enumerate(terms)) for bits in rows]
            if all(bits == every for bits in few):
                continue
            left = np.array(few, dtype=np.uint64)[self._fields[name].places]
            found = left if found is None else np.bitwise_and(found, left, out=found)
        return np.full(self._columns.count, every, dtype=np.uint64) if found is None else found

    def _first(self, rows: Rows, tree: _Tree) -> Codes:
        width, whole = len(tree.table.terms), len(rows) == self._columns.count
        fields = []
        for name, bits in self._bits.items():
            if name not in self._words:
                self._words[name] = words_of(bits, width)
            places = self._fields[name].places
            fields.append(FieldRows(self._words[name], places if whole else places[rows]))
        alive = words_of([tree.alive], width)
        if len(rows) >= _FEW:
            return first_bits(fold(fields, len(rows), width, alive[0]))
        tables = (alive, *(each.table for each in fields))
        of_rows = (np.zeros(len(rows), dtype=np.int64), *(each.places.astype(np.int64) for each in fields))
        return first_bits(unfolded(tables, of_rows, len(rows), width))

    def _items(self, tree: _Tree) -> Codes:
        return np.array([*tree.table.item_of, NOTHING], dtype=np.int32)[self._terms]


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


def _flags(bits: int, width: int) -> NDArray[np.bool_]:
    data = np.frombuffer(bits.to_bytes(width // 8 + 1, "little"), dtype=np.uint8)
    return np.unpackbits(data, bitorder="little")[:width].astype(np.bool_)


def _places_of(bits: int) -> list[int]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def _lowest(bits: Words) -> Codes:
    """The place of the lowest bit of each of these words, of which none is 0."""
    return np.bitwise_count((bits & (~bits + np.uint64(1))) - np.uint64(1)).astype(np.int32)


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
