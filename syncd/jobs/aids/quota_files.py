"""Quota files of people: rows in the pack's own format, read with every problem named, and written for the pack."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from syncd.alerts.periods import Period
from syncd.errors import InputError, Place, Severity
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.findings import Findings
from syncd.rules.reading.csv_reader import Sheet, read_csv
from syncd.rules.reading.quotas_loader import PERIOD, QUOTA_COLUMNS
from syncd.rules.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """What a file gives a territory (by path) or a rep, in the reporting currency."""

    territory: str | None
    rep: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Read:
    """One row of the file whose time lies in the period that is asked for."""

    who: tuple[str | None, str | None]
    period: Period
    amount: Decimal
    place: Place


def read_quota_file(
    file: Path, paths: Mapping[str, str], period: Period, money: MoneyTable, period_of: Callable[[str], Period]
) -> list[QuotaRow]:
    """What each territory and rep has in a period; quarters or months that fill it are summed.

    `paths` leads from names and paths of territories to paths, `period_of` from a period's name to its time. Raises
    InputError SYN775 with every problem of the file at its line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError("SYN775", f"the file cannot be read: {error.strerror}", where=str(file)) from error
    findings = Findings()
    sheet = read_csv(data, str(file), findings)
    found: dict[tuple[str | None, str | None], list[_Read]] = defaultdict(list)
    others: set[str] = set()
    if sheet is not None and _has_columns(sheet, findings):
        for cells, place in _cells(sheet):
            if not PERIOD.match(cells["period"]):
                hint = "write 2027, 2027-Q1 or 2027-01"
                findings.error("SYN775", f"`{cells['period'][:40]}` is no period", place, hint)
                continue
            time = period_of(cells["period"])
            if time.start < period.start or time.end > period.end:
                others.add(time.name)
            elif (read := _read(cells, place, time, paths, money, findings)) is not None:
                found[read.who].append(read)
    rows = [QuotaRow(*who, _filled(period, reads, findings)) for who, reads in found.items()]
    problems = tuple(each for each in findings.items if each.severity is Severity.ERROR)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise InputError("SYN775", f"the file of quotas has {count}", where=str(file), findings=problems)
    if not rows:
        known = f"it has {', '.join(sorted(others)[:12])}; " if others else ""
        hint = f"{known}name the period by --period"
        raise InputError("SYN775", f"no row is for {period.name}", where=str(file), hint=hint)
    return rows


def _has_columns(sheet: Sheet, findings: Findings) -> bool:
    """Whether the file has the columns that every quota needs; those that no quota has are errors, too."""
    place = Place(sheet.path, 1)
    for name in sheet.columns:
        if name not in QUOTA_COLUMNS:
            findings.error("SYN775", f"quotas have no column `{name}`", place, did_you_mean(name, QUOTA_COLUMNS))
    missing = [name for name in ("period", "quota") if name not in sheet.columns]
    for name in missing:
        findings.error("SYN775", f"there is no column `{name}`", place, f"write {','.join(QUOTA_COLUMNS)}")
    return not missing


def _cells(sheet: Sheet) -> Iterable[tuple[dict[str, str], Place]]:
    """The cells of each row by column, and where it stands."""
    columns = {name: sheet.column(name) for name in QUOTA_COLUMNS}
    for row in sheet.rows:
        cells = {name: "" if at is None else row.cells[at] for name, at in columns.items()}
        yield cells, Place(sheet.path, row.line)


def _read(
    cells: Mapping[str, str],
    place: Place,
    period: Period,
    paths: Mapping[str, str],
    money: MoneyTable,
    findings: Findings,
) -> _Read | None:
    """One row, None after an error."""
    before = findings.error_count
    if bool(cells["territory"]) == bool(cells["rep"]):
        findings.error("SYN775", "a quota is for a territory or a rep", place, "fill one of the two")
    elif cells["territory"] and cells["territory"] not in paths:
        hint = did_you_mean(cells["territory"], paths)
        findings.error("SYN775", f"there is no territory `{cells['territory'][:60]}`", place, hint)
    amount = parse_money(cells["quota"])
    currency = (cells["currency"] or (amount[1] if amount else None) or money.reporting).upper()
    whole = money.convert(amount[0], currency) if amount is not None else None
    if amount is None or amount[0] < 0:
        hint = "write 250000 or 250k"
        findings.error("SYN775", f"`{cells['quota'][:40]}` is no amount of money", place, hint)
    elif whole is None:
        findings.error("SYN775", f"there is no rate for {currency}", place, "add the rate to the settings")
    if findings.error_count > before or whole is None:
        return None
    territory = paths[cells["territory"]] if cells["territory"] else None
    return _Read((territory, cells["rep"].lower() or None), period, whole, place)


def _filled(period: Period, reads: Sequence[_Read], findings: Findings) -> Decimal:
    """The sum of rows that fill a period one after the other; an error where they overlap or leave a hole."""
    at, last = period.start, None
    who = reads[0].who[0] or reads[0].who[1]
    for read in sorted(reads, key=lambda each: (each.period.start, each.place.line)):
        if read.period.start < at and last is not None:
            text = f"a second quota for {who} in {read.period.name}, first at line {last.place.line}"
            findings.error("SYN775", text, read.place, "keep one")
        elif read.period.start > at:
            break
        at, last = max(at, read.period.end), read
    if at != period.end:
        names = ", ".join(sorted({read.period.name for read in reads}))
        findings.error("SYN775", f"{who} has {names} and no more of {period.name}", reads[0].place, "add the rest")
    return sum((read.amount for read in reads), Decimal(0))


def quota_csv(rows: Iterable[tuple[str, str, str, str]], currency: str) -> str:
    """The text of a quota file: territory, rep, period, amount of each row; what spreadsheets run is not text here."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(QUOTA_COLUMNS)
    for territory, rep, period, amount in rows:
        writer.writerow((territory, rep, period, amount, currency))
    return out.getvalue()
