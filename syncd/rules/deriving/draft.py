"""A company while its fields are read: of each field the first system that has a readable value, and what others hold.

Knows nothing of opportunities, owners and families; those are added to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncd.model.fields import FieldType
from syncd.model.money import MoneyTable
from syncd.model.records import Record
from syncd.model.refs import System
from syncd.rules.deriving.company_records import Derivation
from syncd.rules.deriving.field_values import RawValue, ValueReader
from syncd.rules.deriving.readings import AccountReadings
from syncd.rules.facts import Seen, Value

Sources = Mapping[str, Sequence[tuple[System | None, RawValue]]]
"""Raw values by field name, of each system that has one, in the field's order of systems."""
_PLACES = ("state", "postal_code")


@dataclass(slots=True)
class Draft:
    """What is known of a company while its fields are read."""

    values: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read_all(self, sources: Sources, derivation: Derivation, reader: ValueReader) -> None:
        """Read every field that the catalogue knows; the country first, for states and postal codes are read in it."""
        fields = derivation.catalogue.account
        if "country" in sources and "country" in fields:
            self._read("country", fields["country"], sources["country"], None, reader)
        place = any(not is_blank(raw) for name in _PLACES for _, raw in sources.get(name, ()))
        if place and "country" not in self.values and derivation.fill_missing_country and derivation.default_country:
            self._fill_country(derivation.default_country)
        found = self.values.get("country")
        country = found if isinstance(found, str) else None
        for name, raws in sources.items():
            if name != "country" and name in fields:
                self._read(name, fields[name], raws, country, reader)

    def read_records(
        self,
        records: Mapping[System, Record],
        derivation: Derivation,
        readings: AccountReadings,
        money: MoneyTable | None,
    ) -> None:
        """The same from records, by what was read before; amounts by `money` where it is another table."""
        where = readings.country(records, self.values, self.remarks)
        if where is not None:
            self.seen["country"] = where
        fills = derivation.fill_missing_country and derivation.default_country
        if fills and "country" not in self.values and readings.is_placed(records, _PLACES):
            self._fill_country(fills)
        found = self.values.get("country")
        country = found if isinstance(found, str) else None
        readings.read(records, country, money, self.values, self.seen, self.remarks)

    def _fill_country(self, default: str) -> None:
        self.values["country"] = default
        self.notes.append(f"no country: read as {default}, the pack's default")

    def _read(
        self,
        name: str,
        type_: FieldType,
        raws: Sequence[tuple[System | None, RawValue]],
        country: str | None,
        reader: ValueReader,
    ) -> None:
        """Take the value of the first system that has a readable one; say what the others hold."""
        told: list[tuple[System | None, str]] = []
        taken: int | None = None
        for system, raw in raws:
            if is_blank(raw):
                continue
            told.append((system, raw if isinstance(raw, str) else "; ".join(raw)))
            value, problem = reader.read(type_, raw, country)
            if problem is not None:
                self.remarks.append(f"{name}: {problem}" + (f" ({system.value})" if system else ""))
            if value is not None and taken is None:
                self.values[name] = value
                taken = len(told) - 1
        if told:
            system, raw_text = told.pop(taken or 0)
            others = tuple((other, text) for other, text in told if other is not None)
            self.seen[name] = Seen(system, raw_text, others)

    def add_derived(self, derived: Mapping[str, Value]) -> None:
        """Add derived fields; those that were given stay."""
        for name, value in derived.items():
            if name not in self.seen:
                self.values[name] = value


def is_blank(raw: RawValue) -> bool:
    """Whether a raw value says nothing."""
    return not raw or (isinstance(raw, str) and raw.isspace())
