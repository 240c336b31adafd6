"""Tables of territories: a CSV in the place of a list, one row a condition, rows of one territory its alternatives.

Rows are tried in order. Where alternatives of a territory stand apart and cannot be drawn together without changing who
wins, the territory comes back once for each run of its rows, under the same name and path. Columns are read, not rows:
a cell is read once however many rows hold it, for fifty thousand rows are normal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import compress

from syncd.errors import Place
from syncd.model.fields import SELF_READING_FIELDS, FieldType
from syncd.model.normalisation import country_codes
from syncd.rules.conditions import UNTESTED, Always, AnyOf, CellTests, Condition, TableCells, TableRows
from syncd.rules.facts import Value
from syncd.rules.findings import Findings, Tally
from syncd.rules.matching.matchers import EqualTo, Matcher
from syncd.rules.nodes import Scalar
from syncd.rules.pack import NoOwners, Territory
from syncd.rules.parsing.condition_parser import CellReader, ConditionScope, parse_matcher_cell
from syncd.rules.parsing.states import Countries, fixed_countries
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
_MOST_BROKEN = 1000
_COUNTRY_DEPENDENT = ("state", "postal_code")
_FEW = frozenset({FieldType.COUNTRY, FieldType.STATE})
"""Types with so few values that a thousand unknown ones are no spelling of ours that is missing, but another column."""
_BROKEN = -2
"""The number of a cell that cannot be read."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """The distinct cells of one column that were read so far: its field, where it stands, texts and what they mean."""

    field: str
    place: int
    texts: list[str] = attribute(default_factory=list)
    meanings: list[Value | Matcher] = attribute(default_factory=list)

    def add(self, texts: Sequence[str], meanings: Sequence[Value | Matcher]) -> range:
        """The numbers of new cells."""
        self.texts.extend(texts)
        self.meanings.extend(meanings)
        return range(len(self.texts) - len(texts), len(self.texts))

    def tests(self, type_: FieldType) -> CellTests:
        """All of them as the tests of their column."""
        return CellTests(self.field, type_, tuple(self.texts), tuple(self.meanings))


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
        self._found = Tally()
        self._readers: dict[tuple[str, str], CellReader] = {}
        self._scopes: dict[str, ConditionScope] = {"": self._scope}
        self._reported: Counter[tuple[str, str]] = Counter()

    def rows(self) -> TestedRows:
        """The rows that can be read; the others are findings."""
        rows = self._named(self._sheet.rows)
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
                within = self._read_countries(column)
                countries = tuple(map(within.__getitem__, numbers))
        self._report_withheld()
        names = texts[self._name_column]
        if any(_BROKEN in numbers for numbers in cells):
            whole = [_BROKEN not in numbers for numbers in zip(*cells, strict=True)]
            rows, names = list(compress(rows, whole)), tuple(compress(names, whole))
            cells = [tuple(compress(numbers, whole)) for numbers in cells]
        lines = tuple([row.line for row in rows])
        return TestedRows(names, rows, TableCells(self._sheet.path, tuple(columns), tuple(cells), lines))

    def _named(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that name a territory; an error (SYN244) at the first of each other name."""
        names = [row.cells[self._name_column] for row in rows]
        bad = [name for name in dict.fromkeys(names) if not name or is_name(name) is None]
        for name in bad:
            hint = "names are lower-case letters, digits and hyphens"
            message = f"`{name[:60]}` is no name of a territory" if name else "this row names no territory"
            place = self._sheet.place(rows[names.index(name)], self._name_column)
            self._reading.findings.error("SYN244", message, place, hint)
        wrong = {*bad}
        return [row for row, name in zip(rows, names, strict=True) if name not in wrong] if bad else list(rows)

    def _column(
        self, field: str, place: int, countries: tuple[str, ...] | None, texts: tuple[str, ...], rows: list[Row]
    ) -> tuple[CellTests, tuple[int, ...]]:
        """One column: each distinct cell, and its number in each row, by the country that it is read in."""
        cells = _Cells(field, place)
        if countries is None or len({*countries}) == 1:
            known = self._read_cells(cells, countries[0] if countries else "", texts, rows)
            return cells.tests(self._types[field]), tuple(map(known.__getitem__, texts))
        of_country: dict[str, list[int]] = defaultdict(list)
        for row, country in enumerate(countries):
            of_country[country].append(row)
        numbers = [UNTESTED] * len(rows)
        for within, at in of_country.items():
            here = [texts[row] for row in at]
            known = self._read_cells(cells, within, here, [rows[row] for row in at])
            for row, text in zip(at, here, strict=True):
                numbers[row] = known[text]
        return cells.tests(self._types[field]), tuple(numbers)

    def _read_cells(self, cells: _Cells, within: str, texts: Sequence[str], rows: Sequence[Row]) -> dict[str, int]:
        """The number of each distinct cell that is read in one country, of these rows."""
        field = cells.field
        distinct = dict.fromkeys(texts)
        known = {"": UNTESTED}
        if distinct.keys() == known.keys():
            return known
        reader = self._reader(field, within)
        if reader.reads_codes:
            codes = [text for text in distinct if len(text) == 5 and text.isdigit() and text.isascii()]
            known |= zip(codes, cells.add(codes, codes), strict=True)
        first: dict[str, Row] = {}
        broken, full, withheld = 0, set[str](), list[str]()
        unread = [each for each in distinct if each not in known]
        for number, text in enumerate(unread):
            if broken == _MOST_BROKEN:
                known |= dict.fromkeys(unread[number:], _BROKEN)
                self._report_unread(field)
                break
            matcher = reader.read(text, self._top)
            if self._found:
                broken += matcher is None or self._types[field] in _FEW
                if not first:  # looking each bad cell up from the top takes minutes where all are bad
                    first = dict(zip(reversed(texts), reversed(rows), strict=True))
                codes = self._found.drain()
                if full.issuperset(codes):
                    withheld += codes
                else:
                    self._report(field, text, within, self._sheet.place(first[text], cells.place))
                    full = {code for code in codes if self._reported[field, code] >= _MOST_REPORTED} | full
            if matcher is None:
                known[text] = _BROKEN
                continue
            meaning = matcher.value if isinstance(matcher, EqualTo) and matcher.text == text else matcher
            (known[text],) = cells.add([text], [meaning])
        self._reported.update((field, code) for code in withheld)
        return known

    def _report_unread(self, field: str) -> None:
        message = f"{_MOST_BROKEN:,} cells of the column `{field}` cannot be read; those after them were not looked at"
        self._reading.findings.error("SYN371", message, _header_place(self._sheet, field), "correct these first")

    def _read_countries(self, countries: CellTests) -> list[str]:
        """The scope of the cells that depend on each country: of those that fix the same countries, the first's text.

        The last two are of rows without a country, and with one that cannot be read.
        """
        first: dict[Countries | None, str] = {None: ""}
        fixing = [_fixed_by(countries, number) for number in range(len(countries.texts))]
        for number, (text, fixed) in enumerate(zip(countries.texts, fixing, strict=True)):
            if fixed not in first:
                first[fixed] = text
                ancestors = (*self._scope.ancestors, countries.test(number))
                self._scopes[text] = self._reading.scope(ancestors=ancestors, forbidden=SELF_READING_FIELDS)
        return [*map(first.__getitem__, fixing), "", ""]

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


def _fixed_by(countries: CellTests, number: int) -> Countries | None:
    """The countries that a cell fixes; of one plain value without making its test."""
    meaning = countries.meanings[number]
    value = meaning.value if isinstance(meaning, EqualTo) else meaning
    if isinstance(value, Matcher):
        return fixed_countries(countries.test(number))
    return frozenset((str(value),)) if value in country_codes() else None


def _groups(rows: TestedRows, overlap: RowOverlap) -> list[_Group]:
    """The rows by territory: all together where no order between territories can matter, else by runs."""
    groups: list[_Group] = []
    together: dict[str, _Group] = {}
    free = overlap.keeps_territories_apart()
    if free and all(rows.is_tested):
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(rows.territories):
            numbers[name].append(number)
        return [_Group(name, each, [True] * len(each)) for name, each in numbers.items()]
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
