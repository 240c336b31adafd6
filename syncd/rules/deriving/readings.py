"""Readings remembered: what one field's text was read as is not worked out again for the next record that says it.

Most companies of a book share their countries, industries and stages, so a text is normalised once. The one truth is
the value reader: nothing is read here, and a table of any size may be forgotten at any time. Knows no companies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from syncd.model.fields import FieldType
from syncd.model.money import MoneyTable
from syncd.model.records import Record
from syncd.model.refs import System
from syncd.rules.deriving.field_values import Reading, ValueReader
from syncd.rules.facts import OpportunityFacts, Seen, Value

MOST_KEPT = 8192
"""So many texts are remembered of each field; beyond it all of them are forgotten: slower, never wrong."""
_LOCATED = frozenset({FieldType.STATE, FieldType.POSTAL_CODE})

Told = tuple[Value | None, Seen, str | None]
"""What a text of one system says: the value if it can be read, where it comes from, and what is wrong with it."""


class _Field:
    """One field of accounts as one system has it, with what its texts were read as; None for a blank one."""

    __slots__ = ("known", "located", "name", "priced", "system", "type")

    def __init__(self, name: str, type_: FieldType, system: System) -> None:
        self.name = name
        self.type = type_
        self.system = system
        self.located = type_ in _LOCATED
        self.priced = type_ is FieldType.MONEY
        self.known: dict[str | tuple[str, str | None], Told | None] = {}

    def told(self, raw: str, country: str | None, reader: ValueReader) -> Told | None:
        """What a text says that was not met before; it is remembered."""
        told = self.read(raw, country, reader)
        if len(self.known) >= MOST_KEPT:
            self.known.clear()
        self.known[(raw, country) if self.located else raw] = told
        return told

    def read(self, raw: str, country: str | None, reader: ValueReader) -> Told | None:
        """What a text says; nothing is remembered."""
        if raw.isspace():
            return None
        value, problem = reader.read(self.type, raw, country)
        remark = None if problem is None else f"{self.name}: {problem} ({self.system.value})"
        return value, Seen(self.system, raw), remark


class AccountReadings:
    """Reads the mapped fields of the records of companies, one company after the other."""

    def __init__(
        self, plan: Iterable[tuple[str, tuple[System, ...]]], types: Mapping[str, FieldType], reader: ValueReader
    ) -> None:
        known = [(name, order) for name, order in plan if name in types]
        self._orders = dict(known)
        self._reader = reader
        self._of: dict[System, dict[str, _Field]] = {
            system: {name: _Field(name, types[name], system) for name, order in known if system in order}
            for system in System
        }

    def country(self, records: Mapping[System, Record], values: dict[str, Value], remarks: list[str]) -> Seen | None:
        """The company's country, put into `values`; where it comes from, None where nobody tells one."""
        tolds = [
            told
            for system in self._orders.get("country", ())
            if system in records
            and (raw := records[system].fields.get("country"))
            and (told := self._told(self._of[system]["country"], raw, None)) is not None
        ]
        return _taken("country", tolds, values, remarks) if tolds else None

    def is_placed(self, records: Mapping[System, Record], names: Iterable[str]) -> bool:
        """Whether any of these fields has a text in any record that it is read from."""
        return any(
            (raw := records[system].fields.get(name)) and not raw.isspace()
            for name in names
            for system in self._orders.get(name, ())
            if system in records
        )

    def read(
        self,
        records: Mapping[System, Record],
        country: str | None,
        money: MoneyTable | None,
        values: dict[str, Value],
        seen: dict[str, Seen],
        remarks: list[str],
    ) -> None:
        """All fields but the country, in `country`; amounts by `money`, or by the table of the reader where None."""
        if len(records) == 1:
            ((system, record),) = records.items()
            for name, (value, where, remark) in self._of_record(system, record, country, money):
                if value is not None:
                    values[name] = value
                seen[name] = where
                if remark is not None:
                    remarks.append(remark)
            return
        by_system = {
            system: dict(self._of_record(system, record, country, money)) for system, record in records.items()
        }
        for name in {name for told in by_system.values() for name in told}:
            tolds = [by_system[system][name] for system in self._orders[name] if name in by_system.get(system, ())]
            seen[name] = _taken(name, tolds, values, remarks)

    def _of_record(
        self, system: System, record: Record, country: str | None, money: MoneyTable | None
    ) -> list[tuple[str, Told]]:
        """What a record says of each field that is read from its system, blank ones left out."""
        found: list[tuple[str, Told]] = []
        fields, texts = self._of[system], record.fields
        # The hottest lines of deriving a book: every filled field of every record comes by here.
        for name, raw in texts.items():
            field = fields.get(name)
            if field is None or not raw or name == "country":
                continue
            if field.priced and money is not None:
                told = field.read(raw, country, replace(self._reader, money=money))
            else:
                key = (raw, country) if field.located else raw
                told = field.known[key] if key in field.known else field.told(raw, country, self._reader)
            if told is not None:
                found.append((field.name, told))  # not the record's own text, of which there are as many as records
        if record.account and "parent" in fields and not texts.get("parent"):
            told = self._told(fields["parent"], record.account, None)
            if told is not None:
                found.append(("parent", told))
        return found

    def _told(self, field: _Field, raw: str, country: str | None) -> Told | None:
        key = (raw, country) if field.located else raw
        return field.known[key] if key in field.known else field.told(raw, country, self._reader)


def _taken(name: str, tolds: Sequence[Told], values: dict[str, Value], remarks: list[str]) -> Seen:
    """The first value that can be read is taken; all that is wrong is remarked; what the others hold is kept."""
    taken: int | None = None
    for index, (value, _, remark) in enumerate(tolds):
        if remark is not None:
            remarks.append(remark)
        if value is not None and taken is None:
            values[name] = value
            taken = index
    if len(tolds) == 1:
        return tolds[0][1]
    where = tolds[taken or 0][1]
    others = tuple(
        (each.system, each.raw)
        for index, (_, each, _) in enumerate(tolds)
        if index != (taken or 0) and each.system is not None
    )
    return Seen(where.system, where.raw, others)


class OpportunityReadings:
    """Reads opportunities, one after the other; amounts by any table."""

    def __init__(self, types: Mapping[str, FieldType], reader: ValueReader) -> None:
        self._types = types
        self._reader = reader
        self._known: dict[str, dict[str, Reading]] = {name: {} for name in types}
        self._names = {name: name for name in types}

    def read(
        self, key: str, record: Record, owner: str | None, money: MoneyTable | None, remarks: list[str]
    ) -> OpportunityFacts:
        """One opportunity, as `read_opportunity` reads it; amounts by the reader's table where `money` is None."""
        values: dict[str, Value] = {}
        stated = {"account": record.account, "owner": owner}
        for name, raw in record.fields.items():
            if name == "owner" or (name == "account" and record.account) or name not in self._known:
                continue
            self._put(key, self._names[name], raw, money, values, remarks)
        for name, text in stated.items():
            if text and name in self._known:
                self._put(key, name, text, money, values, remarks)
        holder = values.get("owner")
        is_open = not (values.get("is_closed") is True or values.get("is_won") is True)
        return OpportunityFacts(key, values, is_open, holder if isinstance(holder, str) else None)

    def _put(
        self, key: str, name: str, raw: str, money: MoneyTable | None, values: dict[str, Value], remarks: list[str]
    ) -> None:
        if money is not None and self._types[name] is FieldType.MONEY:
            value, problem = replace(self._reader, money=money).read(FieldType.MONEY, raw, None)
        else:
            known = self._known[name]
            found = known.get(raw)
            if found is None:
                if len(known) >= MOST_KEPT:
                    known.clear()
                found = known[raw] = self._reader.read(self._types[name], raw, None)
            value, problem = found
        if value is not None:
            values[name] = value
        if problem is not None:
            remarks.append(f"opportunity {key}: {name}: {problem}")
