"""Quota files of people: rows in the pack's own format, read with every problem named, and written for the pack."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from syncd.errors import Finding, InputError, Place, Severity
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.reading.quotas_loader import QUOTA_COLUMNS
from syncd.rules.reading.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One row that was read: a territory by path or a rep, in the reporting currency."""

    territory: str | None
    rep: str | None
    period: str
    amount: Decimal


def read_quota_file(file: Path, paths: Mapping[str, str], period: str, money: MoneyTable) -> list[QuotaRow]:
    """The rows of a period. `paths` leads from names and paths of territories to paths.

    Raises InputError SYN775 with every problem of the file at its line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("SYN775", f"the file cannot be read: {error}", where=str(file)) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    findings: list[Finding] = []
    missing = [name for name in ("period", "quota") if name not in (rows.fieldnames or ())]
    unknown = [name for name in rows.fieldnames or () if name not in QUOTA_COLUMNS]
    for name in missing:
        findings.append(_problem(file, 1, f"there is no column `{name}`", f"write {','.join(QUOTA_COLUMNS)}"))
    for name in unknown:
        findings.append(_problem(file, 1, f"quotas have no column `{name}`", did_you_mean(name, QUOTA_COLUMNS)))
    found: list[QuotaRow] = []
    seen: dict[str, int] = {}
    for row in rows if not missing else ():
        line = rows.line_num
        cells = {name: (row.get(name) or "").strip() for name in QUOTA_COLUMNS}
        if cells["period"] != period:
            continue
        read = _row(file, line, cells, paths, money, findings)
        if read is None:
            continue
        who = read.territory or read.rep or ""
        if who in seen:
            findings.append(_problem(file, line, f"a second quota for {who}, first at line {seen[who]}", "keep one"))
        seen[who] = line
        found.append(read)
    if findings:
        raise InputError("SYN775", f"{file} has {len(findings)} problems", where=str(file), findings=tuple(findings))
    if not found:
        raise InputError("SYN775", f"no row is for {period}", where=str(file), hint="name its period by --period")
    return found


def _row(
    file: Path,
    line: int,
    cells: Mapping[str, str],
    paths: Mapping[str, str],
    money: MoneyTable,
    findings: list[Finding],
) -> QuotaRow | None:
    before = len(findings)
    if bool(cells["territory"]) == bool(cells["rep"]):
        findings.append(_problem(file, line, "a quota is for a territory or a rep", "fill one of the two"))
    elif cells["territory"] and cells["territory"] not in paths:
        hint = did_you_mean(cells["territory"], paths)
        findings.append(_problem(file, line, f"there is no territory `{cells['territory'][:60]}`", hint))
    amount = parse_money(cells["quota"])
    currency = (cells["currency"] or (amount[1] if amount else None) or money.reporting).upper()
    whole = money.convert(amount[0], currency) if amount is not None else None
    if amount is None or amount[0] < 0:
        findings.append(_problem(file, line, f"`{cells['quota'][:40]}` is no amount of money", "write 250000 or 250k"))
    elif whole is None:
        findings.append(_problem(file, line, f"there is no rate for {currency}", "add the rate to the settings"))
    if len(findings) > before or whole is None:
        return None
    territory = paths[cells["territory"]] if cells["territory"] else None
    return QuotaRow(territory, cells["rep"].lower() or None, cells["period"], whole)


def _problem(file: Path, line: int, text: str, hint: str | None) -> Finding:
    return Finding("SYN775", Severity.ERROR, text, Place(str(file), line), hint)


def quota_csv(rows: Iterable[tuple[str, str, str, str]], currency: str) -> str:
    """The text of a quota file: territory, rep, period, amount of each row; what spreadsheets run is not text here."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(QUOTA_COLUMNS)
    for territory, rep, period, amount in rows:
        writer.writerow((territory, rep, period, amount, currency))
    return out.getvalue()
