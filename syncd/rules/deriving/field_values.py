"""Account side of normalisation: one field's raw text as the value that rules compare, or missing with a remark.

The rule side is operands; both call the same normalisation. Knows no records, systems or conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.model.fields import FieldType
from syncd.model.money import MoneyTable, parse_money
from syncd.model.normalisation import (
    boolean,
    country,
    domain,
    instant_or_date,
    number,
    postal_code,
    registrable_domain,
    state,
    text,
)
from syncd.model.refs import long_salesforce_id
from syncd.rules.facts import Value
from syncd.rules.matching.time_window import UTC_ZONE

RawValue = str | tuple[str, ...]
"""A field as a CRM or an export has it: one text, or several. Several in one text are joined by `;`."""

Reading = tuple[Value | None, str | None]
"""The value, None where it is missing, and what is wrong with the raw text, None where nothing is."""

MISSING: Reading = (None, None)


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads raw texts by field type, within the settings' money, zone and shared domains."""

    money: MoneyTable = field(default_factory=MoneyTable)
    zone: ZoneInfo = UTC_ZONE
    shared_domains: frozenset[str] = frozenset()

    def read(self, type_: FieldType, raw: RawValue, country_code: str | None) -> Reading:
        """One field's value; `country_code` is the company's own, for its state and postal code."""
        if type_ is FieldType.SEVERAL or (type_ is FieldType.SYSTEM_ID and not isinstance(raw, str)):
            return _several(type_, raw), None
        one = raw if isinstance(raw, str) else "; ".join(raw)
        if not one or one.isspace():
            return MISSING
        return _READERS[type_](self, one, country_code)


def id_value(ids: Iterable[str]) -> Value | None:
    """The ids of a company as one value: a text, or a set where there are several; None for none."""
    found = {long_salesforce_id(stripped) for each in ids if (stripped := each.strip())}
    return found.pop() if len(found) == 1 else frozenset(found) or None


def _several(type_: FieldType, raw: RawValue) -> Value | None:
    parts = raw.split(";") if isinstance(raw, str) else raw
    if type_ is FieldType.SYSTEM_ID:
        return id_value(parts)
    return frozenset(cleaned for cleaned in (text(part) for part in parts) if cleaned) or None


def _text(_reader: ValueReader, raw: str, _country: str | None) -> Reading:
    return text(raw) or None, None


def _number(_reader: ValueReader, raw: str, _country: str | None) -> Reading:
    value = number(raw)
    return value, None if value is not None else f"{raw!r} is not a number"


def _money(reader: ValueReader, raw: str, _country: str | None) -> Reading:
    parsed = parse_money(raw)
    if parsed is None:
        return None, f"{raw!r} is not an amount of money"
    value = reader.money.convert(*parsed)
    return value, None if value is not None else f"{raw!r} has no rate into {reader.money.reporting}"


def _date(reader: ValueReader, raw: str, _country: str | None) -> Reading:
    value = instant_or_date(raw, reader.zone)
    return value, None if value is not None else f"{raw!r} is not a date"


def _boolean(_reader: ValueReader, raw: str, _country: str | None) -> Reading:
    value = boolean(raw)
    return value, None if value is not None else f"{raw!r} is neither true nor false"


def _country(_reader: ValueReader, raw: str, _country_code: str | None) -> Reading:
    code = country(raw)
    return (code, None) if code is not None else (text(raw) or None, f"{raw!r} is no known country")


def _state(_reader: ValueReader, raw: str, country_code: str | None) -> Reading:
    return state(raw, country_code) or text(raw) or None, None


def _postal_code(_reader: ValueReader, raw: str, country_code: str | None) -> Reading:
    code, remark = postal_code(raw, country_code)
    return code or None, remark


def _domain(reader: ValueReader, raw: str, _country: str | None) -> Reading:
    value = domain(raw, reader.shared_domains)
    if value is None and registrable_domain(raw) is None:
        return None, f"{raw!r} is no registrable domain"
    return value, None


def _system_id(_reader: ValueReader, raw: str, _country: str | None) -> Reading:
    return id_value(raw.split(";")), None


_READERS: Mapping[FieldType, Callable[[ValueReader, str, str | None], Reading]] = MappingProxyType(
    {
        FieldType.TEXT: _text,
        FieldType.PICKLIST: _text,
        FieldType.EMAIL: _text,
        FieldType.DOMAIN: _domain,
        FieldType.NUMBER: _number,
        FieldType.MONEY: _money,
        FieldType.DATE: _date,
        FieldType.BOOLEAN: _boolean,
        FieldType.COUNTRY: _country,
        FieldType.STATE: _state,
        FieldType.POSTAL_CODE: _postal_code,
        FieldType.SYSTEM_ID: _system_id,
    }
)
