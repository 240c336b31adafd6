"""A client nobody here wrote, simple-salesforce, works against the fake org over real HTTP (salesforce.md 1.4 A)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import RunningServer, serve


class ToSandbox(HTTPAdapter):
    """Sends what is meant for https://anything to the sandbox's http address."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc
        super().__init__()

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=self._netloc).geturl()
        return super().send(request, *args, **kwargs)


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
