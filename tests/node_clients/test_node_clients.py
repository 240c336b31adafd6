"""The sandboxes under clients that nobody here wrote, in Node: jsforce, and HubSpot's own (`make node-clients`)."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.clock import ManualClock, iso
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import serve

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / "build" / "node-clients"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PLACE / "node_modules").is_dir(),
    reason="the clients are not here: `make node-clients` installs them with npm",
)


def by_node(script: str, **known: object) -> dict[str, Any]:
    """What a script printed; node looks for the clients beside it."""
    shutil.copy(HERE / script, PLACE / script)
    command = ["node", script, json.dumps(known)]
    done = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_jsforce_works_against_the_sandbox() -> None:
    org = SalesforceOrg(clock=ManualClock(NOW))
    org.load("User", [{"Id": f"005Sb{number:010d}AAA", "Name": f"User {number}"} for number in (1, 2)])
    org.load("User", [{"Id": "005Sb0000000003AAA", "Name": "Gone", "IsActive": False}])
    org.load("Account", [{"Name": f"Account {number}"} for number in range(2_300)])
    other, inactive = (row["Id"] for row in org.records("User") if row["Name"] in ("User 2", "Gone"))
    with serve(org) as server:
        org.base_url = server.url
        known = {**org.credentials(), "version": "66.0", "now": iso(NOW), "other": other, "inactive": inactive}
        found = by_node("salesforce.mjs", **known)
    destroyed = found.pop("destroyed_id")
    assert found == {
        "user": True,
        "organization": org.organization_id,
        "latest": "67.0",
        "all": [2_300, 2_300],
        "paged": [2_300, False, 2_000, 300],
        "chained": ["Account 1", "Account 10", "Account 100", "Account 1000", "Account 1001"],
        "counted": 2_300,
        "nested": "string",
        "made": True,
        "read": ["By jsforce é", "Banking"],
        "many": [[True, None], [True, None], [False, "REQUIRED_FIELD_MISSING"]],
        "changed": [[True, None], [False, "INACTIVE_OWNER_OR_USER"]],
        "owner": True,
        "destroyed": True,
        "missing": "NOT_FOUND",
        "malformed": "INVALID_FIELD",
        "fields": True,
        "objects": True,
        "limits": True,
        "updated": True,
        "deleted": [destroyed],
        "bulk": [2_302, 2_302],
    }


def test_hubspots_client_for_node_works_against_the_sandbox() -> None:
    portal = HubspotPortal(clock=ManualClock(NOW))
    portal.limits.enabled = False
    portal.load(
        "owners",
        [
            {"id": "77001", "email": "ann@acme.test", "firstName": "Ann", "lastName": "Fox"},
            {"id": "77002", "email": "ben@acme.test", "firstName": "Ben", "lastName": "Ray"},
            {"id": "77003", "email": "gone@acme.test", "firstName": "Gone", "lastName": "Away", "archived": True},
        ],
    )
    companies = [
        {"id": str(1_001 + number), "name": f"Company {number}", "hubspot_owner_id": "77001"} for number in range(250)
    ]
    portal.load("companies", companies)
    portal.load("deals", [{"id": "5001", "dealname": "D", "associatedcompanyid": "1001"}, {"id": "5002"}])
    with serve(portal) as server:
        portal.base_url = server.url
        token = portal.credentials()["access_token"]
        found = by_node("hubspot.mjs", url=server.url, access_token=token, other="77002", inactive="77003")
    assert found == {
        "all": [250, 250],
        "found": [150, "1101", 10],
        "read": ["By Node é", "Köln", True],
        "written": [["1001"], 1],
        "history": ["77002", "77001"],
        "owners": 2,
        "pipelines": ["default"],
        "properties": True,
        "linked": [["1001"]],
        "listed": [2, 0],
        "merged": True,
        "archived": ["1005"],
        "missing": 404,
        "stranger": 401,
    }
