"""The state of one fake portal, shared by its endpoints: tables, owners, pipelines, associations, switches, time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from syncd.clock import Clock
from syncd.sandbox.hubspot.associations import LABELLED, Associations
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME, KINDS, Group
from syncd.sandbox.hubspot.owners import Owners
from syncd.sandbox.hubspot.pipelines import Pipelines, standard_pipelines
from syncd.sandbox.hubspot.quirks import Quirks
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.refusals import locked
from syncd.sandbox.hubspot.values import milliseconds

_PRIMARY_COMPANY = {"deals": "hs_primary_associated_company", "contacts": "associatedcompanyid"}
_NAMESPACE = uuid.UUID("5a9d4b0e-6c1f-4b7e-9a53-0c7d1f2e3b4a")


def _groups() -> dict[str, dict[str, Group]]:
    return {kind.name: {kind.group: Group(kind.group, f"{kind.singular.title()} information")} for kind in KINDS}


@dataclass(slots=True)
class PortalState:
    """Everything the portal holds.

    `writer` is who writes by the API: the app of the token that the present request came with. `rates` are the
    account's other currencies with what one unit is worth in the company's. `locks` are records that another process
    holds, with the millisecond they are free again. `salesforce`: HubSpot's own Salesforce connector is installed.
    """

    clock: Clock
    portal_id: int
    writer: Source
    zone: ZoneInfo
    seed: int = 0
    base_url: str = "https://api.hubapi.com"
    quirks: Quirks = field(default_factory=Quirks)
    tables: dict[str, ObjectTable] = field(default_factory=lambda: {kind.name: ObjectTable(kind) for kind in KINDS})
    owners: Owners = field(default_factory=Owners)
    pipelines_of: dict[str, Pipelines] = field(default_factory=standard_pipelines)
    associations: Associations = field(default_factory=Associations)
    groups: dict[str, dict[str, Group]] = field(default_factory=_groups)
    currency: str = "USD"
    rates: dict[str, str] = field(default_factory=dict)
    locks: dict[tuple[str, int], int] = field(default_factory=dict)
    salesforce: bool = False
    requests: int = 0

    @property
    def now(self) -> int:
        """The present instant in milliseconds."""
        return milliseconds(self.clock.now())

    @property
    def pipelines(self) -> Pipelines:
        """The pipelines of deals."""
        return self.pipelines_of["deals"]

    def check_lock(self, table: ObjectTable, entry: Entry) -> None:
        """A Refusal (423) where another process holds the record (4.4)."""
        key = (table.kind.name, entry.id)
        until = self.locks.get(key)
        if until is not None and until > self.now:
            raise locked()
        self.locks.pop(key, None)

    def table(self, name: str) -> ObjectTable:
        """The table of an object type by any of its names; KeyError for another."""
        kind = KIND_BY_NAME.get(name.lower())
        if kind is None:
            raise KeyError(f"object {name}")
        return self.tables[kind.name]

    def lag(self, table: ObjectTable, entry: Entry) -> float:
        """Seconds until the index knows a change made now."""
        return self.quirks.lag_of(f"{table.kind.name}/{entry.id}", entry.id)

    def hidden(self, table: ObjectTable, entry: Entry) -> bool:
        """Whether the token may not see the record."""
        return bool(self.quirks.hidden) and f"{table.kind.name}/{entry.id}" in self.quirks.hidden

    def refresh_primary_companies(self) -> None:
        """Compute anew which company is the primary one of each deal and contact. No stamp moves (T40; 10.4)."""
        for name in _PRIMARY_COMPANY:
            for entry in self.tables[name]:
                self.refresh_primary(name, entry.id)

    def refresh_primary(self, name: str, record_id: int) -> None:
        """Compute the primary company of one record anew, where its type has one."""
        holder = _PRIMARY_COMPANY.get(name)
        entry = self.tables[name].entries.get(record_id)
        if holder is None or entry is None:
            return
        primary = LABELLED[name, "companies"][1]
        companies = self.associations.of(name, record_id, "companies")
        found = next((str(company) for company, types in companies.items() if primary in types), None)
        if found is None:
            entry.properties.pop(holder, None)
        else:
            entry.properties[holder] = found

    def linked(self, source: str, record_id: int, target: str) -> dict[int, frozenset[int]]:
        """The living records associated with one, by id, with their type ids; each way of reading shows the same."""
        entries = self.tables[target].entries
        others = self.associations.of(source, record_id, target)
        gone = {other for other in others if (found := entries.get(other)) is None or found.archived is not None}
        return {other: types for other, types in others.items() if other not in gone}

    def next_correlation_id(self) -> str:
        """An id for one answer; the same for the same seed and number of requests."""
        self.requests += 1
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/{self.portal_id}/{self.requests}"))
