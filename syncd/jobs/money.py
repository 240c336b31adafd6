"""The reporting currency's rates, read from the CSV that the settings name."""

from __future__ import annotations

import csv
import os
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from syncd.errors import Finding, InputError, Place, Severity
from syncd.model.money import MoneyTable
from syncd.settings.model import MoneySettings

_COLUMNS = ("currency", "rate", "date")


def money_table(settings: MoneySettings) -> MoneyTable:
    """The rates of the settings, the newest of each currency; only the reporting currency where no file is named.

    Raises InputError SYN331 with all findings where the file cannot be read or a row is wrong.
    """
    if settings.rates is None:
        return MoneyTable(settings.reporting_currency, MappingProxyType({}), None)
    path = str(settings.rates)
    try:
        text = settings.rates.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError("SYN331", f"the rates cannot be read: {os.strerror(error.errno or 0)}", where=path) from error
    except UnicodeDecodeError as error:
        raise InputError("SYN331", "the rates are not UTF-8 text", where=path, hint="save the file as UTF-8") from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            "SYN331", f"the rates have no column {missing[0]!r}", where=path, hint="columns: " + ", ".join(_COLUMNS)
        )
    newest: dict[str, tuple[date, Decimal]] = {}
    findings: list[Finding] = []
    for number, row in enumerate(reader, 2):
        try:
            day, rate = date.fromisoformat(row["date"].strip()), Decimal(row["rate"].strip())
        except (ValueError, InvalidOperation, AttributeError):
            message = f"not a rate: {row}"
            findings.append(
                Finding("SYN331", Severity.ERROR, message, Place(path, number), "such as EUR,1.08,2026-11-01")
            )
            continue
        currency = row["currency"].strip().upper()
        if currency not in newest or newest[currency][0] < day:
            newest[currency] = (day, rate)
    if findings:
        raise InputError("SYN331", "the rates are invalid", where=path, findings=findings)
    as_of = max((day for day, _ in newest.values()), default=None)
    rates = MappingProxyType({currency: rate for currency, (_, rate) in sorted(newest.items())})
    return MoneyTable(settings.reporting_currency, rates, as_of)
