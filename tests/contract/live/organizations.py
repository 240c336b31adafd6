"""Organizations that the conformance suite may write to: a sandbox behind HTTP, or a real test account by credentials.

What the suite makes has a prefix of its own and is deleted at the end. Our connector's client carries the calls, so the
suite needs nothing that syncd does not have.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncd.clock import SystemClock
from syncd.connectors.budget import RateBudget, hubspot_budget, salesforce_budget
from syncd.connectors.hubspot import DEFAULT_MAPPING as HUBSPOT_MAPPING
from syncd.connectors.hubspot import HubspotAccess, HubspotReader, HubspotWriter
from syncd.connectors.hubspot.client import HubspotClient
from syncd.connectors.hubspot.reader import hubspot_gate
from syncd.connectors.port import Reader, Writer
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.salesforce import DEFAULT_MAPPING as SALESFORCE_MAPPING
from syncd.connectors.salesforce import SalesforceAccess, SalesforceReader, SalesforceWriter
from syncd.connectors.salesforce.client import SalesforceClient
from syncd.connectors.salesforce.reader import salesforce_gate
from syncd.connectors.wire import HttpResponse, Wire
from syncd.entropy import SystemEntropy
from syncd.model.refs import Kind, System

VARIABLES: Mapping[System, tuple[str, ...]] = {
    System.SALESFORCE: (
        "SYNCD_CONTRACT_SALESFORCE_URL",
        "SYNCD_CONTRACT_SALESFORCE_CLIENT_ID",
        "SYNCD_CONTRACT_SALESFORCE_CLIENT_SECRET",
    ),
    System.HUBSPOT: ("SYNCD_CONTRACT_HUBSPOT_TOKEN",),
}
"""What must be set for the suite to run against a real account; the values are never shown."""


class Organization(ABC):
    """One CRM account, its connectors, and hands that change records as another program would."""

    system: System

    def __init__(self, wire: Wire, prefix: str) -> None:
        self.clock = SystemClock()
        self.wire = wire
        self.prefix = prefix
        self.made: list[tuple[Kind, str]] = []

    def ports(self) -> dict[str, Any]:
        return {"wire": self.wire, "clock": self.clock, "entropy": SystemEntropy(), "budget": self.budget()}

    def create(self, kind: Kind, names: Sequence[str], **values: Any) -> tuple[str, ...]:
        """Records of ours, named with the prefix."""
        ids = self._create(kind, [{"name": f"{self.prefix} {name}", **values} for name in names])
        self.made += [(kind, one) for one in ids]
        return ids

    def clean(self) -> None:
        """Delete what was made here."""
        for kind in dict.fromkeys(kind for kind, _ in self.made):
            self.delete(kind, [one for known, one in self.made if known is kind])

    @abstractmethod
    def budget(self) -> RateBudget: ...

    @abstractmethod
    def reader(self) -> Reader: ...

    @abstractmethod
    def writer(self) -> Writer: ...

    @abstractmethod
    def _create(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]: ...

    @abstractmethod
    def edit(self, kind: Kind, record: str, **values: Any) -> None: ...

    @abstractmethod
    def delete(self, kind: Kind, records: Sequence[str]) -> None: ...


class HubspotOrganization(Organization):
    system = System.HUBSPOT

    def __init__(self, wire: Wire, prefix: str, access: HubspotAccess) -> None:
        super().__init__(wire, prefix)
        self.access = access
        policy = RetryPolicy(self.clock, SystemEntropy())
        self.client = HubspotClient(access, hubspot_gate(wire, self.budget()), policy, self.clock)

    def budget(self) -> RateBudget:
        return hubspot_budget(self.clock, api_share=1.0)

    def reader(self) -> HubspotReader:
        return HubspotReader(self.access, HUBSPOT_MAPPING, **self.ports())

    def writer(self) -> HubspotWriter:
        return HubspotWriter(self.access, HUBSPOT_MAPPING, **self.ports())

    def call(self, path: str, body: Mapping[str, Any]) -> HttpResponse:
        """One POST and its answer, whatever its status."""
        return self.client.write(path, body)

    def path(self, kind: Kind, rest: str) -> str:
        return f"{self.client.paths.list(HUBSPOT_MAPPING.kinds[kind].object)}/{rest}"

    def _create(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        inputs = [{"properties": self._names(kind, row)} for row in rows]
        answer = self.call(self.path(kind, "batch/create"), {"inputs": inputs})
        found = {row["properties"][_name(kind)]: row["id"] for row in _good(answer)["results"]}
        return tuple(str(found[str(row["name"])]) for row in rows)

    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        inputs = [{"id": record, "properties": self._names(kind, values)}]
        _good(self.call(self.path(kind, "batch/update"), {"inputs": inputs}))

    def delete(self, kind: Kind, records: Sequence[str]) -> None:
        for start in range(0, len(records), 100):
            inputs = [{"id": one} for one in records[start : start + 100]]
            self.call(self.path(kind, "batch/archive"), {"inputs": inputs})

    def _names(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
        fields = {**HUBSPOT_MAPPING.kinds[kind].fields, "owner": "hubspot_owner_id"}
        return {fields[name]: str(value) for name, value in values.items()}


class SalesforceOrganization(Organization):
    system = System.SALESFORCE

    def __init__(self, wire: Wire, prefix: str, access: SalesforceAccess) -> None:
        super().__init__(wire, prefix)
        self.access = access
        policy = RetryPolicy(self.clock, SystemEntropy())
        self.client = SalesforceClient(access, salesforce_gate(wire, self.budget()), policy, self.clock)

    def budget(self) -> RateBudget:
        return salesforce_budget(self.clock, api_share=1.0)

    def reader(self) -> SalesforceReader:
        return SalesforceReader(self.access, SALESFORCE_MAPPING, **self.ports())

    def writer(self) -> SalesforceWriter:
        return SalesforceWriter(self.access, SALESFORCE_MAPPING, **self.ports())

    def _create(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        more = {"StageName": "Prospecting", "CloseDate": "2030-01-01"} if kind is Kind.OPPORTUNITY else {}
        records = [{**self._record(kind, row), **more} for row in rows]
        answer = self.client.post("composite/sobjects", {"allOrNone": True, "records": records})
        return tuple(str(row["id"]) for row in _good(answer))

    def edit(self, kind: Kind, record: str, **values: Any) -> None:
        row = {**self._record(kind, values), "id": record}
        _good(self.client.patch("composite/sobjects", {"allOrNone": True, "records": [row]}))

    def delete(self, kind: Kind, records: Sequence[str]) -> None:
        del kind
        for start in range(0, len(records), 200):
            ids = ",".join(records[start : start + 200])
            self.client.request("DELETE", f"composite/sobjects?ids={ids}&allOrNone=false", check=lambda answer: answer)

    def _record(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        mapping = SALESFORCE_MAPPING.kinds[kind]
        fields = {**mapping.fields, "owner": "OwnerId"}
        return {"attributes": {"type": mapping.object}, **{fields[name]: value for name, value in values.items()}}


def real_organization(system: System, environ: Mapping[str, str], wire: Wire, prefix: str) -> Organization:
    """The test account that the variables name."""
    if system is System.HUBSPOT:
        token = environ["SYNCD_CONTRACT_HUBSPOT_TOKEN"]
        version = environ.get("SYNCD_CONTRACT_HUBSPOT_VERSION", "v3")
        base = environ.get("SYNCD_CONTRACT_HUBSPOT_URL", "https://api.hubapi.com")
        return HubspotOrganization(wire, prefix, HubspotAccess(lambda: token, base, version))
    url, client_id, secret = (environ[name] for name in VARIABLES[System.SALESFORCE])
    access = SalesforceAccess(url, client_id, grant="client_credentials", client_secret=lambda: secret)
    return SalesforceOrganization(wire, prefix, access)


def _good(answer: HttpResponse) -> Any:
    document = json.loads(answer.body)
    failed = isinstance(document, list) and any(row.get("success") is False for row in document)
    assert answer.status in (200, 201), (answer.status, str(document)[:500])
    assert not failed, str(document)[:500]
    return document


def _name(kind: Kind) -> str:
    return HUBSPOT_MAPPING.kinds[kind].fields["name"]


def eventually(look: Callable[[], bool], clock: SystemClock, *, seconds: float) -> bool:
    """Whether something comes true within so many seconds: search indexes lag."""
    for _ in range(max(1, int(seconds))):
        if look():
            return True
        clock.sleep(1.0)
    return look()
