"""Tables of territories: a CSV in the place of a list, one row a condition, rows of one territory its alternatives.

Rows are tried in order. Where alternatives of a territory stand apart and cannot be drawn together without changing who
wins, the territory comes back once for each run of its rows, under the same name and path. Columns are read, not rows:
a cell is read once however many rows hold it, for fifty thousand rows are normal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from syncd.errors import Place
from syncd.model.fields import SELF_READING_FIELDS
from syncd.rules.conditions import UNTESTED, Always, AnyOf, CellTests, Condition, TableCells, TableRows
from syncd.rules.facts import Value
from syncd.rules.findings import Findings
from syncd.rules.matching.matchers import EqualTo, Matcher
from syncd.rules.nodes import Scalar
from syncd.rules.pack import NoOwners, Territory
from syncd.rules.parsing.condition_parser import CellReader, ConditionScope, parse_matcher_cell
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.plain_values import name as is_name
from syncd.rules.reading.row_options import ROW_OPTIONS, RowOptions
from syncd.rules.reading.row_overlap import RowOverlap
from syncd.rules.reading.territory_options import Inherited, TerritoryOptions, build, check_leeway
from syncd.rules.reading.tested_rows import TestedRows
from syncd.rules.suggestion import did_you_mean

_MOST_REPORTED = 10
_MOST_ROWS = 200_000
_COUNTRY_DEPENDENT = ("state", "postal_code")
_BROKEN = -2
"""The number of a cell that cannot be read."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one territory that stand together, by their numbers, and of each whether it tests anything."""

    name: str
    rows: list[int]
    is_tested: list[bool]


def read_table(file: Scalar, inherited: Inherited, reading: Reading) -> list[Territory]:
    """The territories of a table, in the order of their first rows; none after an error in its header."""
    sheet = reading.sheet(file, 2 * _MOST_ROWS)  # a row may have several lines
    if sheet is None or not _check_columns(sheet, file.place, reading):
        return []
    if len(sheet.rows) > _MOST_ROWS:
        message = f"the table `{sheet.path}` has {len(sheet.rows):,} rows; at most {_MOST_ROWS:,} are read"
        reading.findings.error("SYN267", message, file.place, "name long lists of accounts under `lists` or `owners`")
        return []
    if not sheet.rows:
        reading.findings.error("SYN267", f"the table `{sheet.path}` has no rows", file.place, "fill it, or remove it")
    rows = _Table(sheet, inherited, reading).rows()
    overlap = RowOverlap(sheet, rows, reading.findings)
    overlap.report()
    options = RowOptions(sheet, rows, inherited.role, reading)
    return [_territory(group, rows, options, inherited, reading) for group in _groups(rows, overlap)]


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


class _Table:
    """The rows of one table as tests, column by column."""

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
        self._fields = sorted(tested, key=lambda each: each[0] != "country")
        self._types = dict(fields)
        self._top = Place(sheet.path, 1)
        self._found = Findings()
        self._readers: dict[tuple[str, str], CellReader] = {}
        self._scopes: dict[str, ConditionScope] = {"": self._scope}
        self._reported: Counter[tuple[str, str]] = Counter()

    def rows(self) -> TestedRows:
        """The rows that can be read; the others are findings."""
        rows = self._named(list(self._sheet.rows))
        texts = list(zip(*[row.cells for row in rows], strict=True)) or [()] * len(self._sheet.columns)
        countries: tuple[str, ...] = ("",) * len(rows)
        columns: list[CellTests] = []
        cells: list[tuple[int, ...]] = []
        for name, place in self._fields:
            depends = name in _COUNTRY_DEPENDENT
            column, numbers = self._column(name, place, countries if depends else None, texts[place], rows)
            columns.append(column)
            cells.append(numbers)
            if name == "country":
                self._read_countries(column)
                readable = [number >= 0 for number in numbers]
                countries = tuple([text if known else "" for text, known in zip(texts[place], readable, strict=True)])
        self._report_withheld()
        names = texts[self._name_column]
        if any(_BROKEN in numbers for numbers in cells):
            whole = [_BROKEN not in numbers for numbers in zip(*cells, strict=True)]
            rows, names = list(compress(rows, whole)), tuple(compress(names, whole))
            cells = [tuple(compress(numbers, whole)) for numbers in cells]
        lines = tuple([row.line for row in rows])
        return TestedRows(names, rows, TableCells(self._sheet.path, tuple(columns), tuple(cells), lines))

    def _named(self, rows: list[Row]) -> list[Row]:
        """The rows that name a territory; an error (SYN244) at the first of each other name."""
        names = [row.cells[self._name_column] for row in rows]
        bad = {name for name in set(names) if not name or is_name(name) is None}
        for name in [each for each in dict.fromkeys(names) if each in bad]:
            hint = "names are lower-case letters, digits and hyphens"
            message = f"`{name[:60]}` is no name of a territory" if name else "this row names no territory"
            place = self._sheet.place(rows[names.index(name)], self._name_column)
            self._reading.findings.error("SYN244", message, place, hint)
        return [row for row, name in zip(rows, names, strict=True) if name not in bad] if bad else rows

    def _column(
        self, field: str, place: int, countries: tuple[str, ...] | None, texts: tuple[str, ...], rows: list[Row]
    ) -> tuple[CellTests, tuple[int, ...]]:
        """One column: each distinct cell, and its number in each row, by the country that it is read in."""
        keys: Sequence[tuple[str, str] | str] = texts if countries is None else [*zip(countries, texts, strict=True)]
        known: dict[tuple[str, str] | str, int] = {}
        read: list[tuple[str, Value | Matcher]] = []
        reads_codes: dict[str, bool] = {}
        first: dict[tuple[str, str] | str, Row] = {}
        for key in dict.fromkeys(keys):
            within, text = ("", key) if isinstance(key, str) else key
            if not text:
                known[key] = UNTESTED
                continue
            if within not in reads_codes:
                reads_codes[within] = self._reader(field, within).reads_codes
            if reads_codes[within] and len(text) == 5 and text.isascii() and text.isdigit():
                known[key] = len(read)
                read.append((text, text))
                continue
            reader = self._reader(field, within)
            matcher = reader.read(text, self._top)
            if self._found:
                if not first:  # looking each bad cell up from the top takes minutes where all are bad
                    first = dict(zip(reversed(keys), reversed(rows), strict=True))
                counts = self._found.drain()
                if all(self._reported[field, code] >= _MOST_REPORTED for code in counts):
                    self._reported.update({(field, code): count for code, count in counts.items()})
                else:
                    self._report(field, text, within, self._sheet.place(first[key], place))
            if matcher is None:
                known[key] = _BROKEN
                continue
            known[key] = len(read)
            read.append((text, matcher.value if isinstance(matcher, EqualTo) and matcher.text == text else matcher))
        column = CellTests(
            field, self._types[field], tuple([text for text, _ in read]), tuple([meaning for _, meaning in read])
        )
        return column, tuple(map(known.__getitem__, keys))

    def _read_countries(self, countries: CellTests) -> None:
        """The scopes of the cells that depend on each country."""
        for number, text in enumerate(countries.texts):
            ancestors = (*self._scope.ancestors, countries.test(number))
            self._scopes[text] = self._reading.scope(ancestors=ancestors, forbidden=SELF_READING_FIELDS)

    def _reader(self, field: str, within: str) -> CellReader:
        """What reads distinct cells; what is wrong with one is in `_found`, without its place."""
        found = self._readers.get((field, within))
        if found is None:
            found = self._readers[field, within] = CellReader(field, self._scopes[within], self._found)
        return found

    def _report(self, field: str, text: str, within: str, place: Place) -> None:
        """What is wrong with a cell, at its own place: found by reading it again, for few cells are told of."""
        found = Findings()
        parse_matcher_cell(text, field, self._scopes[within], place, found)
        for each in found.items:
            self._reported[field, each.code] += 1
            if self._reported[field, each.code] <= _MOST_REPORTED:
                self._reading.findings.add(each.code, each.severity, each.message, each.place, each.hint)

    def _report_withheld(self) -> None:
        """One finding for each kind of problem of which only the first cells are shown."""
        for (field, code), count in sorted(self._reported.items()):
            if count > _MOST_REPORTED:
                message = f"{count - _MOST_REPORTED} more cells of the column `{field}` have this problem"
                self._reading.findings.warning(code, message, _header_place(self._sheet, field))


def _groups(rows: TestedRows, overlap: RowOverlap) -> list[_Group]:
    """The rows by territory: all together where no order between territories can matter, else by runs."""
    groups: list[_Group] = []
    together: dict[str, _Group] = {}
    free = overlap.keeps_territories_apart()
    for number, (name, is_tested) in enumerate(zip(rows.territories, rows.is_tested, strict=True)):
        group = together.get(name) if free and is_tested else None
        if group is None and groups and groups[-1].name == name:
            group = groups[-1]
        if group is None:
            group = _Group(name, [], [])
            groups.append(group)
            together.setdefault(name, group)
        group.rows.append(number)
        group.is_tested.append(is_tested)
    return groups


def _territory(
    group: _Group, rows: TestedRows, options: RowOptions, inherited: Inherited, reading: Reading
) -> Territory:
    own: TerritoryOptions = options.of(group.name)
    path, line = rows.cells.path, rows.cells.lines[group.rows[0]]
    place = Place(path, line)
    when: Condition
    if len(group.rows) == 1:
        when = rows.cells.row(group.rows[0])
    elif not all(group.is_tested):
        when = Always(place)
    else:
        conditions = TableRows(rows.cells, tuple(group.rows))
        when = AnyOf(conditions, place, f"{len(conditions)} rows of {path}")
    if isinstance(own.owners, NoOwners) and not options.names_owners(group.name):
        message = f"the territory `{group.name}` has no `owners` in any of its rows"
        reading.findings.error("SYN252", message, place, "fill the column `owners`")
    below = inherited.below(group.name, when, own)
    territory = build(group.name, when, own, below, place, options.text(group.name, group.rows), line)
    check_leeway(territory, place, reading)
    return territory
