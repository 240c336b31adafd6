"""The faults F01 to F24 of HubSpot, scripted, in process and over HTTP, by the control call and in Python."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sandbox_hubspot_client import ANN, BEN, START, Client, make

from syncd.sandbox.server import serve
from syncd.sandbox.wire import Request

LIST = "/crm/v3/objects/companies"
SEARCH = f"{LIST}/search"
UPDATE = f"{LIST}/batch/update"
BY_ID = {"sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], "limit": 200}
GIVE_TO_BEN = {"inputs": [{"id": "1001", "properties": {"hubspot_owner_id": BEN}}]}


class Face:
    """One face of a portal: an answer is `(status, headers, body)`; status 0 is a connection that broke."""

    def __init__(self, client: Client, url: str | None) -> None:
        self.client = client
        self.portal = client.portal
        self._url = url

    def ask(
        self, method: str, target: str, document: Any = None, token: bool = True
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "application/json", **(self.client.headers if token else {})}
        body = b"" if document is None else json.dumps(document).encode()
        if self._url is None:
            response = self.portal.handle(Request.of(method, target, headers, body))
            status = 0 if response.drop else response.status
            return status, {key.lower(): value for key, value in response.headers.items()}, response.body
        line = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=5)
        try:
            line.request(method, target, body, headers)
            answer = line.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        except (ConnectionError, http.client.HTTPException, TimeoutError):
            return 0, {}, b""
        finally:
            line.close()

    def script(self, *entries: dict[str, Any]) -> None:
        status, _, body = self.ask("POST", "/_sandbox/faults", list(entries))
        assert status == 200, body

    def found(self, **more: Any) -> Any:
        status, _, body = self.ask("POST", SEARCH, {**BY_ID, **more})
        assert status == 200, body
        return json.loads(body)

    def listed(self, query: str = "") -> Any:
        return json.loads(self.ask("GET", f"{LIST}?limit=2{query}")[2])

    def owner(self, key: str = "1001") -> str:
        record = self.portal.record("companies", key)
        assert record is not None
        return str(record["properties"].get("hubspot_owner_id"))

    def update(self) -> int:
        return self.ask("POST", UPDATE, GIVE_TO_BEN)[0]


@pytest.fixture(params=["in process", "over HTTP"])
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    client = make(companies=5)
    if request.param == "in process":
        yield Face(client, None)
        return
    with serve(client.portal) as server:
        yield Face(client, server.url)


def just_now(switch: str, value: Any, back: Any = None) -> list[dict[str, Any]]:
    """A switch turned for the first search only."""
    match = {"path": SEARCH, "nth": 1}
    return [
        {"match": match, "fault": "edit before", "edit": {"configure": {switch: value}}},
        {"match": match, "fault": "edit after", "edit": {"configure": {switch: back}}},
    ]


def test_f01_a_token_refused_once_always_or_at_the_refresh(face: Face) -> None:
    face.script({"match": {"path": LIST, "nth": 1}, "fault": "status 401"})
    assert [face.ask("GET", LIST)[0] for _ in range(2)] == [401, 200]
    face.script({"match": {"path": "/oauth/*"}, "fault": "status 401 BAD_REFRESH_TOKEN"})
    status, _, body = face.ask("POST", "/oauth/v1/token", token=False)
    assert (status, json.loads(body)["category"]) == (401, "BAD_REFRESH_TOKEN")


def test_f02_a_scope_that_is_missing_now(face: Face) -> None:
    face.script({"match": {"path": "/crm/v3/owners"}, "fault": "status 403"})
    assert json.loads(face.ask("GET", "/crm/v3/owners/")[2])["category"] == "MISSING_SCOPES"


@pytest.mark.parametrize("policy", ["DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"])
@pytest.mark.parametrize("wait", ["7", "0", "86400", "Fri, 20 Nov 2026 10:00:30 GMT", None])
def test_f03_each_policy_with_each_form_of_retry_after(face: Face, policy: str, wait: str | None) -> None:
    headers = {"Retry-After": wait} if wait is not None else {}
    face.script({"fault": f"status 429 {policy}", "headers": headers})
    status, seen, body = face.ask("GET", LIST)
    assert (status, json.loads(body)["policyName"], seen.get("retry-after")) == (429, policy, wait)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("when", ["before", "after"])
def test_f04_server_errors_before_and_after_the_work(face: Face, status: int, when: str) -> None:
    face.script({"match": {"path": UPDATE}, "fault": f"status {status} {when}"})
    assert face.update() == status
    assert face.owner() == (BEN if when == "after" else ANN)


@pytest.mark.parametrize("status", [406, 408, 409, 412, 420, 423, 477, 530])
def test_f05_rarer_refusals(face: Face, status: int) -> None:
    face.script({"match": {"nth": 1}, "fault": f"status {status}"})
    assert [face.ask("GET", LIST)[0] for _ in range(2)] == [status, 200]


@pytest.mark.parametrize("fault", ["timeout 0.05", "drop"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_f07_and_f08_no_answer_before_and_after_the_write(face: Face, fault: str, when: str) -> None:
    face.script({"match": {"path": UPDATE}, "fault": f"{fault} {when}"})
    assert face.update() == 0
    assert face.owner() == (BEN if when == "after" else ANN)


@pytest.mark.parametrize("fault", ["truncate", "garble", "cut", "html 200", "empty 200"])
def test_f08_and_f09_bodies_that_cannot_be_read(face: Face, fault: str) -> None:
    face.script({"match": {"path": LIST}, "fault": fault})
    status, _, body = face.ask("GET", LIST)
    assert status in (0, 200)
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        json.loads(body)


def test_f10_f11_the_answer_to_an_earlier_read_once_more(face: Face) -> None:
    face.script({"match": {"path": SEARCH, "nth": 2}, "fault": "replay"})
    first = face.found(limit=2)
    again = face.found(limit=2, after="2")
    assert first == again
    assert face.found(limit=2, after="2")["results"] != first["results"]


def test_f12_hits_in_disorder_and_f16_a_total_that_disagrees(face: Face) -> None:
    face.script(*just_now("hits_out_of_order", True, False), *just_now("total_off_by", 4, 0))
    odd = face.found()
    ids = [row["id"] for row in odd["results"]]
    assert (ids == sorted(ids), odd["total"]) == (False, 9)
    assert face.found()["total"] == 5


def test_f13_short_and_empty_pages_with_a_cursor(face: Face) -> None:
    face.portal.edit(configure={"ghost_hits": 3, "short_search_pages": 2})
    pages, after = [], "0"
    while after is not None:
        page = face.found(after=after)
        pages.append([row["id"] for row in page["results"]])
        after = page.get("paging", {}).get("next", {}).get("after")
    assert pages == [[], ["1001"], ["1002", "1003"], ["1004", "1005"]]


def test_f14_a_cursor_that_goes_round(face: Face) -> None:
    face.portal.edit(configure={"looping_cursor": True})
    after = face.listed()["paging"]["next"]["after"]
    assert [face.listed(f"&after={after}")["paging"]["next"]["after"] for _ in range(2)] == [after, after]


def test_f15_a_cursor_that_has_expired(face: Face) -> None:
    face.script({"match": {"path": LIST, "contains": "1003"}, "fault": "status 400"})
    after = face.listed()["paging"]["next"]["after"]
    assert face.ask("GET", f"{LIST}?limit=2&after={after}")[0] == 400


def test_f17_f19_f20_hits_behind_the_store_and_newer_than_the_window(face: Face) -> None:
    face.portal.edit(configure={"index_lag": 3600})
    earlier = str(round(START.timestamp() * 1000) - 60_000)
    until = {"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": earlier}
    face.portal.edit(object="companies", id="1001", set={"name": "Newer"})
    face.portal.edit(object="companies", create={"name": "Unseen"})
    rows = face.found(filterGroups=[{"filters": [until]}], properties=["name"])["results"]
    assert [row["properties"]["name"] for row in rows][:2] == ["Newer", "Company 1"]
    assert face.found()["total"] == 5
    face.ask("POST", "/_sandbox/clock", {"advance": 3600})
    assert face.found()["total"] == 6


def test_f18_one_id_twice_in_a_page(face: Face) -> None:
    face.portal.edit(configure={"duplicate_hits": 2})
    assert [row["id"] for row in face.found()["results"]] == ["1001", "1002", "1002", "1003", "1004", "1004", "1005"]


def test_f21_many_equal_stamps(face: Face) -> None:
    face.portal.edit(object="companies", restamp="2026-11-20T09:00:00Z")
    assert {row["updatedAt"] for row in face.found()["results"]} == {"2026-11-20T09:00:00.000Z"}


@pytest.mark.parametrize(
    ("edit", "shown", "kind"),
    [
        ({"hide": "zip"}, None, None),
        ({"undefine": "zip"}, None, None),
        ({"rename": {"name": "zip", "to": "post_code"}}, None, None),
        ({"define": {"name": "zip", "type": "number"}}, "53111", "number"),
        ({"define": {"name": "fresh", "type": "bool"}}, "53111", "string"),
    ],
)
def test_f22_the_schema_drifts(face: Face, edit: dict[str, Any], shown: str | None, kind: str | None) -> None:
    face.portal.edit(object="companies", id="1001", set={"zip": "53111"})
    before = face.portal.record("companies", "1001")
    face.portal.edit({"object": "companies", **edit})
    row = json.loads(face.ask("GET", f"{LIST}/1001?properties=zip")[2])
    assert row["properties"].get("zip") == shown
    status, _, body = face.ask("GET", "/crm/v3/properties/companies/zip")
    assert (status, json.loads(body).get("type")) == ((200, kind) if kind else (404, None))
    after = face.portal.record("companies", "1001")
    assert before is not None
    assert after is not None
    assert before["updatedAt"] == after["updatedAt"]


def test_f23_an_id_comes_back_as_another_record(face: Face) -> None:
    face.portal.edit(object="companies", id="1002", hard_delete=True)
    face.portal.edit(object="companies", id="1002", create={"name": "Somebody else"})
    assert json.loads(face.ask("GET", f"{LIST}/1002?properties=name")[2])["properties"]["name"] == "Somebody else"
    with pytest.raises(ValueError, match="no free id"):
        face.portal.edit(object="companies", id="1002", create={"name": "Third"})


@pytest.mark.parametrize(
    ("when", "edit", "owner", "who"),
    [
        ("before", {"set": {"hubspot_owner_id": "77004"}}, BEN, "INTEGRATION"),
        ("after", {"set": {"hubspot_owner_id": "77004"}}, "77004", "CRM_UI"),
        ("after", {"set": {"hubspot_owner_id": ANN}, "source": "AUTOMATION_PLATFORM"}, ANN, "AUTOMATION_PLATFORM"),
    ],
)
def test_f24_a_person_or_a_workflow_edits_around_a_write(
    face: Face, when: str, edit: dict[str, Any], owner: str, who: str
) -> None:
    command = {"object": "companies", "id": "1001", **edit}
    face.script({"match": {"path": UPDATE, "nth": 1}, "fault": f"edit {when}", "edit": command})
    assert face.update() == 200
    assert face.owner() == owner
    record = face.portal.record("companies", "1001")
    assert record is not None
    assert record["history"]["hubspot_owner_id"][0]["sourceType"] == who


def test_a_seeded_script_strikes_alike_in_both_faces() -> None:
    def struck(ask: Callable[[Face], int], url: bool) -> list[int]:
        client = make()
        client.portal.faults.install([{"match": {"probability": 0.4, "seed": 11}, "fault": "status 503"}])
        if not url:
            return [ask(Face(client, None)) for _ in range(30)]
        with serve(client.portal) as server:
            return [ask(Face(client, server.url)) for _ in range(30)]

    one, other = (struck(lambda face: face.ask("GET", LIST)[0], url) for url in (False, True))
    assert one == other
    assert {200, 503} == set(one)
