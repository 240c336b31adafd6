"""A small client of the fake HubSpot for its tests, in process; and a portal with a handful of records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.clock import ManualClock, iso
from syncd.sandbox.hubspot import HubspotPortal, Quirks
from syncd.sandbox.wire import Request, Response

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ANN, BEN, GONE, QUEUE = "77001", "77002", "77003", "77004"


class Client:
    """Calls a portal with its private token; every answer is `(status, document)`."""

    def __init__(self, portal: HubspotPortal, clock: ManualClock) -> None:
        self.portal = portal
        self.clock = clock
        self.headers = {"Authorization": f"Bearer {portal.credentials()['access_token']}"}
        self.last = Response(0)

    def call(self, method: str, target: str, document: Any = None) -> tuple[int, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        self.last = self.portal.handle(Request.of(method, target, self.headers, body))
        return self.last.status, json.loads(self.last.body) if self.last.body else None

    def get(self, target: str) -> Any:
        status, document = self.call("GET", target)
        assert status == 200, (status, document)
        return document

    def post(self, target: str, document: Any, *, status: int = 200) -> Any:
        found, answer = self.call("POST", target, document)
        assert found == status, (found, answer)
        return answer

    def search(self, *filters: tuple[str, str, Any], **more: Any) -> Any:
        rows = [{"propertyName": name, "operator": operator, "value": value} for name, operator, value in filters]
        return self.post("/crm/v3/objects/companies/search", {"filterGroups": [{"filters": rows}], **more})

    def found(self, *filters: tuple[str, str, Any], **more: Any) -> list[str]:
        return [row["id"] for row in self.search(*filters, **{"limit": 200, **more})["results"]]

    def update(self, *rows: tuple[str, str], traced: bool = False, version: str = "v3", status: int = 200) -> Any:
        inputs = [{"id": key, "properties": {"hubspot_owner_id": owner}} for key, owner in rows]
        if traced:
            inputs = [{**row, "objectWriteTraceId": f"trace-{row['id']}"} for row in inputs]
        path = "/crm/v3/objects/companies" if version == "v3" else f"/crm/objects/{version}/companies"
        return self.post(f"{path}/batch/update", {"inputs": inputs}, status=status)


def make(companies: int = 3, quirks: Quirks | None = None) -> Client:
    """A portal with four owners, `companies` companies from id 1001, a minute apart, and no call limits."""
    clock = ManualClock(START)
    portal = HubspotPortal(clock=clock, quirks=quirks)
    portal.limits.enabled = False
    portal.load(
        "owners",
        [
            {"id": ANN, "email": "ann@ex.test", "firstName": "Ann", "lastName": "Lee", "userId": 9001},
            {"id": BEN, "email": "Ben@ex.test", "firstName": "Ben", "lastName": "Ray", "userId": 9002, "teams": "East"},
            {
                "id": GONE,
                "email": "gone@ex.test",
                "firstName": "Gone",
                "lastName": "Ago",
                "userId": 9003,
                "archived": "true",
            },
            {"id": QUEUE, "email": "triage@ex.test", "type": "QUEUE", "userId": 9004},
        ],
    )
    made = START - timedelta(days=30)
    portal.load(
        "companies",
        [
            {
                "id": str(1001 + number),
                "name": f"Company {number}",
                "domain": f"company{number}.test",
                "numberofemployees": str(10 * (number + 1)),
                "hubspot_owner_id": ANN,
                "createdate": iso(made),
                "hs_lastmodifieddate": iso(made + timedelta(minutes=number)),
            }
            for number in range(companies)
        ],
    )
    return Client(portal, clock)
