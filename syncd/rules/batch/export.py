"""The book of `plan --accounts` in chunks: what can be settled at once is only counted, the rest becomes facts.

Equal to reading the book whole and deciding it plainly: a row with anything unusual (a value that cannot be read, an
opportunity, a given derived flag) takes the plain way. Memory is bounded by the chunk and by what is not settled.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from syncd.errors import InputError, Severity
from syncd.model.fields import FieldType
from syncd.model.refs import long_salesforce_id
from syncd.rules.accounts import (
    Deals,
    accounts_header,
    facts_of_row,
    is_active,
    key_of,
    read_opportunities,
    read_users,
    report_orphans,
)
from syncd.rules.batch.batch_table import Batch
from syncd.rules.batch.cell_codes import BAD, coded
from syncd.rules.batch.columns import MISSING, Column, Columns
from syncd.rules.batch.keeping import OWNER, Holders, Keeper
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.kept import Kept
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.deriving.families import join_families
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.engine import Book
from syncd.rules.exports.files import read_rows
from syncd.rules.exports.rows import Remarks, Row
from syncd.rules.facts import Directory, Facts, Value
from syncd.rules.findings import Findings
from syncd.rules.pack import Pack

CHUNK = 65_536
"""Rows that are held at a time."""
_NO_ROWS = np.empty(0, dtype=np.int64)
_NEVER_BAD = frozenset({FieldType.TEXT, FieldType.PICKLIST, FieldType.EMAIL, FieldType.STATE, FieldType.SEVERAL})
"""Types whose every text can be read: such a column matters only where the pack asks for it."""
_PLACES = ("state", "postal_code")


@dataclass(frozen=True, slots=True)
class Settled:
    """A book of which a batch has settled a part: `kept` are those companies, `book` holds the others."""

    book: Book
    kept: tuple[Kept, ...]


def settle_export(
    pack: Pack, accounts: Path, *, opportunities: Path | None, users: Path | None, derivation: Derivation, now: datetime
) -> Settled:
    """Read the exports as `read_book` does, and settle what can be; the same findings, and the same InputError."""
    findings = Findings()
    directory = read_users(users, findings) if users else Directory({}, assume_active=True)
    deals = read_opportunities(opportunities, derivation.catalogue, findings) if opportunities else {}
    keeper = Keeper(pack, Frame.of(pack, directory, now))
    reading = _Reading(keeper, directory, deals, derivation, now)
    remarks = Remarks(accounts, findings)
    facts = tuple(join_families(reading.unsettled(accounts, remarks)))
    remarks.close()
    if opportunities:
        report_orphans(opportunities, deals, set(reading.seen), findings)
    if findings.has_errors:
        raise InputError("SYN301", "the exported accounts cannot be read", findings=findings.items)
    return Settled(Book(facts, directory, findings.items), keeper.kept())


class _Cells:
    """One field's cells of a chunk: each different text is read once."""

    def __init__(self, type_: FieldType, reader: ValueReader) -> None:
        self.codes = array("i")
        self.known: dict[object, int] = {}
        self.values: list[Value] = []
        self._type = type_
        self._reader = reader

    def begin(self) -> None:
        """A new chunk without any value; what was read is remembered while it is not too much."""
        self.codes = array("i", [MISSING]) * CHUNK
        if len(self.known) > CHUNK:
            self.known = {}
            self.values = []

    def read(self, key: object, cell: str, country: str | None) -> int:
        """The code of a text that was not met yet."""
        code = self.known[key] = coded(self._reader, self._type, cell, country, self.values)
        return code


class _Reading:
    """Reads the accounts chunk by chunk and gives those that the keeper does not settle."""

    def __init__(
        self, keeper: Keeper, directory: Directory, deals: Deals, derivation: Derivation, now: datetime
    ) -> None:
        self.seen: dict[str, int] = {}
        self._keeper = keeper
        self._directory = directory
        self._deals = deals
        self._derivation = derivation
        self._now = now
        reader = derivation.reader()
        needed = keeper.fields
        self._cells = {
            name: _Cells(type_, reader)
            for name, type_ in derivation.catalogue.account.items()
            if name in needed or name == "country" or type_ not in _NEVER_BAD
        }
        alone = facts_from_raw("", {}, derivation=derivation, now=now).values
        self._derived: Mapping[str, Value] = {name: value for name, value in alone.items() if name in needed}
        fills = derivation.fill_missing_country and derivation.default_country
        self._default_country = derivation.default_country if fills else None

    def unsettled(self, path: Path, remarks: Remarks) -> Iterator[Facts]:
        """The facts of the rows that are not settled, in the order of the file."""
        rows: list[tuple[str, Row]] = []
        odd: dict[int, Facts] = {}
        self._begin()
        for row in read_rows(path, accounts_header(self._derivation.catalogue), ("id",), remarks):
            key = key_of(row, self.seen, remarks)
            if key is None:
                continue
            if self._is_odd(len(rows), key, row.cells):
                facts = odd[len(rows)] = self._facts(key, row)
                for text in facts.findings:
                    remarks.add("SYN307", Severity.WARNING, f"{key}: {text}", row.line)
            rows.append((key, row))
            if len(rows) == CHUNK:
                yield from self._settled(rows, odd)
                rows, odd = [], {}
                self._begin()
        if rows:
            yield from self._settled(rows, odd)

    def _begin(self) -> None:
        for cells in self._cells.values():
            cells.begin()

    def _is_odd(self, number: int, key: str, cells: Mapping[str, str]) -> bool:
        """Take a row into the columns; whether it is one for the plain way."""
        odd = key in self._deals or "owner_active" in cells or self._keeper.is_excepted((key, long_salesforce_id(key)))
        country = self._country(number, cells)
        for name, cell in cells.items():
            column = self._cells.get(name)
            if column is None or name == "country":
                continue
            known: object = (cell, country) if name in _PLACES else cell
            code = column.known.get(known)
            if code is None:
                code = column.read(known, cell, country)
            if code == BAD:
                odd = True
            column.codes[number] = code
        if column_of_country := self._cells.get("country"):
            odd = odd or column_of_country.codes[number] == BAD
        return odd

    def _country(self, number: int, cells: Mapping[str, str]) -> str | None:
        """The row's country: its own, else the pack's default where it has a place."""
        column = self._cells.get("country")
        if column is None:
            return None
        cell, code = cells.get("country"), MISSING
        if cell is not None:
            found = column.known.get(cell)
            code = column.read(cell, cell, None) if found is None else found
        elif self._default_country is not None and any(name in cells for name in _PLACES):
            code = self._code_of_default(column, self._default_country)
        column.codes[number] = code
        value = column.values[code] if code >= 0 else None
        return value if isinstance(value, str) else None

    def _code_of_default(self, column: _Cells, country: str) -> int:
        key = (country, None)  # no cell is a pair
        if key not in column.known:
            column.known[key] = len(column.values)
            column.values.append(country)
        return column.known[key]

    def _settled(self, rows: list[tuple[str, Row]], odd: Mapping[int, Facts]) -> Iterator[Facts]:
        """Let the keeper settle a chunk; the facts of what is left."""

        def facts_at(row: int) -> Facts:
            return odd[row] if row in odd else self._facts(*rows[row])

        count = len(rows)
        left_out = np.zeros(count, dtype=np.bool_)
        left_out[list(odd)] = True
        batch = Batch(Columns(count, dict(self._columns(rows))), facts_at, _NO_ROWS)
        holders = Holders.of(batch.columns.by_field.get(OWNER), count)
        kept = self._keeper.settle(batch, left_out, holders)
        for row in np.flatnonzero(~kept).tolist():
            yield facts_at(row)

    def _columns(self, rows: list[tuple[str, Row]]) -> Iterator[tuple[str, Column]]:
        count = len(rows)
        for name in self._keeper.fields:
            cells = self._cells.get(name)
            if name == "owner_active":
                yield name, self._of_owners(rows)
                continue
            if cells is None:
                continue
            codes = np.frombuffer(cells.codes, dtype=np.int32)[:count]
            codes = np.where(codes == BAD, np.int32(MISSING), codes)
            derived = self._derived.get(name)
            if derived is None:
                yield name, Column(cells.values, codes)
            else:
                codes = np.where(codes == MISSING, np.int32(len(cells.values)), codes)
                yield name, Column([*cells.values, derived], codes)

    def _of_owners(self, rows: list[tuple[str, Row]]) -> Column:
        """Whether each row's owner is active; rows that say so themselves take the plain way."""
        known: dict[str | None, int] = {None: MISSING}
        codes = np.empty(len(rows), dtype=np.int32)
        for number, (_, row) in enumerate(rows):
            owner = row.cells.get("owner")
            if owner not in known:
                known[owner] = int(is_active(self._directory, owner))
            codes[number] = known[owner]
        return Column([False, True], codes)

    def _facts(self, key: str, row: Row) -> Facts:
        deals = self._deals.get(key, ())
        return facts_of_row(key, row.cells, deals, self._directory, self._derivation, self._now)
