"""A client nobody here wrote, simple-salesforce, works against the fake org over real HTTP (salesforce.md 1.4 A)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sandbox_salesforce_client import ToSandbox
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceResourceNotFound,
)

from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import RunningServer, serve


@pytest.fixture
def org() -> SalesforceOrg:
    org = SalesforceOrg(seed=2)
    org.load("Account", ({"Name": f"A{number}", "Industry": "Banking"} for number in range(450)))
    return org


@pytest.fixture
def server(org: SalesforceOrg) -> Iterator[RunningServer]:
    with serve(org) as running:
        yield running


@pytest.fixture
def session(server: RunningServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", ToSandbox(server.url))
        yield session


@pytest.fixture
def client(org: SalesforceOrg, session: requests.Session) -> Salesforce:
    known = org.credentials()
    return Salesforce(
        session_id=known["access_token"],
        instance_url=known["url"],
        version="66.0",
        session=session,
        object_pairs_hook=dict,
    )


def test_queries_page_through(client: Salesforce) -> None:
    soql = "SELECT Id, Name, Owner.Name FROM Account WHERE Industry = 'Banking' ORDER BY Id"
    records = list(client.query_all_iter(soql, headers={"Sforce-Query-Options": "batchSize=200"}))
    assert len(records) == 450
    assert records[0]["Owner"]["Name"] == "Sync Bot"
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 450
    assert client.api_usage["api-usage"].used == 4


def test_rows_are_read_changed_and_missing(client: Salesforce, org: SalesforceOrg) -> None:
    record_id = org.records("Account")[0]["Id"]
    assert client.Account.get(record_id)["Name"] == "A0"
    assert client.Account.update(record_id, {"Rating": "Hot"}) == 204
    assert (org.record("Account", record_id) or {})["Rating"] == "Hot"
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get("001FK0000000000AAA")
    old = {"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"}
    with pytest.raises(SalesforceGeneralError) as caught:
        client.Account.update(record_id, {"Rating": "Cold"}, headers=old)
    assert caught.value.status == 412


def test_describe_limits_and_collections(client: Salesforce, org: SalesforceOrg) -> None:
    assert any(field["name"] == "OwnerId" for field in client.Account.describe()["fields"])
    assert client.limits()["DailyApiRequests"]["Max"] == 115_000
    record_id = org.records("Account")[1]["Id"]
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Account"}, "id": record_id, "Rating": "Warm"}]}
    assert client.restful("composite/sobjects", method="PATCH", json=body)[0]["success"] is True


def test_bulk_query_over_the_clients_own_loop(client: Salesforce, org: SalesforceOrg) -> None:
    org.model.jobs.polls_needed = 1
    pages = list(client.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=300, wait=0))
    assert [page.count("\n") - 1 for page in pages] == [300, 150]


def test_errors_are_the_clients_own(client: Salesforce, org: SalesforceOrg) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.query("SELECT Foo FROM Account")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"
    org.edit(session="revoke")
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Account")


def test_client_logs_in_by_client_credentials(org: SalesforceOrg, session: requests.Session) -> None:
    known = org.credentials()
    client = Salesforce(
        consumer_key=known["client_id"],
        consumer_secret=known["client_secret"],
        domain="acme.my",
        version="66.0",
        session=session,
    )
    assert client.query("SELECT Id FROM Account LIMIT 1")["totalSize"] == 1
    secrets = {known["client_secret"], client.session_id}
    for entry in org.journal.entries:
        assert not any(secret in str(entry.to_json()) for secret in secrets)


def test_updated_endpoint_with_a_trailing_slash(client: Salesforce, org: SalesforceOrg) -> None:
    record_id = org.records("Account")[0]["Id"]
    client.Account.update(record_id, {"Rating": "Hot"})
    now = org.clock.now()
    listed = client.Account.updated(now - timedelta(hours=1), now + timedelta(minutes=1))
    assert record_id in listed["ids"]


def pair(org: SalesforceOrg) -> dict[str, str]:
    known = org.credentials()
    return {"consumer_key": known["client_id"], "consumer_secret": known["client_secret"]}


@pytest.mark.parametrize("way", ["soap", "soap without token", "password", "jwt", "client credentials"])
def test_client_logs_in_by_every_grant_it_knows(org: SalesforceOrg, session: requests.Session, way: str) -> None:
    known = org.credentials()
    user = {"username": known["username"], "password": known["password"]}
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    arguments: dict[str, dict[str, Any]] = {
        "soap": {**user, "security_token": "", "version": "59.0"},
        "soap without token": {**user, "organizationId": known["organization_id"], "version": "59.0"},
        "password": {**user, **pair(org)},
        "jwt": {
            "username": known["username"],
            "consumer_key": known["client_id"],
            "privatekey": key.decode(),
            "domain": "login",
        },
        "client credentials": {**pair(org), "domain": "acme.my"},
    }
    client = Salesforce(session=session, **{"version": "66.0", **arguments[way]})
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 450


@pytest.mark.parametrize(
    ("refused", "arguments"),
    [
        ("soap", {"username": "{username}", "password": "{password}", "security_token": "", "version": "59.0"}),
        (
            "client_credentials",
            {"domain": "acme.my", "consumer_key": "{client_id}", "consumer_secret": "{client_secret}"},
        ),
    ],
)
def test_refused_grant_is_the_clients_own_error(
    org: SalesforceOrg, session: requests.Session, refused: str, arguments: dict[str, str]
) -> None:
    org.edit(session={"refuse": [refused]})
    filled = {key: value.format(**org.credentials()) for key, value in arguments.items()}
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(session=session, **filled)


def test_everything_is_read_at_once_with_deleted_rows(client: Salesforce, org: SalesforceOrg) -> None:
    gone = org.records("Account")[0]["Id"]
    assert client.Account.delete(gone) == 204
    assert client.query_all("SELECT Id FROM Account")["totalSize"] == 449
    whole = client.query_all("SELECT Id, IsDeleted FROM Account", include_deleted=True)
    assert (whole["totalSize"], len(whole["records"]), whole["done"]) == (450, 450, True)
    first = client.query("SELECT Id FROM Account ORDER BY Id", headers={"Sforce-Query-Options": "batchSize=200"})
    second = client.query_more(first["nextRecordsUrl"], True)
    assert (len(first["records"]), second["records"][0]["Id"] > first["records"][-1]["Id"]) == (200, True)
    now = org.clock.now()
    listed = client.Account.deleted(now - timedelta(hours=1), now + timedelta(minutes=1))
    assert [item["id"] for item in listed["deletedRecords"]] == [gone]


def test_rows_are_created_upserted_and_found_by_key(client: Salesforce, org: SalesforceOrg) -> None:
    org.edit(object="Account", field={"name": "ERP_Id__c", "type": "string", "external_id": True})
    made = client.Account.create({"Name": "New", "ERP_Id__c": "k/1"})
    assert client.Account.get_by_custom_id("ERP_Id__c", "k/1")["Id"] == made["id"]
    assert client.Account.upsert("ERP_Id__c/k2", {"Name": "Other"}) == 201
    assert client.Account.upsert("ERP_Id__c/k2", {"Name": "Again"}) == 200
    assert client.Account.upsert(f"Id/{made['id']}", {"Rating": "Hot"}) == 204
    org.edit(object="Account", id=made["id"], set={"ERP_Id__c": "k2"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Account.get_by_custom_id("ERP_Id__c", "k2")


def test_describes_metadata_and_composites(client: Salesforce, org: SalesforceOrg) -> None:
    described = client.describe()
    assert described is not None
    assert {"Account", "AccountHistory", "Lead"} <= {item["name"] for item in described["sobjects"]}
    assert client.Account.metadata()["objectDescribe"]["keyPrefix"] == "001"
    ids = [row["Id"] for row in org.records("Account")[:2]]
    calls = [
        {
            "method": "PATCH",
            "url": f"/services/data/v66.0/sobjects/Account/{key}",
            "referenceId": f"r{n}",
            "body": {"Rating": "Hot"},
        }
        for n, key in enumerate(ids)
    ]
    answer = client.restful("composite", method="POST", json={"compositeRequest": calls})
    assert [item["httpStatusCode"] for item in answer["compositeResponse"]] == [204, 204]
    found = client.query("SELECT Rating, COUNT(Id) n FROM Account GROUP BY Rating ORDER BY Rating NULLS LAST")
    assert [(row["Rating"], row["n"]) for row in found["records"]] == [("Hot", 2), (None, 448)]


def test_bulk_ingest_over_the_clients_own_loop(client: Salesforce, org: SalesforceOrg) -> None:
    ids = [row["Id"] for row in org.records("Account")[:3]]
    handler = client.bulk2.Account
    results = handler.update(records=[{"Id": key, "Rating": "Hot"} for key in [*ids, "001FK0000000000AAA"]], wait=0)
    assert [(item["numberRecordsProcessed"], item["numberRecordsFailed"]) for item in results] == [(4, 1)]
    assert "NOT_FOUND" in handler.get_failed_records(results[0]["job_id"])
    assert {(org.record("Account", key) or {})["Rating"] for key in ids} == {"Hot"}
    assert handler.insert(records=[{"Name": 'q"uoted'}], wait=0)[0]["numberRecordsFailed"] == 0
    assert handler.delete(records=[{"Id": key} for key in ids], wait=0)[0]["numberRecordsProcessed"] == 3


def test_failed_bulk_job_is_the_clients_own_error(client: Salesforce, org: SalesforceOrg) -> None:
    org.edit(bulk={"fail": "InternalServerError", "polls": 1})
    with pytest.raises(SalesforceOperationError):
        list(client.bulk2.Account.query("SELECT Id FROM Account", wait=0))


def test_token_that_ends_in_mid_walk_is_seen_as_such(client: Salesforce, org: SalesforceOrg) -> None:
    rows = client.query_all_iter("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    next(rows)
    org.edit(session="revoke")
    with pytest.raises(SalesforceExpiredSession):
        list(rows)
