"""The options that the rows of a table fill: those of one territory must agree, and read like a territory's in YAML.

Knows how a cell writes what YAML writes as a list or mapping, and nothing of conditions.
"""

from __future__ import annotations

import hashlib

from syncd.errors import Place
from syncd.rules.conditions import UNTESTED
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.options import Options
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.territory_options import TERRITORY_OPTIONS, TerritoryOptions, read_territory_options
from syncd.rules.reading.tested_rows import TestedRows

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

    def __init__(self, sheet: Sheet, rows: TestedRows, role: str, reading: Reading) -> None:
        self._sheet = sheet
        self._written = rows.written()
        self._role = role
        self._reading = reading
        self._columns = [
            (column, position)
            for position, column in enumerate(sheet.columns)
            if column in ROW_OPTIONS and column != "territory"
        ]
        self._filled: dict[str, dict[str, tuple[str, Row]]] = {name: {} for name in rows.territories}
        self._read: dict[tuple[tuple[str, str], ...], TerritoryOptions] = {}
        self._fill(rows)

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

    def text(self, territory: str, rows: list[int]) -> str:
        """The rule as written: its options and the tests of its rows; a long one ends in a digest of all of it."""
        options = [f"{column}: {text}" for column, (text, _) in self._filled[territory].items() if column != "note"]
        tests: list[str] = []
        length = 0
        for row in rows:
            tests.append(", ".join([texts[at[row]] for texts, at in self._written if at[row] != UNTESTED]) or "always")
            length += len(tests[-1])
            if length > _LONGEST_TEXT:
                break
        whole = "; ".join([f"territory: {territory}", " | ".join(tests), *options])
        if len(whole) <= _LONGEST_TEXT:
            return whole
        digest = hashlib.sha256(whole.encode())
        for texts, at in self._written:
            digest.update("\x1f".join([texts[at[row]] for row in rows]).encode())
        return f"{whole[:_LONGEST_TEXT]}… ({len(rows)} rows, {digest.hexdigest()[:16]})"

    def _fill(self, rows: TestedRows) -> None:
        """What each territory says in each column: its first cell there that is filled. Another one is an error."""
        filled: list[tuple[int, int, str, str]] = []
        for column, position in self._columns:
            pairs = list(zip(rows.territories, [row.cells[position] for row in rows.rows], strict=True))
            distinct = dict.fromkeys(pairs)
            said: dict[str, str] = {}
            at = 0
            for name, text in distinct:
                if not text or name in said:
                    continue
                said[name] = text
                at = pairs.index((name, text), at)  # they come in the order of their first rows
                filled.append((at, position, column, text))
            if column not in _PER_ROW and len(distinct) > len(self._filled):
                self._report_others(column, position, pairs, rows)
        for number, _, column, text in sorted(filled):
            self._filled[rows.territories[number]][column] = (text, rows.rows[number])

    def _report_others(self, column: str, position: int, pairs: list[tuple[str, str]], rows: TestedRows) -> None:
        first: dict[str, int] = {}
        for number, (name, text) in enumerate(pairs):
            if not text:
                continue
            said = first.setdefault(name, number)
            if pairs[said][1] != text:
                here, there = text[:60], pairs[said][1][:60]
                message = f"`{column}` of {name} is `{here}` here and `{there}` in line {rows.rows[said].line}"
                place = self._sheet.place(rows.rows[number], position)
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
