"""What every connector is tested against: one small world a CRM, in process and over real HTTP.

A `World` speaks of accounts, opportunities and users; the connectors' own words stay in their worlds below. A third
CRM passes this suite by adding a world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.clock import ManualClock
from syncd.connectors.budget import RateBudget, hubspot_budget, salesforce_budget
from syncd.connectors.hubspot import DEFAULT_MAPPING as HUBSPOT_MAPPING
from syncd.connectors.hubspot import HubspotAccess, HubspotReader, HubspotWriter
from syncd.connectors.port import OwnerWrite, Reader, Writer
from syncd.connectors.salesforce import DEFAULT_MAPPING as SALESFORCE_MAPPING
from syncd.connectors.salesforce import SalesforceAccess, SalesforceReader, SalesforceWriter
from syncd.connectors.wire import HttpRequest, Wire
from syncd.entropy import SeededEntropy
from syncd.model.cursors import Page, Window
from syncd.model.fields import SystemMapping
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from tests.inprocess import InProcessWire

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
OVERLAP = timedelta(minutes=15)
CANARY = "canary"


@dataclass(frozen=True)
class Expected:
    """What the CRM itself says of a record."""

    name: str
    owner: str
    deleted: bool


class World(ABC):
    """A CRM with one owner-less sandbox behind it, and the connectors that lead to it."""

    system: System
    mapping: SystemMapping
    clock: ManualClock

    def __init__(self) -> None:
        self.token_reads = 0
        self.wire: Wire | None = None
        self.people = self.load_people()

    @property
    def inner(self) -> InProcessWire:
        """The in-process wire, for tests that look at requests or make trouble."""
        assert isinstance(self.wire, InProcessWire)
        return self.wire

    def now(self) -> datetime:
        return self.clock.now()

    def everything(self) -> Window:
        return Window(None, self.now() + timedelta(minutes=1))

    def since(self, lower: datetime) -> Window:
        return Window(lower, self.now() + timedelta(minutes=1))

    def ref(self, kind: Kind, record: str) -> Ref:
        return Ref(self.system, kind, record)

    def write(
        self, account: str, owner: str, *, since: datetime | None = None, kind: Kind = Kind.ACCOUNT
    ) -> OwnerWrite:
        return OwnerWrite(self.ref(kind, account), self.people[0], owner, since)

    def accounts(self, count: int, **values: Any) -> tuple[str, ...]:
        return self.load(Kind.ACCOUNT, [{"name": f"Account {number}", **values} for number in range(count)])

    def strike(self, fault: str, **match: Any) -> None:
        """Let the sandbox itself misbehave; `then` is what else the entry says."""
        then = match.pop("then", {})
        self.face.faults.install([{"match": match, "fault": fault, **then}], keep=True)

    @property
    @abstractmethod
    def face(self) -> Any: ...

    @abstractmethod
    def load_people(self) -> tuple[str, ...]:
        """Four people that may own records; the third is inactive."""

    @abstractmethod
    def load(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Records by rule field name, with `owner` and `account`."""

    @abstractmethod
    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        """A person changes fields, by rule field name or `owner`."""

    @abstractmethod
    def act(self, kind: Kind, record: str, verb: str, argument: Any = True) -> None:
        """A person deletes, restores or merges."""

    @abstractmethod
    def expected(self, kind: Kind) -> dict[str, Expected]: ...

    @abstractmethod
    def budget(self) -> RateBudget: ...

    @abstractmethod
    def reader(self, mapping: SystemMapping | None = None) -> Reader: ...

    @abstractmethod
    def writer(self) -> Writer: ...

    @abstractmethod
    def is_write(self, request: HttpRequest) -> bool: ...

    @property
    @abstractmethod
    def data_path(self) -> str:
        """A glob for the paths of reads, tokens apart."""

    @property
    @abstractmethod
    def write_path(self) -> str:
        """A glob for the path of a batch write."""


class SalesforceWorld(World):
    system = System.SALESFORCE
    mapping = SALESFORCE_MAPPING
    data_path = "/services/data/*"
    write_path = "/services/data/*/composite/sobjects"

    def __init__(self, base_url: str = "https://acme.my.salesforce.com") -> None:
        self.clock = ManualClock(START)
        self.org = SalesforceOrg(clock=self.clock)
        self.org.base_url = base_url
        super().__init__()

    @property
    def face(self) -> SalesforceOrg:
        return self.org

    def load_people(self) -> tuple[str, ...]:
        names = enumerate(("Ann Lee", "Bob Ray", "Cyd Poe", "Dee Fox"))
        rows = [
            {
                "Username": f"person{number}@acme.example",
                "Email": f"Person{number}@Acme.example",
                "FirstName": name.split()[0],
                "LastName": name.split()[1],
                "Name": name,
                "IsActive": number != 2,
                "UserType": "Standard",
            }
            for number, name in names
        ]
        return self.org.load("User", rows)

    def load(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        return self.org.load(self._object(kind), [self._row(kind, row) for row in rows])

    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        late = values.pop("visible_after", None)
        more = {} if late is None else {"visible_after": late}
        row = self._names(kind, values)
        self.org.edit({"object": self._object(kind), "id": record, "set": row, "transfer": False, **more})

    def act(self, kind: Kind, record: str, verb: str, argument: Any = True) -> None:
        self.org.edit({"object": self._object(kind), "id": record, verb: argument})

    def expected(self, kind: Kind) -> dict[str, Expected]:
        rows = self.org.records(self._object(kind))
        return {row["Id"]: Expected(row["Name"], row["OwnerId"], row["IsDeleted"]) for row in rows}

    def budget(self) -> RateBudget:
        return salesforce_budget(self.clock)

    def access(self, **changes: Any) -> SalesforceAccess:
        credentials = self.org.credentials()

        def secret() -> str:
            self.token_reads += 1
            return credentials["client_secret"]

        values = {"login_url": credentials["url"], "client_id": credentials["client_id"], "client_secret": secret}
        return SalesforceAccess(**{**values, **changes})

    def reader(self, mapping: SystemMapping | None = None) -> SalesforceReader:
        return SalesforceReader(self.access(), mapping or self.mapping, **self._ports())

    def writer(self) -> SalesforceWriter:
        return SalesforceWriter(self.access(), self.mapping, **self._ports())

    def is_write(self, request: HttpRequest) -> bool:
        return request.method == "PATCH"

    def _ports(self) -> dict[str, Any]:
        return {"wire": self.wire, "clock": self.clock, "entropy": SeededEntropy(1), "budget": self.budget()}

    def _object(self, kind: Kind) -> str:
        return "User" if kind is Kind.USER else self.mapping.kinds[kind].object

    def _row(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        row = self._names(kind, {"owner": self.people[0], **values})
        if kind is Kind.OPPORTUNITY:
            row = {"StageName": "Prospecting", "CloseDate": "2026-12-01", **row}
        return row

    def _names(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        own = {"owner": "OwnerId", "account": "AccountId", "stamp": "SystemModstamp"}
        fields = {**self.mapping.kinds[kind].fields, **own}
        return {fields[name]: value for name, value in values.items()}


class HubspotWorld(World):
    system = System.HUBSPOT
    mapping = HUBSPOT_MAPPING
    data_path = "/crm/*"
    write_path = "/crm/*/batch/update"

    def __init__(self, base_url: str = "https://api.hubapi.com", version: str = "v3") -> None:
        self.clock = ManualClock(START)
        self.portal = HubspotPortal(clock=self.clock)
        self.portal.base_url = base_url
        self.version = version
        super().__init__()

    @property
    def face(self) -> HubspotPortal:
        return self.portal

    def load_people(self) -> tuple[str, ...]:
        rows = [
            {
                "email": f"Person{number}@Acme.example",
                "firstName": name.split()[0],
                "lastName": name.split()[1],
                "archived": number == 2,
            }
            for number, name in enumerate(("Ann Lee", "Bob Ray", "Cyd Poe", "Dee Fox"))
        ]
        return self.portal.load("owners", rows)

    def load(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        return self.portal.load(self._object(kind), [self._row(kind, row) for row in rows])

    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        late = values.pop("visible_after", None)
        object_ = self._object(kind)
        if late is not None:
            self.portal.quirks.record_lag[f"{object_}/{record}"] = float(late)
        self.portal.edit({"object": object_, "id": record, "set": self._names(kind, values)})

    def act(self, kind: Kind, record: str, verb: str, argument: Any = True) -> None:
        self.portal.edit({"object": self._object(kind), "id": record, verb: argument})

    def expected(self, kind: Kind) -> dict[str, Expected]:
        name = "name" if kind is Kind.ACCOUNT else "dealname"
        found = {}
        for row in self.portal.records(self._object(kind)):
            gone = row["archived"] or row["mergedInto"] is not None
            values = row["properties"]
            found[row["id"]] = Expected(values[name], values.get("hubspot_owner_id", ""), gone)
        return found

    def budget(self) -> RateBudget:
        return hubspot_budget(self.clock)

    def access(self) -> HubspotAccess:
        credentials = self.portal.credentials()

        def token() -> str:
            self.token_reads += 1
            return str(credentials["access_token"])

        return HubspotAccess(token, str(credentials["url"]), self.version)

    def reader(self, mapping: SystemMapping | None = None) -> HubspotReader:
        return HubspotReader(self.access(), mapping or self.mapping, **self._ports())

    def writer(self) -> HubspotWriter:
        return HubspotWriter(self.access(), self.mapping, **self._ports())

    def is_write(self, request: HttpRequest) -> bool:
        return "/batch/update" in request.url

    def _ports(self) -> dict[str, Any]:
        return {"wire": self.wire, "clock": self.clock, "entropy": SeededEntropy(1), "budget": self.budget()}

    def _object(self, kind: Kind) -> str:
        return self.mapping.kinds[kind].object

    def _row(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        row = self._names(kind, {"owner": self.people[0], **values})
        if kind is Kind.OPPORTUNITY:
            row = {"dealstage": "appointmentscheduled", "pipeline": "default", **row}
        return row

    def _names(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        own = {"owner": "hubspot_owner_id", "account": "associatedcompanyid", "stamp": "hs_lastmodifieddate"}
        fields = {**self.mapping.kinds[kind].fields, **own}
        return {fields[name]: value for name, value in values.items()}


WORLDS = {System.SALESFORCE: SalesforceWorld, System.HUBSPOT: HubspotWorld}


def records_of(pages: Iterable[Page]) -> dict[str, Record]:
    """The newest record of each id, as an upsert by stamp keeps them."""
    found: dict[str, Record] = {}
    for page in pages:
        for record in page.records:
            if record.ref.id not in found or record.stamp >= found[record.ref.id].stamp:
                found[record.ref.id] = record
    return found


def seen(records: Mapping[str, Record]) -> dict[str, Expected]:
    """Records as the world tells of them."""
    return {key: Expected(record.fields["name"], record.owner or "", record.deleted) for key, record in records.items()}
