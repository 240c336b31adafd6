"""Alternatives side by side, by field: the rows of a table, of which there may be fifty thousand.

Rows share the test of a cell that they all have, so whole columns are numbered at once and each test is looked into
once. Knows nothing of what a test means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from syncd.model.fields import FieldType
from syncd.rules.classes.identity import either
from syncd.rules.conditions import UNTESTED as UNTESTED
from syncd.rules.conditions import AllOf, CellTests, Condition, FieldTest, TableRows
from syncd.rules.matching.matchers import InList, Matcher

Row = tuple[int, ...]
"""The numbers of an alternative's predicates by field, UNTESTED where it tests none."""
Cells = tuple[tuple[Condition, ...], ...]
"""The conditions of each field, empty where there are none."""
Line = tuple[Row, Cells, tuple[Condition, ...]]
"""One alternative: its predicates by number and as they are, and its rest that reads several fields."""
Tests = tuple[FieldTest, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Alternatives, of which one must hold, and the fields that they test."""

    names: list[str]
    lines: list[Line]


def rows_of(conditions: Sequence[Condition]) -> list[Tests] | None:
    """The tests of each of two alternatives or more, if all are tests of different fields, side by side."""
    rows: list[Tests] = []
    apart: dict[tuple[str, ...], bool] = {}
    for each in conditions:
        parts: Sequence[Condition] = each.conditions if isinstance(each, AllOf) else (each,)
        tests = tuple([part for part in parts if isinstance(part, FieldTest)])
        shape = tuple([test.field for test in tests])
        if shape not in apart:
            apart[shape] = len(set(shape)) == len(shape) > 0
        if not apart[shape] or len(tests) != len(parts):
            return None
        rows.append(tests)
    return rows if len(rows) > 1 else None


def lines_of(rows: list[Tests], number: Callable[[Iterable[Condition]], int]) -> Lines:
    """The rows by field, in their order; `number` gives equal predicates equal numbers."""
    shapes: dict[tuple[str, ...], list[int]] = {}
    for place, tests in enumerate(rows):
        shapes.setdefault(tuple([test.field for test in tests]), []).append(place)
    names = sorted(set().union(*shapes))
    lines: list[tuple[int, Line]] = []
    for shape, places in shapes.items():
        columns = dict(zip(shape, zip(*[rows[place] for place in places], strict=True), strict=True))
        read = [_column(columns.get(name), len(places), number) for name in names]
        numbers = zip(*[column for column, _ in read], strict=True)
        cells = zip(*[column for _, column in read], strict=True)
        lines += zip(places, ((row, cell, ()) for row, cell in zip(numbers, cells, strict=True)), strict=True)
    lines.sort(key=lambda line: line[0])
    return Lines(names, [line for _, line in lines])


def _column(
    tests: Tests | None, count: int, number: Callable[[Iterable[Condition]], int]
) -> tuple[list[int], list[tuple[Condition, ...]]]:
    """The numbers of one field's tests, and each as a predicate of its own."""
    if tests is None:
        return [UNTESTED] * count, [()] * count
    identities = list(map(id, tests))
    distinct = {known: (test,) for known, test in zip(identities, tests, strict=True)}
    numbers = {known: number(test) for known, test in distinct.items()}
    return list(map(numbers.__getitem__, identities)), list(map(distinct.__getitem__, identities))


def united_rows(rows: TableRows) -> list[dict[str, Condition]]:
    """The rows of a table in fewer alternatives, each a condition by field: rows that differ in one field become one.

    Works on the numbers of the cells, and makes a test only of what is left: one list of ZIP codes, not ten thousand.
    """
    tested = list(rows.tested())
    lines: list[tuple[_Cell, ...]] = list(zip(*[numbers for _, numbers in tested], strict=True))
    varied = [len(set(numbers)) for _, numbers in tested]
    for place in sorted(range(len(tested)), key=lambda each: -varied[each]):
        groups: dict[tuple[_Cell, ...], dict[_Cell, None]] = {}
        for line in lines:
            cell = line[place]
            kept = line if cell == UNTESTED else line[:place] + line[place + 1 :]
            groups.setdefault(kept, {})[cell] = None
        if len(groups) < len(lines):
            lines = [_line(kept, place, tuple(cells)) for kept, cells in groups.items()]
    return [
        {
            column.field: _test_of(column, cell)
            for (column, _), cell in zip(tested, line, strict=True)
            if cell != UNTESTED
        }
        for line in lines
    ]


_Cell = int | frozenset[int]
"""The number of a cell, or those of the cells of several rows."""


def _line(kept: tuple[_Cell, ...], place: int, cells: tuple[_Cell, ...]) -> tuple[_Cell, ...]:
    if cells == (UNTESTED,):
        return kept
    if len(cells) == 1:
        return (*kept[:place], cells[0], *kept[place:])
    numbers = frozenset().union(*[cell if isinstance(cell, frozenset) else (cell,) for cell in cells])
    return (*kept[:place], numbers, *kept[place:])


def _test_of(column: CellTests, cell: _Cell) -> Condition:
    if isinstance(cell, int):
        return column.test(cell)
    values = [meaning for number in cell if not isinstance(meaning := column.meanings[number], Matcher)]
    # Amounts stay apart: they are repriced one by one for a company that is held to older rates.
    if len(values) == len(cell) and column.type is not FieldType.MONEY:
        return FieldTest(column.field, column.type, InList("", frozenset(values)))
    return either([(column.test(number),) for number in sorted(cell)])
