"""The state of one fake portal, shared by its endpoints: tables, owners, pipelines, associations, switches, time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from syncd.clock import Clock
from syncd.sandbox.hubspot.associations import LABELLED, Associations
from syncd.sandbox.hubspot.definitions import KIND_BY_NAME, KINDS
from syncd.sandbox.hubspot.owners import Owners
from syncd.sandbox.hubspot.pipelines import Pipelines
from syncd.sandbox.hubspot.quirks import Quirks
from syncd.sandbox.hubspot.records import Entry, ObjectTable, Source
from syncd.sandbox.hubspot.values import milliseconds

_NAMESPACE = uuid.UUID("5a9d4b0e-6c1f-4b7e-9a53-0c7d1f2e3b4a")


@dataclass(slots=True)
class PortalState:
    """Everything the portal holds. `app_id` is what history says of our own writes."""

    clock: Clock
    portal_id: int
    app_id: str
    zone: ZoneInfo
    seed: int = 0
    base_url: str = "https://api.hubapi.com"
    quirks: Quirks = field(default_factory=Quirks)
    tables: dict[str, ObjectTable] = field(default_factory=lambda: {kind.name: ObjectTable(kind) for kind in KINDS})
    owners: Owners = field(default_factory=Owners)
    pipelines: Pipelines = field(default_factory=Pipelines)
    associations: Associations = field(default_factory=Associations)
    requests: int = 0

    @property
    def now(self) -> int:
        """The present instant in milliseconds."""
        return milliseconds(self.clock.now())

    @property
    def app(self) -> Source:
        """Our own app as a writer."""
        return Source("INTEGRATION", self.app_id)

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
        """Compute the deals' `hs_primary_associated_company` anew. No stamp moves (T40; 10.4, unverified)."""
        primary = LABELLED["deals", "companies"][1]
        for deal in self.tables["deals"]:
            companies = self.associations.of("deals", deal.id, "companies")
            found = next((str(company) for company, types in companies.items() if primary in types), None)
            if found is None:
                deal.properties.pop("hs_primary_associated_company", None)
            else:
                deal.properties["hs_primary_associated_company"] = found

    def next_correlation_id(self) -> str:
        """An id for one answer; the same for the same seed and number of requests."""
        self.requests += 1
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}/{self.portal_id}/{self.requests}"))
