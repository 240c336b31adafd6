"""Faults F01–F24 of reliability.md 6.2 in the fake Salesforce, each scripted by an entry or an edit, by its number."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox_hubspot_client import make
from sandbox_salesforce_client import OrgClient

from syncd.sandbox.wire import Response

ROWS = "query?q=SELECT+Id,Name,OwnerId+FROM+Account+ORDER+BY+Id"


@pytest.fixture
def client() -> OrgClient:
    made = OrgClient()
    made.org.load("Account", [{"Name": f"Account {number}"} for number in range(5)])
    return made


def script(client: OrgClient, fault: str, path: str = "*", **then: Any) -> None:
    match = {"path": path, **then.pop("match", {})}
    client.org.faults.install([{"match": match, "fault": fault, **then}])


def read(client: OrgClient) -> Response:
    return client.call("GET", ROWS)


def names(response: Response) -> list[str]:
    return [row["Name"] for row in json.loads(response.body)["records"]]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param("status 401", 401, id="F01"),
        pytest.param("status 403 REQUEST_LIMIT_EXCEEDED", 403, id="F02"),
        pytest.param("status 429", 429, id="F03"),
        *(pytest.param(f"status {status} before", status, id=f"F04-{status}") for status in (500, 502, 503, 504)),
        *(pytest.param(f"status {status}", status, id=f"F05-{status}") for status in (406, 408, 409, 420, 423, 530)),
    ],
)
def test_f01_to_f05_refusals_by_status(client: OrgClient, fault: str, status: int) -> None:
    script(client, fault, match={"times": 1}, headers={"Retry-After": "7"})
    refused = read(client)
    assert (refused.status, dict(refused.headers)["Retry-After"]) == (status, "7")
    assert len(names(read(client))) == 5, "once, and then as before"


def test_f01_a_session_that_ends_and_a_grant_that_is_refused(client: OrgClient) -> None:
    client.org.edit({"session": "revoke"})
    assert client.error("GET", ROWS) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize("face", ["salesforce", "hubspot"])
@pytest.mark.parametrize("fault", ["refuse", "html 407"])
def test_f06_nobody_listens_or_a_proxy_answers(client: OrgClient, face: str, fault: str) -> None:
    if face == "salesforce":
        script(client, fault)
        answer = read(client)
    else:
        portal = make()
        portal.portal.faults.install([{"match": {"path": "*"}, "fault": fault}])
        portal.last = portal.portal.handle(_owners(portal.headers))
        answer = portal.last
    assert answer.refused if fault == "refuse" else (answer.status, b"<html" in answer.body.lower()) == (407, True)


def _owners(headers: dict[str, str]) -> Any:
    from syncd.sandbox.wire import Request

    return Request.of("GET", "/crm/v3/owners", headers, b"")


@pytest.mark.parametrize("when", ["before", "after"])
def test_f07_no_answer_before_or_after_the_work(client: OrgClient, when: str) -> None:
    account = client.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    script(client, f"timeout 30 {when}", match={"method": "PATCH"})
    assert client.call("PATCH", f"sobjects/Account/{account}", {"Name": "Written"}).timeout
    client.org.faults.clear()
    assert (client.row("Account", account)["Name"] == "Written") is (when == "after")


@pytest.mark.parametrize(
    "fault", ["drop", "cut-headers", "cut", "truncate", "cut-gzip", "length 5", "stall 9", "drip 1"]
)
def test_f08_f09_bodies_that_end_early_or_never(client: OrgClient, fault: str) -> None:
    whole = read(client)
    script(client, fault)
    broken = read(client)
    signs = (broken.drop, broken.trick, broken.stall, broken.body != whole.body)
    assert any(signs), "the answer is not the whole one"


@pytest.mark.parametrize("fault", ["html 200", "empty 200", "garble"])
def test_f09_bodies_that_are_no_json(client: OrgClient, fault: str) -> None:
    script(client, fault)
    answer = read(client)
    assert answer.status == 200
    with pytest.raises(ValueError, match=r".*"):
        json.loads(answer.body)


def test_f10_f11_f14_an_earlier_answer_once_more_and_for_ever(client: OrgClient) -> None:
    account = client.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    script(client, "replay", path="*/query*", match={"nth": 2})
    first = read(client)
    client.org.edit({"object": "Account", "id": account, "set": {"Name": "Newer"}})
    assert names(read(client)) == names(first)
    assert names(read(client))[0] == "Newer"
    script(client, "replay", path="*/query*")
    kept = names(read(client))
    assert names(read(client)) == kept


def test_f12_a_page_out_of_order_is_the_same_for_the_same_seed(client: OrgClient) -> None:
    whole = names(read(client))
    script(client, "shuffle", match={"seed": 3})
    assert sorted(names(read(client))) == whole


def test_f13_f16_f17_short_pages_wrong_totals_and_rows_that_were_not_asked(client: OrgClient) -> None:
    client.org.edit({"query": {"page_limit": 2}})
    assert len(names(read(client))) == 2
    client.org.edit({"query": {"page_limit": None, "total_off": 3}})
    assert json.loads(read(client).body)["totalSize"] == 8
    client.org.edit({"query": {"total_off": 0, "unfiltered": 1}})
    assert client.query("SELECT Id FROM Account WHERE Name = 'nobody'"), "rows that WHERE does not take"


def test_f15_pages_that_expired(client: OrgClient) -> None:
    client.org.edit({"query": {"page_limit": 2}})
    following = json.loads(read(client).body)["nextRecordsUrl"]
    client.org.edit({"session": "cursors"})
    assert client.error("GET", following)[1] == "INVALID_QUERY_LOCATOR"


def test_f18_one_record_twice_in_a_page(client: OrgClient) -> None:
    script(client, "double", values={"Name": "Other"})
    assert len(names(read(client))) == 6


def test_f19_f21_late_commits_and_one_stamp(client: OrgClient) -> None:
    (late,) = client.org.load("Account", [{"Name": "Late"}])
    client.org.edit({"object": "Account", "id": late, "set": {"Name": "Later"}, "visible_after": 60})
    assert client.row("Account", late)["Name"] == "Late"
    client.clock.advance(timedelta(seconds=61))
    assert client.row("Account", late)["Name"] == "Later"
    stamp = "2026-01-02T03:04:05.000+0000"
    client.org.load("Account", [{"Name": "Tie", "SystemModstamp": stamp} for _ in range(3)])
    assert len(client.query("SELECT Id FROM Account WHERE SystemModstamp = 2026-01-02T03:04:05Z")) == 3


def test_f22_the_schema_drifts(client: OrgClient) -> None:
    client.org.edit({"object": "Account", "field": {"name": "Fresh__c", "type": "string"}})
    assert client.call("GET", "query?q=SELECT+Fresh__c+FROM+Account").status == 200
    client.org.edit({"object": "Account", "remove_field": "Fresh__c"})
    assert client.error("GET", "query?q=SELECT+Fresh__c+FROM+Account") == (400, "INVALID_FIELD")
    client.org.edit({"object": "Account", "hide": "Industry"})
    assert client.error("GET", "query?q=SELECT+Industry+FROM+Account") == (400, "INVALID_FIELD")


def test_f23_deleted_restored_and_purged(client: OrgClient) -> None:
    account = client.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    client.org.edit({"object": "Account", "id": account, "delete": True})
    assert account not in {row["Id"] for row in client.query("SELECT Id FROM Account")}
    client.org.edit({"object": "Account", "id": account, "undelete": True})
    assert account in {row["Id"] for row in client.query("SELECT Id FROM Account")}
    client.org.edit({"object": "Account", "id": account, "hard_delete": True})
    assert account not in {row["Id"] for row in client.query("SELECT Id FROM Account", "queryAll")}


@pytest.mark.parametrize("when", ["before", "after"])
def test_f24_a_person_edits_around_a_write(client: OrgClient, when: str) -> None:
    account = client.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    edit = {"object": "Account", "id": account, "set": {"Name": "By a person"}}
    script(client, f"edit {when}", match={"method": "PATCH"}, edit=edit)
    assert client.call("PATCH", f"sobjects/Account/{account}", {"Name": "By syncd"}).status == 204
    assert client.row("Account", account)["Name"] == ("By syncd" if when == "before" else "By a person")
