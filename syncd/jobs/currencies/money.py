"""The reporting currency's dated rates, read from the CSV that the settings name."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from syncd.errors import Finding, InputError, Place, Severity
from syncd.model.money import DatedRates, MoneyTable
from syncd.settings.model import MoneySettings

_COLUMNS = ("currency", "rate", "date")


def money_table(settings: MoneySettings, *, on: date) -> MoneyTable:
    """The rates in force on a day. Raises as `dated_rates`."""
    return dated_rates(settings).on(on)


def dated_rates(settings: MoneySettings) -> DatedRates:
    """Every rate of the settings' file; none, but the reporting currency, where no file is named.

    Where a CRM is the source it is what jobs/currencies/rates_file.py wrote, which before the first pull is not there.

    Raises InputError SYN331 with all findings where the file cannot be read or a row is wrong.
    """
    if settings.rates is None:
        return DatedRates(settings.reporting_currency)
    if settings.source != "file" and not settings.rates.exists():
        return DatedRates(settings.reporting_currency)
    path = str(settings.rates)
    try:
        text = settings.rates.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        hint = "make the file readable, or take money.rates out of the settings"
        raise InputError("SYN331", f"the rates cannot be read: {reason}", where=path, hint=hint) from error
    except UnicodeDecodeError as error:
        raise InputError("SYN331", "the rates are not UTF-8 text", where=path, hint="save the file as UTF-8") from error
    known: dict[tuple[str, date], Decimal] = {}
    findings: list[Finding] = []
    for line, row in _rows(path, text):
        try:
            currency, day, rate = _rate_of(row)
            if known.setdefault((currency, day), rate) != rate:
                raise ValueError(f"a second rate of {currency} on {day}")
        except ValueError as error:
            hint = "such as EUR,1.08,2026-11-01"
            findings.append(Finding("SYN331", Severity.ERROR, f"not a rate: {error}", Place(path, line), hint))
    if findings:
        raise InputError("SYN331", "the rates are invalid", where=path, findings=findings)
    return DatedRates(settings.reporting_currency, tuple((*key, rate) for key, rate in sorted(known.items())))


def _rows(path: str, text: str) -> list[tuple[int, dict[str, str | None]]]:
    """The rows with their lines; InputError SYN331 where it is no CSV or lacks a column."""
    reader = csv.DictReader(text.splitlines())
    try:
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        finding = Finding("SYN331", Severity.ERROR, f"not CSV: {error}", Place(path, reader.line_num + 1))
        raise InputError("SYN331", "the rates are invalid", where=path, findings=[finding]) from error
    if missing:
        hint = "columns: " + ", ".join(_COLUMNS)
        findings = [
            Finding("SYN331", Severity.ERROR, f"there is no column {name!r}", Place(path, 1), hint) for name in missing
        ]
        raise InputError("SYN331", "the rates are invalid", where=path, findings=findings)
    return rows


def _rate_of(row: Mapping[str, str | None]) -> tuple[str, date, Decimal]:
    """The currency, day and rate of a row; ValueError with the cell that is wrong."""
    currency, rate_text, day_text = ((row[name] or "").strip() for name in _COLUMNS)
    if not re.fullmatch("[A-Z]{3}", currency.upper()):
        raise ValueError(f"the currency is {currency!r}")
    try:
        rate = Decimal(rate_text)
    except InvalidOperation as error:
        raise ValueError(f"the rate is {rate_text!r}") from error
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"the rate is {rate_text!r}")
    try:
        return currency.upper(), date.fromisoformat(day_text), rate
    except ValueError as error:
        raise ValueError(f"the date is {day_text!r}") from error
