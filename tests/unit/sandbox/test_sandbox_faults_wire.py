"""Faults of the wire and of pages: seen over sockets by a foreign client, and without sockets by ours."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ConnectionError

from syncd.connectors.wire import HttpRequest, WireError
from syncd.sandbox.faults import FaultKind, fault_of
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import RunningServer, serve
from tests.inprocess import InProcessWire

QUERY = "/services/data/v66.0/query?q=SELECT+Id,Name+FROM+Account+ORDER+BY+Name"


@pytest.fixture
def org() -> SalesforceOrg:
    org = SalesforceOrg(seed=4)
    org.load("Account", [{"Name": f"A{number}"} for number in range(9)])
    return org


@pytest.fixture
def server(org: SalesforceOrg) -> Iterator[RunningServer]:
    with serve(org) as running:
        yield running


def headers(org: SalesforceOrg) -> dict[str, str]:
    return {"Authorization": f"Bearer {org.credentials()['access_token']}"}


def fetched(server: RunningServer, org: SalesforceOrg, fault: object, **more: Any) -> requests.Response:
    org.faults.install([{"match": {"path": "*/query", "nth": 1}, "fault": fault, **more}])
    return requests.get(server.url + QUERY, headers=headers(org), timeout=5)


def names(document: Any) -> list[str]:
    return [row["Name"] for row in document["records"]]


@pytest.mark.parametrize("fault", ["refuse", "cut", "drop after"])
def test_connection_breaks_over_sockets(server: RunningServer, org: SalesforceOrg, fault: str) -> None:
    with pytest.raises((ConnectionError, ChunkedEncodingError)):
        fetched(server, org, fault)
    assert requests.get(server.url + QUERY, headers=headers(org), timeout=5).status_code == 200


@pytest.mark.parametrize("fault", ["cut-headers", "cut-gzip", "length -40"])
def test_answer_that_ends_early_is_a_good_status_with_a_bad_body(
    server: RunningServer, org: SalesforceOrg, fault: str
) -> None:
    # What the client makes of them: no header and no body, or half of the text; nothing says that something is wrong.
    answer = fetched(server, org, fault)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    org.faults.install([{"match": {"nth": 1}, "fault": fault}])
    ours = InProcessWire.to(org).send(HttpRequest("GET", f"https://org.example{QUERY}", headers(org)))
    assert ours.status == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(ours.body)


def test_length_that_is_too_large_breaks_the_body(server: RunningServer, org: SalesforceOrg) -> None:
    with pytest.raises((ConnectionError, ChunkedEncodingError)):
        fetched(server, org, "length 40")


def test_drip_keeps_every_read_alive(server: RunningServer, org: SalesforceOrg) -> None:
    org.faults.install([{"match": {"nth": 1}, "fault": "drip 0.001"}])
    answer = requests.get(f"{server.url}/services/data", timeout=1)
    assert answer.json()[-1]["version"] == "67.0"


def test_flood_is_a_large_body_of_good_json(server: RunningServer, org: SalesforceOrg) -> None:
    answer = fetched(server, org, "flood 3")
    assert (len(answer.content) > 3_000_000, len(answer.json()["records"])) == (True, 9)


def test_shuffled_page_holds_the_same_records_in_a_seeded_order(server: RunningServer, org: SalesforceOrg) -> None:
    seen = [names(fetched(server, org, "shuffle", seed=seed).json()) for seed in (1, 1, 2)]
    assert seen[0] == seen[1] != seen[2]
    assert all(sorted(one) == [f"A{number}" for number in range(9)] for one in seen)
    assert seen[0] != sorted(seen[0])


def test_doubled_record_may_hold_older_values(server: RunningServer, org: SalesforceOrg) -> None:
    document = fetched(server, org, "double", values={"Name": "old"}).json()
    assert names(document) == [*(f"A{number}" for number in range(9)), "old"]
    assert document["records"][0]["Id"] == document["records"][-1]["Id"]


def test_headers_are_replaced_and_missing(server: RunningServer, org: SalesforceOrg) -> None:
    other = fetched(server, org, "with", headers={"Sforce-Limit-Info": "api-usage=1/15000"})
    assert other.headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    assert "Sforce-Limit-Info" not in fetched(server, org, "without sforce-limit-info").headers


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status 400 QUERY_TIMEOUT", 400, "QUERY_TIMEOUT"),
        ("status 403 CONCURRENT_REQUESTS", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("status 403 API_DISABLED_FOR_ORG", 403, "API_DISABLED_FOR_ORG"),
    ],
)
def test_status_may_name_the_platforms_own_code(
    server: RunningServer, org: SalesforceOrg, fault: str, status: int, code: str
) -> None:
    answer = fetched(server, org, fault)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", "connect"),
        ("length 9", "broken"),
        ("drip 1", "timeout"),
        ("timeout 99", "timeout"),
        ("drop", "reset"),
        ("cut", "broken"),
    ],
)
def test_same_faults_without_sockets(org: SalesforceOrg, fault: str, kind: str) -> None:
    org.faults.install([{"match": {"nth": 1}, "fault": fault}])
    request = HttpRequest("GET", f"https://org.example{QUERY}", headers(org))
    with pytest.raises(WireError) as caught:
        InProcessWire.to(org).send(request)
    assert caught.value.kind == kind
    assert InProcessWire.to(org).send(request).status == 200


def test_page_faults_leave_what_is_no_page_alone(server: RunningServer, org: SalesforceOrg) -> None:
    org.faults.install([{"fault": "shuffle"}])
    assert requests.get(f"{server.url}/services/data", timeout=5).json()[0]["version"] == "31.0"


def test_compressed_request_bodies_are_read(server: RunningServer, org: SalesforceOrg) -> None:
    target = f"{server.url}/services/data/v66.0/sobjects/Account"
    body = json.dumps({"Name": "packed"}).encode()
    for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        answer = requests.post(target, packed, headers={**headers(org), "Content-Encoding": coding}, timeout=5)
        assert answer.status_code == 201
    for coding, packed in (("gzip", b"junk"), ("gzip", gzip.compress(body)[:20]), ("br", body)):
        answer = requests.post(target, packed, headers={**headers(org), "Content-Encoding": coding}, timeout=5)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("accepted", "packed"), [("gzip, deflate", True), ("gzip;q=0", False), ("identity", False), ("*", True)]
)
def test_answers_are_compressed_as_accepted(
    server: RunningServer, org: SalesforceOrg, accepted: str, packed: bool
) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", "/services/data", headers={"Accept-Encoding": accepted})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert (answer.getheader("Content-Encoding") == "gzip") is packed
    assert json.loads(gzip.decompress(body) if packed else body)[0]["version"] == "31.0"


@pytest.mark.parametrize("text", ["without", "length far", "drip x", "refuse 5 5", "status 503 lower"])
def test_words_that_make_no_fault_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        fault_of({"fault": text})


def test_every_kind_of_fault_can_be_scripted() -> None:
    extras: dict[str, Any] = {"edit": {"edit": {}}, "without": {"fault": "without X"}}
    for kind in FaultKind:
        assert fault_of({"fault": kind.value, **extras.get(kind.value, {})}).kind is kind
