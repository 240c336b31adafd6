"""Which rows of a table meet: equal ones, rows that an earlier row always beats, and whether order can matter.

Compares cells by what they match, value by value; a range or a glob is equal only to itself. So it misses some rows
that cannot win, and never accuses one that can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import compress, product
from math import prod
from operator import itemgetter

from syncd.errors import Place
from syncd.rules.conditions import UNTESTED, CellTests
from syncd.rules.findings import Findings
from syncd.rules.matching.matchers import AnyElement, AnyMatcher, EqualTo, InList, Matcher
from syncd.rules.reading.csv_reader import Sheet
from syncd.rules.reading.tested_rows import TestedRows

_MOST_COMBINATIONS = 64
_MOST_SHAPES = 64
_MOST_REPORTED = 20
_EMPTY = (UNTESTED,)

Atoms = frozenset[Hashable]
Combination = tuple[int, ...]
"""Of each column the number of one part of what a row matches there, UNTESTED for an empty cell."""
Shape = tuple[int, ...]
"""The columns that a row tests."""
Seen = dict[Hashable, int]
"""The first row of each combination, which is cut to the columns of one shape."""
Cut = Callable[[Combination], Hashable]


@dataclass(frozen=True, slots=True)
class _Column:
    """The cells of one column by number, an empty one last: all that each matches as one number, and its parts.

    `single` says that each cell matches one thing, `plain` that all are lists of values.
    """

    wholes: list[int]
    parts: list[tuple[int, ...]]
    single: bool
    plain: bool


class RowOverlap:
    """The rows of a table, each compared with all before it."""

    def __init__(self, sheet: Sheet, rows: TestedRows, findings: Findings) -> None:
        self._sheet = sheet
        self._rows = rows
        self._findings = findings
        self._columns = [_column(column) for column in rows.cells.columns]
        self._keys: list[Combination] = []
        self._distinct: bool | None = None
        self._multiple = not all(column.single for column in self._columns)
        self._windows = self._written_windows()
        self._covering: dict[Shape, list[tuple[Cut, Seen]]] = {}
        self._shapes: dict[Shape, tuple[Cut, Seen]] = {}
        self._beaten: list[tuple[int, int]] = []

    def report(self) -> None:
        """Equal conditions of two territories are errors (SYN264), rows that cannot win are warnings (SYN265).

        The first of the warnings are said one by one, the others are counted.
        """
        self._compare()
        lines = self._rows.cells.lines
        for row, winner in self._beaten[:_MOST_REPORTED]:
            message = f"this row cannot win: line {lines[winner]} takes everything that it matches"
            self._warn(row, message, "move it up, or remove it")
        if len(self._beaten) > _MOST_REPORTED:
            message = f"this row and {len(self._beaten) - _MOST_REPORTED - 1} after it cannot win either"
            self._warn(self._beaten[_MOST_REPORTED][0], message, "move them up, or remove them")

    def keeps_territories_apart(self) -> bool:
        """Whether no account can match rows of two territories, so that their rows can be drawn together safely.

        Judged by the columns that every row tests by plain values, all of them together.
        """
        if self._is_parted_by_one_column():
            return True
        nothing = (UNTESTED,) * len(self._columns)
        keys = self._side_by_side()
        rows: Sequence[int] = range(len(keys))
        if nothing in keys:
            rows = [row for row, key in enumerate(keys) if key != nothing]
        keys, names = [keys[row] for row in rows], [self._rows.territories[row] for row in rows]
        plain = [
            place
            for place, (column, tests) in enumerate(zip(self._columns, zip(*keys, strict=True), strict=False))
            if column.plain and UNTESTED not in tests
        ]
        if not plain:
            return False
        owner: dict[Hashable, str] = {}
        cut = _cut(tuple(plain))
        if not self._multiple:
            cuts = [*map(cut, keys)]
            return len({*zip(cuts, names, strict=True)}) == len({*cuts})
        for row, name in zip(rows, names, strict=True):
            parts = self._parts(row, plain)
            if prod(map(len, parts)) > _MOST_COMBINATIONS:
                return False
            for each in product(*parts):
                if owner.setdefault(cut(each), name) != name:
                    return False
        return True

    def _warn(self, row: int, message: str, hint: str) -> None:
        self._findings.warning("SYN265", message, Place(self._sheet.path, self._rows.cells.lines[row]), hint)

    def _written_windows(self) -> list[tuple[str, ...]] | None:
        """The cells of each row that say when it is in effect; None where the table has no such column."""
        names = [name for name in ("effective_from", "effective_until") if name in self._sheet.columns]
        places = [self._sheet.columns.index(name) for name in names]
        return [tuple([row.cells[place] for place in places]) for row in self._rows.rows] if places else None

    def _side_by_side(self) -> list[Combination]:
        if not self._keys:
            columns = [self._numbers(place) for place in range(len(self._columns))]
            self._keys = list(zip(*columns, strict=True)) or [()] * len(self._rows.rows)
        return self._keys

    def _numbers(self, place: int) -> Iterator[int]:
        """What each row matches in one column."""
        return map(self._columns[place].wholes.__getitem__, self._rows.cells.cells[place])

    def _is_distinct_in_one_column(self) -> bool:
        """Whether some column of plain codes has another one in each row: only a last catch-all meets any other."""
        if self._distinct is None:
            self._distinct = any(len({*codes}) == len(codes) for codes in self._codes())
        return self._distinct

    def _is_parted_by_one_column(self) -> bool:
        """Whether each code of some column stands in rows of one territory only."""
        names = self._rows.territories
        return self._is_distinct_in_one_column() or any(
            len({*zip(codes, names, strict=False)}) == len({*codes}) for codes in self._codes()
        )

    def _codes(self) -> Iterator[list[int]]:
        """The columns of plain values, one a cell, that every row tests; a last row that tests nothing is left out."""
        cells = self._rows.cells.cells
        count = len(self._rows.rows) - all(column[-1:] == _EMPTY for column in cells)
        for place in sorted(range(len(self._columns)), key=lambda place: -len(self._columns[place].wholes)):
            column = self._columns[place]
            if column.single and column.plain and UNTESTED not in cells[place][:count]:
                yield [*self._numbers(place)][:count]

    def _is_plain_and_disjoint(self) -> bool:
        """Whether no row can be equal to another or lie within it, told at once by the sets of whole shapes.

        A table of distinct codes, as most large ones are; where it cannot be told, each row is compared.
        """
        if self._is_distinct_in_one_column():
            return True
        if self._multiple or self._windows is not None or not self._columns:
            return False
        tests = [
            map(([True] * (len(column.wholes) - 1) + [False]).__getitem__, cells)
            for column, cells in zip(self._columns, self._rows.cells.cells, strict=True)
        ]
        of_shape: dict[tuple[bool, ...], list[Combination]] = defaultdict(list)
        for tested, key in zip(zip(*tests, strict=True), self._side_by_side(), strict=True):
            of_shape[tested].append(key)
        if len(of_shape) > _MOST_SHAPES or not all(map(any, of_shape)):
            return False
        for wide, above in of_shape.items():
            cut = _cut(tuple(compress(range(len(wide)), wide)))
            taken = {*map(cut, above)}
            if len(taken) < len(above):
                return False
            for narrow, below in of_shape.items():
                inside = narrow != wide and all(not tested or also for tested, also in zip(wide, narrow, strict=True))
                if inside and not taken.isdisjoint(map(cut, below)):
                    return False
        return True

    def _compare(self) -> None:
        if self._is_plain_and_disjoint():
            return
        names, windows = self._rows.territories, self._windows
        equal: dict[Hashable, int] = {}
        shapes: dict[tuple[bool, ...], Shape] = {}
        every: Shape = tuple(range(len(self._columns)))
        for row, key in enumerate(self._side_by_side()):
            window = windows[row] if windows is not None else None
            first = equal.setdefault((key, window) if window else key, row)
            if first != row and names[first] != names[row]:
                self._report_equal(row, first)
                continue
            if UNTESTED not in key:
                shape = every
            else:
                tested = tuple([number != UNTESTED for number in key])
                shape = shapes.setdefault(tested, tuple([place for place, each in enumerate(tested) if each]))
            self._place(row, key, shape, dated=window is not None and any(window))

    def _place(self, row: int, key: Combination, shape: Shape, *, dated: bool) -> None:
        """One row among those before it: beaten by them, or one that may beat later ones."""
        covering = self._covering.get(shape)
        if covering is None:
            covering = self._covering[shape] = [
                found for each, found in self._shapes.items() if set(each) <= set(shape)
            ]
        combinations = self._combinations(row, key, shape) if self._multiple else (key,)
        winner = _winner(covering, combinations)
        if winner is not None:
            self._beaten.append((row, winner))
        elif not dated and len(self._shapes) < _MOST_SHAPES:
            if shape not in self._shapes:
                self._shapes[shape] = (_cut(shape), {})
                self._covering.clear()
            cut, seen = self._shapes[shape]
            for combination in combinations:
                seen.setdefault(cut(combination), row)

    def _report_equal(self, row: int, first: int) -> None:
        names, lines = self._rows.territories, self._rows.cells.lines
        message = f"the same condition leads to {names[row]} here and to {names[first]} in line {lines[first]}"
        self._findings.error("SYN264", message, Place(self._sheet.path, lines[row]), "keep one of the two rows")

    def _combinations(self, row: int, key: Combination, places: Sequence[int]) -> Sequence[Combination]:
        """What a row matches in these columns, part by part; all of it as one where the parts are too many."""
        if not self._multiple:
            return (key,)
        parts = self._parts(row, places)
        count = prod(map(len, parts))
        if 1 < count <= _MOST_COMBINATIONS:
            return list(product(*parts))
        return (key,) if count else ()

    def _parts(self, row: int, places: Sequence[int]) -> list[tuple[int, ...]]:
        """Of each column the parts of what a row matches there; of a column that is not among the places, nothing."""
        parts: list[tuple[int, ...]] = [_EMPTY] * len(self._columns)
        for place in places:
            parts[place] = self._columns[place].parts[self._rows.cells.cells[place][row]]
        return parts


def _winner(covering: Sequence[tuple[Cut, Seen]], combinations: Iterable[Combination]) -> int | None:
    """An earlier row that beats a row, if each of its combinations is taken by an earlier one of these shapes."""
    winners: list[int] = []
    for combination in combinations:
        for cut, seen in covering:
            winner = seen.get(cut(combination))
            if winner is not None:
                winners.append(winner)
                break
        else:
            return None
    return min(winners, default=None)


def _cut(shape: Shape) -> Cut:
    """A combination cut to some of its columns."""
    return itemgetter(*shape) if shape else lambda _: ()


def _column(column: CellTests) -> _Column:
    if len({*map(type, column.meanings)} - {str}) == 0 and len({*column.meanings}) == len(column.meanings):
        count = len(column.meanings)  # nothing but different texts: a column of codes
        return _Column([*range(count), UNTESTED], [*zip(range(count)), _EMPTY], single=True, plain=True)
    numbers: dict[Hashable, int] = {}
    wholes: list[int] = []
    parts: list[tuple[int, ...]] = []
    plain = True
    for meaning in column.meanings:
        if type(meaning) is str or not isinstance(meaning, Matcher):  # the first is quick, and nearly always true
            whole = numbers.setdefault(("value", meaning), len(numbers))
            wholes.append(whole)
            parts.append((whole,))
            continue
        values = _values(meaning)
        plain = plain and values is not None
        atoms = _atoms(meaning) if values is None else [("value", value) for value in values]
        found = tuple([numbers.setdefault(each, len(numbers)) for each in atoms])
        wholes.append(found[0] if len(found) == 1 else numbers.setdefault(frozenset(atoms), len(numbers)))
        parts.append(found)
    single = all(len(each) == 1 for each in parts)
    return _Column([*wholes, UNTESTED], [*parts, _EMPTY], single, plain)


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
