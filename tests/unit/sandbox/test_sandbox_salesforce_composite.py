"""Composite, batch and collections of the fake org: many calls in one, each answered as if it had come alone."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_salesforce_client import ROOT, OrgClient


class Caller(OrgClient):
    """An org with three accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = self.org.load("Account", [{"Name": name, "ERP_Id__c": name} for name in "abc"])

    def composite(self, *calls: dict[str, Any], all_or_none: bool = False) -> list[Any]:
        body = {"allOrNone": all_or_none, "compositeRequest": list(calls)}
        answered: list[Any] = self.json("POST", "composite", body)["compositeResponse"]
        return answered


@pytest.fixture
def caller() -> Caller:
    return Caller()


def step(name: str, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
    call: dict[str, Any] = {"method": method, "url": f"{ROOT}/{path}", "referenceId": name}
    if body is not None:
        call["body"] = body
    return call | ({"httpHeaders": headers} if headers else {})


def test_later_calls_use_what_earlier_ones_answered(caller: Caller) -> None:
    made, read, found, child = caller.composite(
        step("made", "POST", "sobjects/Account", {"Name": "parent"}),
        step("read", "GET", "sobjects/Account/@{made.id}?fields=Name"),
        step("found", "GET", "query?q=SELECT+Id+FROM+Account+WHERE+Name='a'"),
        step("child", "PATCH", "sobjects/Account/@{found.records[0].Id}", {"ParentId": "@{made.id}"}),
    )
    assert (made["httpStatusCode"], made["httpHeaders"]["Location"]) == (
        201,
        f"{ROOT}/sobjects/Account/{made['body']['id']}",
    )
    assert (read["body"]["Name"], found["body"]["totalSize"]) == ("parent", 1)
    assert (child["httpStatusCode"], child["body"], child["referenceId"]) == (204, None, "child")
    assert caller.row("Account", caller.a)["ParentId"] == made["body"]["id"]
    assert caller.call("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=2/115000"


def test_calls_fail_one_by_one_without_all_or_none(caller: Caller) -> None:
    good, bad, halted = caller.composite(
        step("good", "PATCH", f"sobjects/Account/{caller.a}", {"Rating": "Hot"}),
        step("bad", "POST", "sobjects/Account", {}),
        step("halted", "GET", "sobjects/Account/@{bad.id}"),
    )
    assert (good["httpStatusCode"], bad["httpStatusCode"], halted["httpStatusCode"]) == (204, 400, 400)
    assert halted["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert halted["body"][0]["message"] == "Invalid reference specified. No value for bad.id found in bad"
    assert caller.row("Account", caller.a)["Rating"] == "Hot"


def test_all_or_none_takes_back_everything(caller: Caller) -> None:
    before = caller.org.records("Account")
    good, bad = caller.composite(
        step("good", "PATCH", f"sobjects/Account/{caller.a}", {"Rating": "Hot"}),
        step("bad", "POST", "sobjects/Account", {}),
        all_or_none=True,
    )
    assert (good["httpStatusCode"], good["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert caller.org.records("Account") == before
    assert caller.org.journal.entries[-1].effects == ()


def test_headers_of_a_call_hold_for_it(caller: Caller) -> None:
    (old,) = caller.composite(
        step(
            "a",
            "PATCH",
            f"sobjects/Account/{caller.a}",
            {"Rating": "Hot"},
            **{"If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"},
        )
    )
    assert old["httpStatusCode"] == 412


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"compositeRequest": []},
        {"compositeRequest": [{"method": "GET", "url": f"{ROOT}/limits"}]},
        {"compositeRequest": [step("x", "GET", "limits")] * 2},
        {"compositeRequest": [step(f"x{number}", "GET", "limits") for number in range(26)]},
    ],
)
def test_malformed_composite_is_refused_as_a_whole(caller: Caller, body: dict[str, Any]) -> None:
    assert caller.call("POST", "composite", body).status == 400


def test_batch_answers_each_call_and_halts_if_told(caller: Caller) -> None:
    calls = [
        {"method": "GET", "url": "v66.0/sobjects/Account/001FK0000000000AAA"},
        {"method": "PATCH", "url": f"v66.0/sobjects/Account/{caller.a}", "richInput": {"Rating": "Hot"}},
    ]
    answer = caller.json("POST", "composite/batch", {"batchRequests": calls})
    assert (answer["hasErrors"], [item["statusCode"] for item in answer["results"]]) == (True, [404, 204])
    halted = caller.json("POST", "composite/batch", {"batchRequests": calls, "haltOnError": True})
    assert [item["statusCode"] for item in halted["results"]] == [404, 412]
    assert caller.call("POST", "composite/batch", {"batchRequests": calls * 13}).status == 400


def test_collections_are_read_by_ids_with_null_for_what_is_gone(caller: Caller) -> None:
    caller.org.edit(object="Account", id=caller.b, delete=True)
    ids = [caller.c, caller.b, caller.a[:15]]
    answer = caller.json("GET", f"composite/sobjects/Account?ids={','.join(ids)}&fields=Id,Name")
    assert [item and item["Name"] for item in answer] == ["c", None, "a"]
    assert caller.json("POST", "composite/sobjects/Account", {"ids": ids, "fields": ["Id", "Name"]}) == answer
    assert caller.call("POST", "composite/sobjects/Account", {"ids": ids}).status == 400
    assert caller.error("GET", "composite/sobjects/Account?ids=junk&fields=Id") == (400, "MALFORMED_ID")


def test_collections_are_upserted_by_external_id(caller: Caller) -> None:
    record = {"attributes": {"type": "Account"}}
    rows = [{**record, "ERP_Id__c": "a", "Rating": "Hot"}, {**record, "ERP_Id__c": "n", "Name": "new"}, record]
    first, second, third = caller.json("PATCH", "composite/sobjects/Account/ERP_Id__c", {"records": rows})
    assert (first["id"], first["created"]) == (caller.a, False)
    assert (second["created"], caller.row("Account", second["id"])["ERP_Id__c"]) == (True, "n")
    assert third["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
