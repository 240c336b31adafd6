"""The book of `plan --accounts` from Parquet: whoever runs the kernel over the rows, the rest becomes facts here.

Equal to reading the book whole and deciding it plainly. Rows come back in any order and are put in that of the files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from syncd.errors import InputError, Severity
from syncd.model.normalisation.numbers import EXACT
from syncd.rules.accounts import (
    Deals,
    accounts_header,
    facts_of_row,
    key_of,
    read_opportunities,
    read_users,
    report_orphans,
)
from syncd.rules.arrow.id_digests import Digests, repeated_among, rows_among
from syncd.rules.arrow.kernel import Kernel, Recipe, tally_of
from syncd.rules.batch.export import Settled
from syncd.rules.batch.keeping import OWNER
from syncd.rules.deciding.kept import Kept
from syncd.rules.derivation import Derivation
from syncd.rules.deriving.families import join_families
from syncd.rules.engine import Book
from syncd.rules.exports.cell_texts import texts_of
from syncd.rules.exports.parquet import FILE, ROW, ParquetExport, Stretch, batches, open_parquet
from syncd.rules.exports.rows import Remarks, Row
from syncd.rules.facts import Directory, Facts
from syncd.rules.findings import Findings
from syncd.rules.pack import Pack, Territory

Placed = tuple[str, str, int]
"""Where an id stands: the id, the name of its file, the row's number there from 0."""
PLACED = pa.schema([pa.field("id", pa.string()), pa.field("file", pa.string()), pa.field("row", pa.int64())])


class Engine(Protocol):
    """Whoever runs kernels over the rows of an export."""

    def run(self, export: ParquetExport, recipe: Recipe, remarks: Remarks) -> Iterable[pa.RecordBatch]:
        """The kernel's results, in any order; a file that breaks off is a finding."""

    def rows_of(self, digests: Digests) -> Iterable[Placed]:
        """After a run, the rows whose ids have some of these digests."""


class Local:
    """Runs the kernel in this process, chunk by chunk."""

    def __init__(self) -> None:
        self._export: ParquetExport | None = None

    def run(self, export: ParquetExport, recipe: Recipe, remarks: Remarks) -> Iterator[pa.RecordBatch]:
        """See Engine."""
        self._export = export
        yield from Kernel(recipe).settle_all(batches(export, remarks))

    def rows_of(self, digests: Digests) -> Iterator[Placed]:
        """See Engine."""
        if self._export is None:
            return
        for file in self._export.files:
            yield from placed_in(Stretch(file), self._export.id_column, self._export.schema, digests)


def placed_in(stretch: Stretch, column: str, schema: pa.Schema, digests: Digests) -> Iterator[Placed]:
    """The rows of a stretch whose ids, which stand in this column, have some of these digests."""
    for batch in stretch.batches((column,), schema):
        ids = texts_of(batch.column(column))
        for row in rows_among(ids, digests).tolist():
            yield ids[row].as_py(), batch.column(FILE)[row].as_py(), batch.column(ROW)[row].as_py()


def placed_batch(stretch: Stretch, column: str, schema: pa.Schema, digests: Digests) -> pa.RecordBatch:
    """The same as one batch by PLACED."""
    rows = list(placed_in(stretch, column, schema, digests))
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    arrays = [pa.array(values, each.type) for values, each in zip(columns, PLACED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=PLACED)


def settle_parquet(
    pack: Pack,
    accounts: Path,
    *,
    opportunities: Path | None,
    users: Path | None,
    derivation: Derivation,
    now: datetime,
    engine: Engine,
) -> Settled:
    """Read the exports as `read_book` does, and settle what can be; the same findings, and the same InputError."""
    findings = Findings()
    directory = read_users(users, findings) if users else Directory({}, assume_active=True)
    deals = read_opportunities(opportunities, derivation.catalogue, findings) if opportunities else {}
    remarks = Remarks(accounts, findings)
    export = open_parquet(accounts, accounts_header(derivation.catalogue), ("id",), remarks)
    book = _Book(pack, deals, directory, derivation, now)
    if export is not None:
        types = export.schema.serialize().to_pybytes()
        recipe = Recipe(pack, directory, derivation, now, frozenset(deals), export.columns, types)
        book.take(export, engine.run(export, recipe, remarks))
        again = repeated_among(book.digests)
        facts = tuple(join_families(book.facts(engine.rows_of(again) if len(again) else (), remarks)))
    else:
        facts = ()
    remarks.close()
    if opportunities:
        report_orphans(opportunities, deals, book.seen.keys(), findings)
    if findings.has_errors:
        raise InputError("SYN301", "the exported accounts cannot be read", findings=findings.items)
    return Settled(Book(facts, directory, findings.items), tuple(book.kept()))


@dataclass(slots=True)
class _Total:
    """What several batches settled for one territory and owner."""

    identity: str
    count: int = 0
    bands: Counter[str] = field(default_factory=Counter)
    amounts: dict[str, Decimal] = field(default_factory=dict)

    def add(self, count: int, bands: Mapping[str, int], amounts: Mapping[str, Decimal]) -> None:
        """Count one batch more."""
        self.count += count
        self.bands.update(bands)
        for name, amount in amounts.items():
            self.amounts[name] = EXACT.add(self.amounts.get(name, Decimal(0)), amount)


class _Book:
    """Gathers what kernels give."""

    def __init__(self, pack: Pack, deals: Deals, directory: Directory, derivation: Derivation, now: datetime) -> None:
        self.seen: dict[str, int] = {}
        self.digests: list[Digests] = []
        self._deals = deals
        self._directory = directory
        self._derivation = derivation
        self._now = now
        self._paths = {path[-1].path: path for path in _paths(pack.roles.get(OWNER, ()), ())}
        self._totals: dict[tuple[str, str], _Total] = {}
        self._rows: list[Row] = []
        self._starts: dict[str, int] = {}

    def take(self, export: ParquetExport, results: Iterable[pa.RecordBatch]) -> None:
        """Take the results of a run."""
        for file, start in zip(export.files, export.starts, strict=False):
            self._starts[file.name] = start
        for result in results:
            columns = (result.column(name).to_pylist() for name in result.schema.names)
            for file, row, cells, territory, owner, tally, ids in zip(*columns, strict=True):
                if ids is not None:
                    self.digests.append(np.frombuffer(ids, dtype="<u8").astype(np.uint64, copy=False))
                elif cells is not None:
                    self._rows.append(Row(self._starts[file] + row + 1, json.loads(cells)))
                else:
                    identity, count, bands, amounts = tally_of(tally)
                    self._totals.setdefault((territory, owner), _Total(identity)).add(count, bands, amounts)

    def facts(self, doubted: Iterable[Placed], remarks: Remarks) -> Iterator[Facts]:
        """The facts of the rows that are not settled, in the order of the files. All rows of an id that stands more
        than once are among the `doubted`.
        """
        first: dict[str, int] = {}
        again: set[int] = set()
        for line, key in sorted((self._starts[file] + row + 1, key) for key, file, row in doubted):
            if first.setdefault(key, line) != line:
                again.add(line)
                message = f"the id {key} stands twice; the first is in {remarks.where(first[key])}"
                remarks.add("SYN303", Severity.ERROR, message, line)
        for row in sorted(self._rows, key=lambda each: each.line):
            if row.line in again or not row.cells:
                continue
            name = key_of(row, self.seen, remarks)
            if name is None:
                continue
            deals = self._deals.get(name, ())
            facts = facts_of_row(name, row.cells, deals, self._directory, self._derivation, self._now)
            for text in facts.findings:
                remarks.add("SYN307", Severity.WARNING, f"{name}: {text}", row.line)
            yield facts

    def kept(self) -> Iterator[Kept]:
        """All that was settled, by territory in the order asked and by owner."""
        places = {path: number for number, path in enumerate(self._paths)}
        for territory, owner in sorted(self._totals, key=lambda key: (places[key[0]], key[1])):
            total = self._totals[territory, owner]
            path = self._paths[territory]
            yield Kept(path, owner, total.identity, total.count, dict(total.bands), total.amounts)


def _paths(level: tuple[Territory, ...], above: tuple[Territory, ...]) -> Iterator[tuple[Territory, ...]]:
    """Every territory with its ancestors, each after all below it."""
    for territory in level:
        path = (*above, territory)
        yield from _paths(territory.children, path)
        yield path
