"""Which rows of a table meet: equal ones, rows that an earlier row always beats, and whether order can matter.

Compares cells by what they match, value by value; a range or a glob is equal only to itself. So it misses some rows
that cannot win, and never accuses one that can.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from itertools import product
from math import prod

from syncd.errors import Place
from syncd.rules.conditions import Condition, FieldTest
from syncd.rules.findings import Findings
from syncd.rules.matching.matchers import AnyElement, AnyMatcher, EqualTo, InList, Matcher
from syncd.rules.reading.csv_reader import Row, Sheet

_MOST_COMBINATIONS = 64
_MOST_SHAPES = 64
_MOST_REPORTED = 20

Atoms = frozenset[Hashable]
Combination = tuple[int, ...]
Shape = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one test matches, by numbers: all of it, and its parts; `plain` if those are all values."""

    field: str
    whole: int
    parts: tuple[int, ...]
    plain: bool


@dataclass(frozen=True, slots=True)
class TestedRow:
    """One row: the territory it names, and its tests as one condition."""

    __test__ = False

    territory: str
    row: Row
    tests: tuple[FieldTest, ...]
    condition: Condition


class RowOverlap:
    """The rows seen so far, each compared with all before it."""

    def __init__(self, sheet: Sheet, findings: Findings) -> None:
        self._sheet = sheet
        self._findings = findings
        self._window = [
            sheet.columns.index(name) for name in ("effective_from", "effective_until") if name in sheet.columns
        ]
        self._equal: dict[Hashable, TestedRow] = {}
        self._shapes: dict[Shape, dict[Combination, TestedRow]] = {}
        self._covering: dict[Shape, list[tuple[tuple[int, ...] | None, dict[Combination, TestedRow]]]] = {}
        self._beaten: list[tuple[TestedRow, TestedRow]] = []
        self._cells: dict[int, _Cell] = {}
        self._added: list[tuple[TestedRow, list[_Cell]]] = []
        self._numbers: dict[Hashable, int] = {}

    def add(self, row: TestedRow) -> None:
        """Compare a row with those before it. Equal conditions of two territories are an error (SYN264)."""
        # The tests of every row stand in the order of the columns, so equal conditions are equal as they stand.
        known = self._cells
        cells = [known.get(id(test)) or self._cell(test) for test in row.tests]
        self._added.append((row, cells))  # so that the ids of the tests are nobody else's
        shape = tuple([cell.field for cell in cells])
        condition = (shape, *[cell.whole for cell in cells])
        window = tuple(row.row.cells[position] for position in self._window)
        first = self._equal.setdefault((condition, window) if window else condition, row)
        if first is not row and first.territory != row.territory:
            message = (
                f"the same condition leads to {row.territory} here and to {first.territory} in line {first.row.line}"
            )
            self._findings.error("SYN264", message, Place(self._sheet.path, row.row.line), "keep one of the two rows")
            return
        combinations = _combinations(cells)
        winner = self._winner(shape, combinations)
        if winner is not None:
            self._beaten.append((row, winner))
        elif not any(window) and len(self._shapes) < _MOST_SHAPES:
            if shape not in self._shapes:
                self._shapes[shape] = {}
                self._covering.clear()
            seen = self._shapes[shape]
            for combination in combinations:
                seen.setdefault(combination, row)

    def report(self) -> None:
        """A warning (SYN265) for each row that cannot win, the first ones by name, the others counted."""
        for row, winner in self._beaten[:_MOST_REPORTED]:
            message = f"this row cannot win: line {winner.row.line} takes everything that it matches"
            self._findings.warning("SYN265", message, Place(self._sheet.path, row.row.line), "move it up, or remove it")
        if len(self._beaten) > _MOST_REPORTED:
            row = self._beaten[_MOST_REPORTED][0]
            message = f"this row and {len(self._beaten) - _MOST_REPORTED - 1} after it cannot win either"
            self._findings.warning(
                "SYN265", message, Place(self._sheet.path, row.row.line), "move them up, or remove them"
            )

    def keeps_territories_apart(self) -> bool:
        """Whether no account can match rows of two territories, so that their rows can be drawn together safely.

        Judged by the columns that every row tests by plain values, all of them together.
        """
        tested = [(row.territory, cells) for row, cells in self._added if cells]
        shapes = {tuple([cell.field for cell in cells]) for _, cells in tested}
        common = set.intersection(*map(set, shapes)) if shapes else set()
        plain = common - {cell.field for cell in self._cells.values() if not cell.plain}
        owner: dict[Combination, str] = {}
        for territory, cells in tested:
            listed = [cell.parts for cell in cells if cell.field in plain]
            if prod(map(len, listed)) > _MOST_COMBINATIONS:
                return False
            for each in product(*listed):
                if owner.setdefault(each, territory) != territory:
                    return False
        return bool(plain)

    def _winner(self, shape: Shape, combinations: list[Combination]) -> TestedRow | None:
        """An earlier row that beats this one, if each of its combinations is taken by an earlier row."""
        covering = self._covering.get(shape)
        if covering is None:
            covering = self._covering[shape] = [
                (None if each == shape else tuple(map(shape.index, each)), seen)
                for each, seen in self._shapes.items()
                if set(each) <= set(shape)
            ]
        winners: list[TestedRow] = []
        for combination in combinations:
            for positions, seen in covering:
                part = combination if positions is None else tuple([combination[position] for position in positions])
                winner = seen.get(part)
                if winner is not None:
                    winners.append(winner)
                    break
            else:
                return None
        return min(winners, key=lambda row: row.row.line, default=None)

    def _cell(self, test: FieldTest) -> _Cell:
        values = _values(test.matcher)
        parts = _atoms(test.matcher) if values is None else [("value", value) for value in values]
        numbers = tuple([self._number(each) for each in parts])
        whole = numbers[0] if len(numbers) == 1 else self._number(frozenset(parts))
        found = self._cells[id(test)] = _Cell(test.field, whole, numbers, values is not None)
        return found

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _combinations(cells: list[_Cell]) -> list[Combination]:
    count = 1
    for cell in cells:
        count *= len(cell.parts)
    if 1 < count <= _MOST_COMBINATIONS:
        return list(product(*(cell.parts for cell in cells)))
    return [tuple([cell.whole for cell in cells])] if count else []


def _atoms(matcher: Matcher) -> Atoms:
    """What a matcher matches, in parts that are equal only if they match the same."""
    values = _values(matcher)
    if values is not None:
        return frozenset(("value", value) for value in values)
    if isinstance(matcher, AnyMatcher):
        return frozenset().union(*(_atoms(item) for item in matcher.items))
    if isinstance(matcher, AnyElement):
        return frozenset(("element", value) for value in matcher.values)
    return frozenset((_identity(matcher),))


def _values(matcher: Matcher) -> Atoms | None:
    """The values that a matcher lists, None if it is no list of values of a field with one value."""
    if isinstance(matcher, EqualTo):
        return frozenset((matcher.value,))
    if isinstance(matcher, InList):
        return frozenset(matcher.values)
    if isinstance(matcher, AnyMatcher):
        parts = [_values(item) for item in matcher.items]
        return None if None in parts else frozenset().union(*(part for part in parts if part is not None))
    return None


def _identity(matcher: Matcher) -> Hashable:
    """A matcher by its kind and constants, whatever its text."""
    constants = tuple(getattr(matcher, each.name) for each in fields(matcher) if each.name != "text" and each.compare)
    return (type(matcher).__name__, *constants)
