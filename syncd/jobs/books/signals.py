"""Side tables as the settings name them: read from a CSV or from syncd's own database, each with how fresh it is.

A table that cannot be read is an error wherever a book is read: without it every account that it speaks of would be
decided otherwise. One that is old is read, and what it decides is held (planning/proposing/proposals).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from syncd.errors import Finding, InputError, Place, Severity
from syncd.jobs.context import Context
from syncd.model.fields import FieldType
from syncd.model.normalisation import domain, registrable_domain
from syncd.model.normalisation.dates import instant_or_date
from syncd.model.refs import long_salesforce_id
from syncd.rules.deriving.signals import SideTable
from syncd.rules.findings import Findings
from syncd.rules.reading.csv_reader import read_csv
from syncd.settings import SignalSettings
from syncd.store import side_tables
from syncd.store.leads import account_names

_MOST_TOLD = 5
"""Rows of one kind that are told one by one."""
_LARGEST = 512 * 1024**2
Rows = Iterable[tuple[Place, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Signals:
    """The side tables, in the order of the settings, and what there is to say of them; none of it is an error."""

    tables: tuple[SideTable, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def stale(self) -> frozenset[str]:
        """The names of the tables that are too old."""
        return frozenset(table.name for table in self.tables if table.stale)


def read_signals(context: Context, conn: Connection, zone: ZoneInfo) -> Signals:
    """All side tables. Raises InputError SYN865 with every finding where one cannot be read."""
    findings = Findings()
    tables = [_read(context, conn, each, zone, findings) for each in context.settings.signals]
    if findings.has_errors:
        names = ", ".join(each.name for each, found in zip(context.settings.signals, tables, strict=True) if not found)
        raise InputError("SYN865", f"side tables cannot be read: {names}", findings=findings.items)
    return Signals(tuple(table for table in tables if table is not None), tuple(findings.items))


def signals_mark(context: Context, conn: Connection) -> str:
    """What tells one state of the side tables from another without reading files: their times and sizes."""
    marks: list[list[object]] = []
    for each in context.settings.signals:
        if each.path is not None:
            try:
                found = each.path.stat()
            except OSError:
                marks.append([each.name, None, None])
            else:
                marks.append([each.name, found.st_mtime_ns, found.st_size])
        elif each.table is not None:
            marks.append([each.name, side_tables.state_of(conn, each.table, each.updated or "")])
    return repr(marks) if marks else ""


@dataclass(slots=True)
class _Draft:
    """A table while it is read."""

    settings: SignalSettings
    zone: ZoneInfo
    shared: frozenset[str]
    findings: Findings
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    first: dict[str, Place] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    newest: datetime | None = None
    told: dict[str, int] = field(default_factory=dict)

    def take(self, rows: Rows) -> None:
        """Read rows: the key, the columns of the fields, and the column of freshness where there is one."""
        width = len(self.settings.fields)
        for place, cells in rows:
            if self.settings.updated is not None:
                self._date(cells[-1], place)
            key = self._key(cells[0])
            if key is None:
                if cells[0]:
                    self._tell("SYN867", f"`{cells[0]}` is no {_WORDS[self.settings.join]} of one company", place)
                continue
            row = cells[1 : width + 1]
            if self.rows.setdefault(key, row) != row and key not in self.twice:
                self.twice.add(key)
                where = f"{self.first[key].path}:{self.first[key].line}"
                self._tell(
                    "SYN866", f"`{cells[0]}` stands here with other values than at {where}: neither counts", place
                )
            self.first.setdefault(key, place)
        for key in self.twice:
            del self.rows[key]
        for code, count in self.told.items():
            if count > _MOST_TOLD:
                message = f"the side table {self.settings.name} has {count - _MOST_TOLD:,} more rows like this"
                self.findings.warning(code, message, None)

    def _key(self, cell: str) -> str | None:
        if self.settings.join == "domain":
            return domain(cell, self.shared) if registrable_domain(cell) is not None else None
        if self.settings.join == "salesforce_id":
            return long_salesforce_id(cell) if cell.isascii() and cell.isalnum() and len(cell) in (15, 18) else None
        return cell if cell.isascii() and cell.isdigit() else None

    def _date(self, cell: str, place: Place) -> None:
        if not cell:
            return
        found = instant_or_date(cell, self.zone)
        if found is None:
            self._tell("SYN868", f"`{cell}` is no date: the row says nothing of how fresh the table is", place)
        elif self.newest is None or found > self.newest:
            self.newest = found

    def _tell(self, code: str, message: str, place: Place) -> None:
        self.told[code] = self.told.get(code, 0) + 1
        if self.told[code] <= _MOST_TOLD:
            self.findings.warning(code, message, place)


_WORDS = {"domain": "domain", "salesforce_id": "Salesforce id", "hubspot_id": "HubSpot id"}


def _read(
    context: Context, conn: Connection, settings: SignalSettings, zone: ZoneInfo, findings: Findings
) -> SideTable | None:
    """One table, None after an error."""
    shared = frozenset(context.settings.identity.shared_domains)
    draft = _Draft(settings, zone, shared, findings)
    if settings.path is not None:
        rows, written = _of_file(settings, settings.path, findings)
    else:
        rows, written = _of_database(conn, settings, findings), None
    if rows is None:
        return None
    draft.take(rows)
    as_of = draft.newest if settings.updated is not None else written
    now = context.clock.now()
    stale = as_of is None or now - as_of > settings.stale_after
    fields = MappingProxyType({name: FieldType(each.type) for name, each in settings.fields.items() if each.type})
    return SideTable(settings.name, settings.join, fields, draft.rows, as_of, stale)


def _columns(settings: SignalSettings) -> tuple[str, ...]:
    """The columns that are read: the key, one for each field, the freshness."""
    last = () if settings.updated is None else (settings.updated,)
    return (settings.key, *(each.field for each in settings.fields.values()), *last)


def _of_file(settings: SignalSettings, path: Path, findings: Findings) -> tuple[Rows | None, datetime | None]:
    try:
        found = path.stat()
        data = path.read_bytes() if found.st_size <= _LARGEST else None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        findings.error("SYN865", f"the side table {settings.name} cannot be read: {reason}", Place(str(path), 1))
        return None, None
    if data is None:
        message = f"the side table {settings.name} is larger than {_LARGEST // 1024**2} MiB"
        findings.error("SYN865", message, Place(str(path), 1), "load it into a table of the database")
        return None, None
    sheet = read_csv(data, str(path), findings)
    if sheet is None:
        return None, None
    positions = [sheet.require(name, Place(str(path), 1), findings) for name in _columns(settings)]
    wanted = [position for position in positions if position is not None]
    if len(wanted) != len(positions):
        return None, None
    rows = ((sheet.place(row, wanted[0]), tuple(row.cells[each] for each in wanted)) for row in sheet.rows)
    return rows, datetime.fromtimestamp(found.st_mtime, UTC)


def _of_database(conn: Connection, settings: SignalSettings, findings: Findings) -> Rows | None:
    name = settings.table or ""
    place = Place(f"database table {name}", 1)
    known = None if name in side_tables.OWN else side_tables.columns_of(conn, name)
    if known is None:
        why = "it is one of syncd's own" if name in side_tables.OWN else "the database has none of that name"
        findings.error("SYN865", f"the side table {settings.name} cannot be read: {why}", place)
        return None
    missing = [each for each in _columns(settings) if each not in known]
    for each in missing:
        findings.error("SYN261", f"the table has no column `{each}`", place, f"its columns are {', '.join(known)}")
    if missing:
        return None
    return _placed(side_tables.rows_of(conn, name, _columns(settings)), place.path)


def _placed(rows: Iterable[tuple[str, ...]], path: str) -> Iterator[tuple[Place, tuple[str, ...]]]:
    for number, row in enumerate(rows, start=1):
        yield Place(path, number), row


def stale_findings(signals: Signals) -> list[Finding]:
    """A warning (SYN869) for each table that is too old."""
    hint = "write it anew, or raise `stale_after`; what it decides is held until then"
    return [
        Finding("SYN869", Severity.WARNING, f"the side table {table.name} is stale: {_age(table)}", None, hint)
        for table in signals.tables
        if table.stale
    ]


def _age(table: SideTable) -> str:
    return table.as_of.strftime("as of %Y-%m-%d %H:%M UTC") if table.as_of is not None else "of unknown age"


def accounts_with(conn: Connection, context: Context, tables: Sequence[SideTable]) -> dict[str, int]:
    """How many accounts of the mirror have a row, by table; under the empty name how many accounts there are.

    By their ids and hosts alone, which is quicker than a book: `check` counts companies.
    """
    counts = {"": 0, **{table.name: 0 for table in tables}}
    shared = frozenset(context.settings.identity.shared_domains)
    for ref, _, host in account_names(conn, context.systems):
        counts[""] += 1
        own = {f"{ref.system.value}_id": ref.id, "domain": (domain(host, shared) or "") if host else ""}
        for table in tables:
            counts[table.name] += own.get(table.join, "") in table.rows
    return counts


def words_of(tables: Sequence[SideTable], counts: Mapping[str, int], total: int, what: str = "companies") -> list[str]:
    """One line for each table: rows, how many companies (or accounts) have one, how fresh it is."""
    lines = []
    for table in tables:
        share = f" ({counts[table.name] / total:.0%})" if total else ""
        rows = f"{len(table.rows):,} row{'s' if len(table.rows) != 1 else ''}"
        lines.append(
            f"side table {table.name}: {rows}, {counts[table.name]:,} of {total:,} {what} have one{share},"
            f" {_age(table)}{': stale' if table.stale else ''}"
        )
    return lines
