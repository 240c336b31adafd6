"""Tables of territories: a CSV in the place of a list, one row a condition, rows of one territory its alternatives.

Rows are tried in order. Where alternatives of a territory stand apart and cannot be drawn together without changing who
wins, the territory comes back once for each run of its rows, under the same name and path. Cells are read once however
many rows hold them: fifty thousand rows are normal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from syncd.errors import Place
from syncd.model.fields import SELF_READING_FIELDS
from syncd.rules.conditions import AllOf, Always, AnyOf, Condition, FieldTest
from syncd.rules.findings import Findings
from syncd.rules.matching.condition_parser import ConditionScope, cell_reader, parse_matcher_cell
from syncd.rules.matching.matchers import Matcher
from syncd.rules.nodes import Scalar
from syncd.rules.pack import NoOwners, Territory
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.plain_values import name as is_name
from syncd.rules.reading.row_options import ROW_OPTIONS, RowOptions
from syncd.rules.reading.row_overlap import RowOverlap, TestedRow
from syncd.rules.reading.suggestion import did_you_mean
from syncd.rules.reading.territory_options import Inherited, TerritoryOptions, build, check_leeway

_MOST_REPORTED = 10
_MOST_ROWS = 200_000
_COUNTRY_DEPENDENT = ("state", "postal_code")


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one territory that stand together."""

    name: str
    rows: list[TestedRow]


def read_table(file: Scalar, inherited: Inherited, reading: Reading) -> list[Territory]:
    """The territories of a table, in the order of their first rows; none after an error in its header."""
    sheet = reading.sheet(file)
    if sheet is None or not _check_columns(sheet, file.place, reading):
        return []
    if len(sheet.rows) > _MOST_ROWS:
        message = f"the table `{sheet.path}` has {len(sheet.rows)} rows; at most {_MOST_ROWS} are read"
        reading.findings.error("SYN267", message, file.place, "name long lists of accounts under `lists` or `owners`")
        return []
    table = _Table(sheet, inherited, reading)
    rows = [row for row in map(table.row, sheet.rows) if row is not None]
    table.report_withheld()
    if not rows and not sheet.rows:
        reading.findings.error("SYN267", f"the table `{sheet.path}` has no rows", file.place, "fill it, or remove it")
    overlap = RowOverlap(sheet, reading.findings)
    for row in rows:
        overlap.add(row)
    overlap.report()
    options = RowOptions(sheet, rows, inherited.role, reading)
    return [_territory(group, sheet, options, inherited, reading) for group in _groups(rows, overlap)]


def _check_columns(sheet: Sheet, place: Place, reading: Reading) -> bool:
    known = (*reading.catalogue.account, *ROW_OPTIONS)
    before = reading.findings.error_count
    sheet.require("territory", place, reading.findings)
    for column in sheet.columns:
        if column not in known:
            message = f"`{column[:60]}` is neither a field nor an option of a territory"
            reading.findings.error("SYN263", message, _header_place(sheet, column), did_you_mean(column, known))
        elif column in SELF_READING_FIELDS and column != "territory":
            message = f"a territory may not read `{column}`: a rule must not read its own result"
            reading.findings.error("SYN263", message, _header_place(sheet, column), "remove the column")
    return reading.findings.error_count == before


def _header_place(sheet: Sheet, column: str) -> Place:
    line = next((number for number, text in enumerate(sheet.lines, start=1) if text.strip()), 1)
    return sheet.place(Row((), line), sheet.columns.index(column))


Cells = defaultdict[str, dict[str, FieldTest | None]]
"""What the cells of one column mean, None after an error: each distinct text once, by the country it is read in."""


class _Table:
    """The rows of one table as conditions, each distinct cell read once."""

    def __init__(self, sheet: Sheet, inherited: Inherited, reading: Reading) -> None:
        fields = reading.catalogue.account
        self._sheet = sheet
        self._reading = reading
        self._scope = reading.scope(ancestors=inherited.ancestors, forbidden=SELF_READING_FIELDS)
        self._name_column = sheet.columns.index("territory")
        tested = [
            (column, sheet.columns.index(column))
            for column in sheet.columns
            if column in fields and column != "territory"
        ]
        self._fields = [
            (name, column, name in _COUNTRY_DEPENDENT, Cells(dict))
            for name, column in sorted(tested, key=lambda each: each[0] != "country")
        ]
        self._types = dict(fields)
        self._found = Findings()
        self._readers: dict[tuple[str, str], Callable[[str, Place], Matcher | None]] = {}
        self._scopes: dict[str, ConditionScope] = {"": self._scope}
        self._names: dict[str, bool] = {}
        self._reported: Counter[tuple[str, str]] = Counter()

    def row(self, row: Row) -> TestedRow | None:
        """One row as a condition; None after an error."""
        name = row.cells[self._name_column]
        if not self._is_name(name, row):
            return None
        place = Place(self._sheet.path, row.line)
        tests: list[FieldTest] = []
        country, broken = "", False
        cells = row.cells
        for field, column, depends, read in self._fields:
            text = cells[column]
            if not text:
                continue
            within = country if depends else ""
            known = read[within]
            test = known.get(text)
            if test is None:
                if text not in known:
                    test = known[text] = self._read(field, text, within, row, column)
                if test is None:
                    broken = True
                    continue
            tests.append(test)
            if field == "country":
                country = text
                if text not in self._scopes:
                    self._scopes[text] = self._below(test)
        return None if broken else TestedRow(name, row, tuple(tests), _condition(tests, place))

    def report_withheld(self) -> None:
        """One finding for each kind of problem of which only the first cells are shown."""
        for (field, code), count in sorted(self._reported.items()):
            if count > _MOST_REPORTED:
                message = f"{count - _MOST_REPORTED} more cells of the column `{field}` have this problem"
                self._reading.findings.warning(code, message, _header_place(self._sheet, field))

    def _is_name(self, name: str, row: Row) -> bool:
        if name not in self._names:
            self._names[name] = bool(name) and is_name(name) is not None
            if not self._names[name]:
                hint = "names are lower-case letters, digits and hyphens"
                message = f"`{name[:60]}` is no name of a territory" if name else "this row names no territory"
                self._reading.findings.error("SYN244", message, self._sheet.place(row, self._name_column), hint)
        return self._names[name]

    def _below(self, country: FieldTest) -> ConditionScope:
        ancestors = (*self._scope.ancestors, country)
        return self._reading.scope(ancestors=ancestors, forbidden=SELF_READING_FIELDS)

    def _read(self, field: str, text: str, within: str, row: Row, column: int) -> FieldTest | None:
        """One distinct cell as a test that all its rows share; None after an error."""
        if (field, within) not in self._readers:
            self._readers[field, within] = cell_reader(field, self._scopes[within], self._found)
        matcher = self._readers[field, within](text, Place(self._sheet.path, row.line))
        if self._found:
            self._found = Findings()
            self._readers.clear()
            self._report(field, text, within, self._sheet.place(row, column))
        return None if matcher is None else FieldTest(field, self._types[field], matcher, None, f"{field}: {text}")

    def _report(self, field: str, text: str, within: str, place: Place) -> None:
        """What is wrong with a cell, at its own place: found by reading it again, for few cells are wrong."""
        found = Findings()
        parse_matcher_cell(text, field, self._scopes[within], place, found)
        for each in found.items:
            self._reported[field, each.code] += 1
            if self._reported[field, each.code] <= _MOST_REPORTED:
                self._reading.findings.add(each.code, each.severity, each.message, each.place, each.hint)


def _condition(tests: list[FieldTest], place: Place) -> Condition:
    if not tests:
        return Always(place)
    if len(tests) == 1:
        (test,) = tests
        return FieldTest(test.field, test.type, test.matcher, place, test.text)
    return AllOf(tuple(tests), place, ", ".join(test.text for test in tests))


def _groups(rows: list[TestedRow], overlap: RowOverlap) -> list[_Group]:
    """The rows by territory: all together where no order between territories can matter, else by runs."""
    groups: list[_Group] = []
    together: dict[str, _Group] = {}
    free = overlap.keeps_territories_apart()
    for row in rows:
        group = together.get(row.territory) if free and row.tests else None
        if group is None and groups and groups[-1].name == row.territory:
            group = groups[-1]
        if group is None:
            group = _Group(row.territory, [])
            groups.append(group)
            together.setdefault(row.territory, group)
        group.rows.append(row)
    return groups


def _territory(group: _Group, sheet: Sheet, options: RowOptions, inherited: Inherited, reading: Reading) -> Territory:
    own: TerritoryOptions = options.of(group.name)
    first = group.rows[0]
    place = Place(sheet.path, first.row.line)
    if len(group.rows) == 1:
        when = first.condition
    elif not all(row.tests for row in group.rows):
        when = Always(place)
    else:
        conditions = tuple(row.condition for row in group.rows)
        when = AnyOf(conditions, place, f"{len(conditions)} rows of {sheet.path}")
    if isinstance(own.owners, NoOwners) and not options.names_owners(group.name):
        message = f"the territory `{group.name}` has no `owners` in any of its rows"
        reading.findings.error("SYN252", message, place, "fill the column `owners`")
    below = inherited.below(group.name, when, own)
    territory = build(group.name, when, own, below, place, options.text(group.name, group.rows), first.row.line)
    check_leeway(territory, place, reading)
    return territory
