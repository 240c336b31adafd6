"""Operands: the constants of matchers, read by the type of the field they stand against.

Every constant that cannot be read becomes a finding at its place. What an operator means is matcher_parser's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncd.errors import Place, Severity
from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount, MoneyTable, parse_money
from syncd.model.normalisation import (
    country,
    country_names,
    day,
    domain,
    domain_text,
    folded,
    instant_or_date,
    number,
    postal_code,
    postal_text,
    state_names,
    text,
)
from syncd.model.refs import long_salesforce_id
from syncd.rules.facts import Value
from syncd.rules.findings import Findings, Tally
from syncd.rules.matching.time_window import TICK, local_midnight, shifted_day
from syncd.rules.nodes import Scalar
from syncd.rules.pack import NamedList
from syncd.rules.parsing.states import Countries, read_state
from syncd.rules.suggestion import did_you_mean

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_SPREADSHEET_NUMBER = re.compile(r"[0-9]+\.0+|[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_DOTTED_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_NUMERIC = re.compile(
    r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
TEXT_LIKE = frozenset(FieldType) - {FieldType.NUMBER, FieldType.MONEY, FieldType.DATE, FieldType.BOOLEAN}
QUANTITIES = frozenset({FieldType.NUMBER, FieldType.MONEY})


@dataclass(frozen=True, slots=True)
class OperandContext:
    """What reading a constant needs to know of the pack and of the path it stands on."""

    type: FieldType
    field: str
    zone: ZoneInfo
    money: MoneyTable
    countries: Countries | None
    default_country: str | None
    shared_domains: frozenset[str]
    findings: Findings


def readable_as_written(node: Scalar, type_: FieldType, findings: Findings) -> bool:
    """Whether YAML leaves a scalar as the pack's author wrote it; else a finding that says to quote it."""
    if node.quoted:
        return _reported_empty(node, findings)
    if node.text in NULLS:
        findings.error("SYN215", "there is nothing here to compare with", node.place, "for no value, write missing")
        return False
    if type_ not in TEXT_LIKE:
        return True
    if node.text in BOOLEANS:
        message = f"{node.text} is for boolean fields; this one holds text"
        findings.error("SYN214", message, node.place, f'if the word is meant, quote it: "{node.text}"')
        return False
    if _NUMERIC.fullmatch(node.text) and not _WHOLE.fullmatch(node.text):
        message = f"{node.text} against text is read as a number, which changes it"
        findings.error("SYN214", message, node.place, f'quote it: "{node.text}"')
        return False
    return True


def _reported_empty(node: Scalar, findings: Findings) -> bool:
    if node.text.strip():
        return True
    findings.error("SYN215", "an empty text equals nothing", node.place, "for no value, write missing")
    return False


def pattern_text(type_: FieldType, raw: str) -> str:
    """A part of a text (glob, contains, starts_with, ends_with), normalised like the values of its type."""
    if type_ is FieldType.POSTAL_CODE:
        return postal_text(raw)
    if type_ is FieldType.DOMAIN:
        return domain_text(raw)
    return text(raw)


def glob_text(type_: FieldType, raw: str) -> str:
    """A glob, normalised between its stars and question marks, which stay what they are."""
    if type_ in (FieldType.POSTAL_CODE, FieldType.DOMAIN):
        return "".join(part if part in "*?" else pattern_text(type_, part) for part in re.split(r"([*?])", raw))
    parts = (part if part in ("*", "?") else re.sub(r"\s+", " ", folded(part)) for part in re.split(r"([*?])", raw))
    return "".join(parts).strip()


def values_of(raw: str, place: Place, context: OperandContext) -> frozenset[Value] | None:
    """The values that a constant stands for, several where countries read a code differently; None after a finding.

    For every type but dates and booleans.
    """
    type_ = context.type
    if type_ in QUANTITIES:
        amount = quantity(raw, place, context)
        return None if amount is None else frozenset((amount,))
    reader = _READERS.get(type_)
    if reader is not None:
        return reader(raw, place, context)
    if type_ is FieldType.SYSTEM_ID:
        _warn_of_number(raw, "an id", place, context)
        return frozenset((long_salesforce_id(raw.strip()),))
    return frozenset((text(raw),))


def quantity(raw: str, place: Place, context: OperandContext) -> Decimal | None:
    """A number, or an amount in the reporting currency; None after a finding.

    An amount that was written in another currency remembers it.
    """
    if context.type is FieldType.NUMBER:
        value = number(raw)
        if value is None:
            context.findings.error("SYN213", f"{raw!r} is not a number", place, _number_hint(raw))
        else:
            _warn_of_thousands(raw, value, place, context)
        return value
    parsed = parse_money(raw)
    if parsed is None:
        context.findings.error("SYN213", f"{raw!r} is not an amount of money", place, _number_hint(raw))
        return None
    amount, currency = parsed
    converted = context.money.convert(amount, currency)
    if converted is None:
        message = f"there is no rate for {currency} into {context.money.reporting}"
        known = [context.money.reporting, *context.money.rates]
        context.findings.error("SYN227", message, place, lambda: did_you_mean(str(currency), known))
        return None
    return converted if currency in (None, context.money.reporting) else ConvertedAmount(converted, (amount, currency))


def _warn_of_number(raw: str, what: str, place: Place, context: OperandContext) -> None:
    """A warning where a spreadsheet made a number of a code: 94105.0, 9.4105E+04."""
    if _SPREADSHEET_NUMBER.fullmatch(raw.strip()):
        message = f"{raw.strip()!r} is {what} that a spreadsheet made a number of"
        context.findings.warning("SYN369", message, place, "format the column as text, and export it again")


def _warn_of_thousands(raw: str, value: Decimal, place: Place, context: OperandContext) -> None:
    """A warning where a dot may have been meant to part thousands: 1.000 is one."""
    if _DOTTED_THOUSANDS.fullmatch(raw.strip()):
        message = f"{raw.strip()!r} is read as {value.normalize():f}: a dot begins the decimals"
        context.findings.warning("SYN370", message, place, f"for thousands, write {raw.strip().replace('.', '')}")


def _number_hint(raw: str) -> str:
    if "," in raw:
        return f"write it without commas: {raw.replace(',', '')}"
    if raw.rstrip().endswith("m"):
        return f"for millions, write a capital M: {raw.rstrip()[:-1]}M"
    return "write digits: 1000, 1_000, 2.5M, or with a currency 5M EUR"


def span_of(raw: str, place: Place, context: OperandContext) -> tuple[datetime, datetime] | None:
    """The day (or the instant) that a constant names, as a half-open span; None after a finding."""
    found = day(raw)
    if found is not None:
        return local_midnight(found, context.zone), local_midnight(shifted_day(found, 1, "d"), context.zone)
    instant = None if raw.strip().isdigit() else instant_or_date(raw, context.zone)
    if instant is None:
        hint = "write 2026-12-31; for spans that move, {last: 30d} or {in: this_quarter}"
        context.findings.error("SYN213", f"{raw!r} is not a date", place, hint)
        return None
    return instant, instant + TICK


def _country_values(raw: str, place: Place, context: OperandContext) -> frozenset[Value]:
    code = country(raw)
    if code is None:
        message = f"{raw!r} is no country that is known; it equals only accounts that spell it so"
        context.findings.warning("SYN228", message, place, lambda: did_you_mean(raw, country_names()))
    return frozenset((code or text(raw),))


def _state_values(raw: str, place: Place, context: OperandContext) -> frozenset[Value] | None:
    reading = read_state(raw, context.countries, context.default_country)
    if reading.error is not None:
        hint = "write the full code, as in US-CA, or put a country beside it or above it"
        context.findings.error("SYN221", reading.error, place, hint)
        return None
    if reading.warning is not None:
        known = min(context.countries or [""])
        context.findings.warning("SYN228", reading.warning, place, lambda: did_you_mean(raw, state_names(known)))
    return frozenset((reading.value,))


def _postal_values(raw: str, place: Place, context: OperandContext) -> frozenset[Value]:
    if len(raw) == 5 and raw.isascii() and raw.isdigit():
        return frozenset((raw,))
    countries: Iterable[str | None] = sorted(context.countries) if context.countries else [context.default_country]
    values = set()
    _warn_of_number(raw, "a postal code", place, context)
    for each in countries:
        code, remark = postal_code(raw, each)
        if remark is not None:
            context.findings.warning("SYN229", remark, place, f'write it with all five digits: "{code}"')
        values.add(code)
    return frozenset(values)


def _domain_values(raw: str, place: Place, context: OperandContext) -> frozenset[Value]:
    found = domain(raw, context.shared_domains)
    if found is None:
        message = f"{raw!r} is no company's own domain: accounts with it count as having none, so this never matches"
        context.findings.warning("SYN230", message, place, "write a registrable domain, as in acme.com")
    return frozenset((found or domain_text(raw),))


_READERS: Mapping[FieldType, Callable[[str, Place, OperandContext], frozenset[Value] | None]] = {
    FieldType.COUNTRY: _country_values,
    FieldType.STATE: _state_values,
    FieldType.POSTAL_CODE: _postal_values,
    FieldType.DOMAIN: _domain_values,
}


class _Same:
    """A named list, equal only to itself: its entries are read once however many rules name it."""

    __slots__ = ("named",)

    def __init__(self, named: NamedList) -> None:
        self.named = named

    def __hash__(self) -> int:
        return id(self.named)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.named is self.named


_MOST_TOLD = 20
"""Entries of a list with a problem that are named; the others are counted."""
ListProblem = tuple[str, str, str | None, bool]
"""Code, message, hint, and whether it is an error."""


def list_values(named: NamedList, place: Place, context: OperandContext) -> frozenset[Value] | None:
    """The values of a named list against the field's type; None after an error in one of its entries."""
    values, problems = _read_list(
        _Same(named),
        context.type,
        context.field,
        context.zone,
        context.countries if context.type in (FieldType.STATE, FieldType.POSTAL_CODE) else None,
        context.default_country,
        context.shared_domains,
    )
    for code, message, hint, error in problems:
        report = context.findings.error if error else context.findings.warning
        report(code, f"in list {named.name}: {message}", place, hint)
    return None if any(error for *_, error in problems) else values


@lru_cache(maxsize=512)
def _read_list(
    same: _Same,
    type_: FieldType,
    field: str,
    zone: ZoneInfo,
    countries: Countries | None,
    default_country: str | None,
    shared_domains: frozenset[str],
) -> tuple[frozenset[Value], tuple[ListProblem, ...]]:
    found, rest = Findings(), Tally()
    telling = OperandContext(type_, field, zone, MoneyTable(), countries, default_country, shared_domains, found)
    counting = replace(telling, findings=rest)
    values: set[Value] = set()
    more: Counter[tuple[str, bool]] = Counter()
    for entry in filter(str.strip, same.named.entries):
        errors = rest.error_count
        context = telling if len(found) < _MOST_TOLD else counting
        values.update(values_of(entry, same.named.place, context) or ())
        more.update((code, rest.error_count > errors) for code in rest.drain())
    problems = [(each.code, each.message, each.hint, each.severity is Severity.ERROR) for each in found.items]
    for (code, is_error), count in sorted(more.items()):
        having = "1 more entry has" if count == 1 else f"{count:,} more entries have"
        problems.append((code, f"{having} this problem", "correct those that are named first", is_error))
    return frozenset(values), tuple(problems)
