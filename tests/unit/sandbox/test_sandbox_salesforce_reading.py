"""Reading the fake org: versions, describe, pages and locators, single rows, updated and deleted, bulk jobs, limits."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request, Response

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ROOT = "/services/data/v66.0"


class Client:
    """A caller with a token."""

    def __init__(self, org: SalesforceOrg) -> None:
        self.org = org
        self.headers = {"Authorization": f"Bearer {org.credentials()['access_token']}"}

    def call(self, method: str, target: str, body: object = None, **headers: str) -> Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        data = b"" if body is None else json.dumps(body).encode()
        return self.org.handle(Request.of(method, target, {**self.headers, **named}, data))

    def json(self, method: str, target: str, body: object = None, **headers: str) -> Any:
        return json.loads(self.call(method, target, body, **headers).body)

    def query(self, soql: str, call: str = "query", **headers: str) -> Any:
        return self.json("GET", f"{ROOT}/{call}?q={quote(soql)}", **headers)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def org(clock: ManualClock) -> SalesforceOrg:
    org = SalesforceOrg(clock=clock, seed=1)
    stamp = NOW - timedelta(hours=1)
    org.load("Account", ({"Name": f"A{number:04d}", "SystemModstamp": stamp} for number in range(450)))
    return org


@pytest.fixture
def client(org: SalesforceOrg) -> Client:
    return Client(org)


def test_versions_need_no_token(org: SalesforceOrg) -> None:
    listed = json.loads(org.handle(Request.of("GET", "/services/data/", {})).body)
    assert {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"} in listed
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in listed
    assert {"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"} in listed


def test_resources_of_a_version(client: Client) -> None:
    assert client.json("GET", ROOT)["queryAll"] == f"{ROOT}/queryAll"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/services/data/v30.0/limits", 410, "GONE"),
        ("/services/data/v99.0/limits", 404, "NOT_FOUND"),
        (f"{ROOT}/nonsense", 404, "NOT_FOUND"),
        ("/nonsense", 404, "NOT_FOUND"),
        (f"{ROOT}/sobjects/Nothing/describe", 404, "NOT_FOUND"),
        (f"{ROOT}/sobjects/Account/001FK0000000000AAA", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there_has_the_error_shape(client: Client, target: str, status: int, code: str) -> None:
    response = client.call("GET", target)
    assert response.status == status
    assert json.loads(response.body)[0]["errorCode"] == code


def test_walk_follows_next_records_url_to_the_end(client: Client) -> None:
    page = client.query("SELECT Id FROM Account ORDER BY SystemModstamp, Id", Sforce_Query_Options="batchSize=200")
    sizes, ids = [], []
    while True:
        assert page["totalSize"] == 450
        sizes.append(len(page["records"]))
        ids += [record["Id"] for record in page["records"]]
        if page["done"]:
            break
        assert page["nextRecordsUrl"].startswith(f"{ROOT}/query/0r8")
        page = client.json("GET", page["nextRecordsUrl"] + "?q=ignored")
    assert sizes == [200, 200, 50]
    assert "nextRecordsUrl" not in page
    assert ids == sorted(set(ids))
    assert len(ids) == 450


@pytest.mark.parametrize(("hint", "size"), [("batchSize=1", 200), ("batchSize=300", 300), ("batchSize=9999", 450)])
def test_batch_size_is_kept_inside_its_bounds(client: Client, hint: str, size: int) -> None:
    assert len(client.query("SELECT Id FROM Account", Sforce_Query_Options=hint)["records"]) == size


def test_pages_may_be_shorter_than_the_hint(client: Client, org: SalesforceOrg) -> None:
    org.model.cursors.page_limit = 7
    page = client.query("SELECT Id FROM Account")
    assert (len(page["records"]), page["done"]) == (7, False)


def test_pages_show_the_result_as_it_was_when_it_was_asked_for(client: Client, org: SalesforceOrg) -> None:
    page = client.query("SELECT Id, Name FROM Account ORDER BY Id", Sforce_Query_Options="batchSize=200")
    last = org.records("Account")[-1]
    org.edit(object="Account", id=last["Id"], set={"Name": "Changed"})
    page = client.json("GET", page["nextRecordsUrl"])
    page = client.json("GET", page["nextRecordsUrl"])
    assert page["records"][-1]["Name"] == "A0449"


def test_locator_expires_with_time_and_with_too_many_others(client: Client, clock: ManualClock) -> None:
    def opened() -> str:
        return str(client.query("SELECT Id FROM Account", Sforce_Query_Options="batchSize=200")["nextRecordsUrl"])

    first = opened()
    assert client.call("GET", first).status == 200
    others = [opened() for _ in range(10)]
    response = client.call("GET", first)
    assert response.status == 400
    assert json.loads(response.body)[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    clock.advance(timedelta(days=2, seconds=1))
    client.headers["Authorization"] = f"Bearer {client.org.credentials()['access_token']}"
    assert client.json("GET", others[-1])[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_describe_has_types_references_and_picklists(client: Client, org: SalesforceOrg) -> None:
    org.load("Account", [{"Name": "Odd", "Industry": "Alchemy", "Score__c": 1.5, "Renewal__c": "2027-01-31"}])
    described = client.json("GET", f"{ROOT}/sobjects/account/describe/")
    fields = {field["name"]: field for field in described["fields"]}
    assert (described["name"], described["keyPrefix"], described["mergeable"]) == ("Account", "001", True)
    owner = fields["OwnerId"]
    assert (owner["type"], owner["referenceTo"], owner["relationshipName"]) == ("reference", ["User"], "Owner")
    assert fields["Score__c"]["type"] == "double"
    assert fields["Score__c"]["custom"] is True
    assert fields["Renewal__c"]["type"] == "date"
    values = [value["value"] for value in fields["Industry"]["picklistValues"]]
    assert "Banking" in values
    assert "Alchemy" in values
    assert fields["SystemModstamp"]["updateable"] is False
    assert "IsDeleted" not in {f["name"] for f in client.json("GET", f"{ROOT}/sobjects/User/describe")["fields"]}


def test_hidden_field_is_gone_from_describe_query_and_row(client: Client, org: SalesforceOrg) -> None:
    record_id = org.records("Account")[0]["Id"]
    org.edit(object="Account", hide="Industry")
    names = {field["name"] for field in client.json("GET", f"{ROOT}/sobjects/Account/describe")["fields"]}
    assert "Industry" not in names
    assert client.query("SELECT Industry FROM Account")[0]["errorCode"] == "INVALID_FIELD"
    assert "Industry" not in client.json("GET", f"{ROOT}/sobjects/Account/{record_id}")
    org.edit(object="Account", show="Industry")
    assert client.query("SELECT Industry FROM Account")["totalSize"] == 450


def test_hidden_object_is_an_invalid_type(client: Client, org: SalesforceOrg) -> None:
    org.edit(object="AccountTeamMember", hide="*")
    assert client.query("SELECT Id FROM AccountTeamMember")[0]["errorCode"] == "INVALID_TYPE"
    listed = {item["name"] for item in client.json("GET", f"{ROOT}/sobjects/")["sobjects"]}
    assert "AccountTeamMember" not in listed
    assert {"Account", "Opportunity", "User", "Lead", "Contact", "Task", "OpportunityTeamMember"} <= listed


def test_row_with_chosen_fields_and_conditional_headers(client: Client, org: SalesforceOrg) -> None:
    record = org.records("Account")[0]
    target = f"{ROOT}/sobjects/Account/{record['Id'][:15]}"
    response = client.call("GET", f"{target}?fields=Name,OwnerId")
    assert set(json.loads(response.body)) == {"attributes", "Name", "OwnerId"}
    assert response.headers["Last-Modified"] == "Fri, 20 Nov 2026 09:00:00 GMT"
    tag = response.headers["ETag"]
    assert tag.endswith('-gzip"')
    assert client.call("GET", target, If_None_Match=tag).status == 304
    assert client.call("GET", target, If_Modified_Since="Fri, 20 Nov 2026 09:00:00 GMT").status == 304
    assert client.call("GET", target, If_Modified_Since="Fri, 20 Nov 2026 08:59:59 GMT").status == 200
    user = client.call("GET", f"{ROOT}/sobjects/User/{org.integration_user_id}")
    assert "ETag" not in user.headers
    assert client.json("GET", f"{target}?fields=Foo")[0]["errorCode"] == "INVALID_FIELD"


def test_usage_header_counts_calls_of_the_last_day(client: Client, clock: ManualClock) -> None:
    assert client.call("GET", f"{ROOT}/limits").headers["Sforce-Limit-Info"] == "api-usage=1/115000"
    assert client.call("GET", f"{ROOT}/limits").headers["Sforce-Limit-Info"] == "api-usage=2/115000"
    clock.advance(timedelta(days=1))
    client.headers["Authorization"] = f"Bearer {client.org.credentials()['access_token']}"
    assert client.json("GET", f"{ROOT}/limits")["DailyApiRequests"] == {"Max": 115_000, "Remaining": 114_999}


def test_spent_allowance_is_403(client: Client, org: SalesforceOrg) -> None:
    org.model.api_limit = 1
    assert client.call("GET", f"{ROOT}/limits").status == 200
    response = client.call("GET", f"{ROOT}/limits")
    assert response.status == 403
    assert json.loads(response.body)[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


def test_updated_and_deleted_lists(client: Client, org: SalesforceOrg, clock: ManualClock) -> None:
    first, second = (row["Id"] for row in org.records("Account")[:2])
    org.edit(object="Account", id=first, set={"Name": "New"})
    org.edit(object="Account", id=second, delete=True)
    clock.advance(timedelta(minutes=5))
    span = f"?start={quote('2026-11-20T09:59:00+00:00')}&end={quote('2026-11-20T10:04:00+00:00')}"
    updated = client.json("GET", f"{ROOT}/sobjects/Account/updated/{span}")
    assert updated["ids"] == [first]
    assert updated["latestDateCovered"] == "2026-11-20T10:03:00.000+0000"
    gone = client.json("GET", f"{ROOT}/sobjects/Account/deleted/{span}")
    assert gone["deletedRecords"] == [{"id": second, "deletedDate": "2026-11-20T10:00:00.000+0000"}]
    old = "?start=2026-09-01T00%3A00%3A00Z&end=2026-11-20T00%3A00%3A00Z"
    assert client.json("GET", f"{ROOT}/sobjects/Account/updated{old}")[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_bulk_query_job_is_polled_and_fetched_in_parts(client: Client, org: SalesforceOrg) -> None:
    org.load("Account", [{"Name": 'quote " and\nline', "IsDeleted": True}])
    body = {"operation": "queryAll", "query": "SELECT Id, name, Owner.Email, IsDeleted, SystemModstamp FROM Account"}
    job = client.json("POST", f"{ROOT}/jobs/query", body)
    assert job["state"] == "UploadComplete"
    target = f"{ROOT}/jobs/query/{job['id']}"
    assert client.call("GET", f"{target}/results").status == 204
    assert client.json("GET", target)["state"] == "InProgress"
    done = client.json("GET", target)
    assert (done["state"], done["numberRecordsProcessed"]) == ("JobComplete", 451)
    rows, locator = [], ""
    while locator != "null":
        part = client.call("GET", f"{target}/results?maxRecords=200&locator={locator}")
        locator = part.headers["Sforce-Locator"]
        read = list(csv.DictReader(io.StringIO(part.body.decode())))
        assert len(read) == int(part.headers["Sforce-NumberOfRecords"])
        rows += read
    assert len(rows) == 451
    assert list(rows[0]) == ["Id", "Name", "Owner.Email", "IsDeleted", "SystemModstamp"]
    assert rows[0]["SystemModstamp"] == "2026-11-20T09:00:00.000Z"
    assert rows[-1]["Name"] == 'quote " and\nline'
    assert rows[-1]["IsDeleted"] == "true"
    assert client.call("GET", target.replace("v66.0", "v65.0") + "/results").status == 409
    assert client.call("DELETE", target).status == 204
    assert client.call("GET", target).status == 404


def test_bulk_refuses_bad_soql_at_once(client: Client) -> None:
    body = {"operation": "query", "query": "SELECT Foo FROM Account"}
    assert client.json("POST", f"{ROOT}/jobs/query", body)[0]["errorCode"] == "INVALID_FIELD"


def test_a_big_org_pages_fast() -> None:
    org = SalesforceOrg(clock=ManualClock(NOW))
    stamps = [NOW - timedelta(seconds=number) for number in range(20_000)]
    org.load("Account", ({"Name": f"A{n}", "Industry": "Banking", "SystemModstamp": s} for n, s in enumerate(stamps)))
    client = Client(org)
    base = org.clock.base
    assert isinstance(base, ManualClock)
    page = client.query("SELECT Id, Name, OwnerId, Industry, SystemModstamp FROM Account ORDER BY SystemModstamp, Id")
    walked = len(page["records"])
    while not page["done"]:
        page = client.json("GET", page["nextRecordsUrl"])
        walked += len(page["records"])
    assert walked == 20_000
    narrow = client.query("SELECT Id FROM Account WHERE SystemModstamp >= 2026-11-20T09:59:50Z")
    assert narrow["totalSize"] == 11
