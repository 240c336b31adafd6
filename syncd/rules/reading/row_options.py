"""The options that the rows of a table fill: those of one territory must agree, and read like a territory's in YAML.

Knows how a cell writes what YAML writes as a list or mapping, and nothing of conditions.
"""

from __future__ import annotations

import hashlib

from syncd.errors import Place
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.options import Options
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.row_overlap import TestedRow
from syncd.rules.reading.territory_options import TERRITORY_OPTIONS, TerritoryOptions, read_territory_options

ROW_OPTIONS = (
    "territory",
    "owners",
    "assign",
    "keep",
    "cap",
    "balance_by",
    "overflow",
    "follow_parent",
    "effective_from",
    "effective_until",
    "leeway",
    "quota",
    "labels",
    "note",
    "was",
)
_PER_ROW = frozenset({"territory", "note"})
_LONGEST_TEXT = 2000


class RowOptions:
    """The options of every territory of a table."""

    def __init__(self, sheet: Sheet, rows: list[TestedRow], role: str, reading: Reading) -> None:
        self._sheet = sheet
        self._role = role
        self._reading = reading
        self._columns = [
            (column, position)
            for position, column in enumerate(sheet.columns)
            if column in ROW_OPTIONS and column != "territory"
        ]
        self._filled: dict[str, dict[str, tuple[str, Row]]] = {}
        self._read: dict[tuple[tuple[str, str], ...], TerritoryOptions] = {}
        for row in rows:
            self._fill(row)

    def of(self, territory: str) -> TerritoryOptions:
        """The options of one territory. Territories whose cells are equal share one reading."""
        filled = self._filled[territory]
        key = tuple((column, text) for column, (text, _) in filled.items())
        if key not in self._read:
            self._read[key] = read_territory_options(self._options(territory, filled), self._role, self._reading)
        return self._read[key]

    def names_owners(self, territory: str) -> bool:
        """Whether any row of the territory fills `owners`."""
        return "owners" in self._filled[territory]

    def text(self, territory: str, rows: list[TestedRow]) -> str:
        """The rule as written: its options and the tests of its rows; a long one ends in a digest of all of it."""
        options = [f"{column}: {text}" for column, (text, _) in self._filled[territory].items() if column != "note"]
        tests = " | ".join([row.condition.text for row in rows])
        whole = "; ".join([f"territory: {territory}", tests, *options])
        if len(whole) <= _LONGEST_TEXT:
            return whole
        return f"{whole[:_LONGEST_TEXT]}… ({len(rows)} rows, {hashlib.sha256(whole.encode()).hexdigest()[:16]})"

    def _fill(self, row: TestedRow) -> None:
        filled = self._filled.setdefault(row.territory, {})
        for column, position in self._columns:
            text = row.row.cells[position]
            if not text:
                continue
            first = filled.get(column)
            if first is None:
                filled[column] = (text, row.row)
            elif first[0] != text and column not in _PER_ROW:
                message = (
                    f"`{column}` of {row.territory} is `{text[:60]}` here and `{first[0][:60]}` in line {first[1].line}"
                )
                place = self._sheet.place(row.row, position)
                self._reading.findings.error(
                    "SYN266", message, place, "rows of one territory agree, or leave the cell empty"
                )

    def _options(self, territory: str, filled: dict[str, tuple[str, Row]]) -> Options:
        entries: list[Entry] = []
        window: list[Entry] = []
        for column, (text, row) in filled.items():
            place = self._sheet.place(row, self._sheet.columns.index(column))
            if column.startswith("effective_"):
                window.append(_entry(column.removeprefix("effective_"), Scalar(text, False, place)))
            else:
                entries.append(_entry(column, _node(column, text, place)))
        if window:
            entries.append(_entry("effective", Mapping(tuple(window), window[0].value.place)))
        place = next(iter(entries)).value.place if entries else Place(self._sheet.path, 1)
        return Options(Mapping(tuple(entries), place), f"the territory `{territory}`", TERRITORY_OPTIONS, self._reading)


def _entry(key: str, value: Node) -> Entry:
    return Entry(Scalar(key, False, value.place), value)


def _node(column: str, text: str, place: Place) -> Node:
    """A cell as YAML would write it: `a | b` is a list, `pool: x` and `k=v | …` are mappings."""
    if column in ("owners", "overflow"):
        for form in ("pool", "queue"):
            if text.startswith(f"{form}:"):
                return Mapping((_entry(form, Scalar(text.removeprefix(f"{form}:").strip(), False, place)),), place)
        parts = tuple(Scalar(part.strip(), False, place) for part in text.split("|"))
        return Sequence(parts, place) if len(parts) > 1 else parts[0]
    if column == "labels":
        pairs = (part.partition("=") for part in text.split("|"))
        return Mapping(tuple(_entry(key.strip(), Scalar(value.strip(), True, place)) for key, _, value in pairs), place)
    if column in ("keep", "follow_parent"):
        return Scalar(text.lower(), False, place)
    return Scalar(text, False, place)
