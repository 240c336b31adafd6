"""What facts are derived from: the records of a company, the settings that say how, and what is known of ownership.

Values only; nothing here reads a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.model.fields import FieldCatalogue
from syncd.model.money import DatedRates, MoneyTable
from syncd.model.records import Record, User
from syncd.model.refs import Ref, System
from syncd.rules.deriving.families import FAMILY_FIELDS
from syncd.rules.deriving.field_values import ValueReader
from syncd.rules.facts import Applied
from syncd.rules.matching.time_window import UTC_ZONE

OWN_ID_FIELDS: Mapping[System, str] = MappingProxyType(
    {System.SALESFORCE: "salesforce_id", System.HUBSPOT: "hubspot_id"}
)
_FROM_OPPORTUNITIES = frozenset(
    {"open_opportunities", "open_pipeline", "open_stages", "won_amount_12m", "won_count_12m", "last_won_at"}
)
_FROM_OWNERSHIP = frozenset({"owner", "owner_active", "owner_changed_at", "territory"})
_COMPUTED = FAMILY_FIELDS | _FROM_OPPORTUNITIES | _FROM_OWNERSHIP | {"systems", "band", *OWN_ID_FIELDS.values()}


@dataclass(frozen=True, slots=True)
class CompanyRecords:
    """The live records of one company and their opportunities, of all systems.

    `content` stands for all that they say, where the caller knows it: equal records have equal ones.
    """

    key: str
    accounts: tuple[Record, ...]
    opportunities: tuple[Record, ...] = ()
    content: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """How records become facts: `order` is the default order of systems, `field_order` that of single fields.

    `leading` is the system whose owner is the current one. `money`, `shared_domains` and the orders come from settings,
    `zone`, `default_country` and `fill_missing_country` from the pack. With `rates` and the pack's revision, a company
    whose last applied decision was of that revision and whose raw amounts are the same keeps that decision's table.
    """

    catalogue: FieldCatalogue = field(default_factory=FieldCatalogue)
    order: tuple[System, ...] = tuple(System)
    field_order: Mapping[str, tuple[System, ...]] = field(default_factory=lambda: MappingProxyType({}))
    leading: System = System.SALESFORCE
    money: MoneyTable = field(default_factory=MoneyTable)
    zone: ZoneInfo = UTC_ZONE
    default_country: str | None = None
    fill_missing_country: bool = False
    shared_domains: frozenset[str] = frozenset()
    rates: DatedRates = field(default_factory=DatedRates)
    pack_revision: str | None = None

    def reader(self) -> ValueReader:
        """The reader of single values that these settings make."""
        return ValueReader(self.money, self.zone, self.shared_domains)


@dataclass(frozen=True, slots=True)
class OwnershipView:
    """Who owns what, as users and ledger know it; all but `users` by company key."""

    users: Mapping[Ref, User] = field(default_factory=lambda: MappingProxyType({}))
    applied: Mapping[str, Mapping[str, Applied]] = field(default_factory=lambda: MappingProxyType({}))
    person_changes: Mapping[str, tuple[datetime, str]] = field(default_factory=lambda: MappingProxyType({}))
    owner_changed_at: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    team_holds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    role_changes: Mapping[str, Mapping[str, tuple[datetime, str]]] = field(default_factory=lambda: MappingProxyType({}))


def field_plan(derivation: Derivation) -> tuple[tuple[str, tuple[System, ...]], ...]:
    """The mapped fields in the order they are read, each with its order of systems."""
    names = sorted({*derivation.catalogue.account, "parent"} - _COMPUTED)
    return tuple((name, derivation.field_order.get(name, derivation.order)) for name in names)
