"""The fake HubSpot's writes: batch shapes, owners that may not be, merges, side effects, the journal."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox_hubspot_client import ANN, BEN, GONE, START, Client, make

from syncd.clock import iso


def _owner(client: Client, key: str) -> str | None:
    return client.get(f"/crm/v3/objects/companies/{key}?properties=hubspot_owner_id")["properties"]["hubspot_owner_id"]


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_a_batch_of_owners_is_written(version: str) -> None:
    client = make()
    answer = client.update(("1002", BEN), ("1001", BEN), version=version)
    assert answer["status"] == "COMPLETE"
    assert answer["results"][0] == {
        "id": "1001",
        "properties": {"hs_lastmodifieddate": iso(START), "hs_object_id": "1001", "hubspot_owner_id": BEN},
        "createdAt": "2026-10-21T10:00:00.000Z",
        "updatedAt": iso(START),
        "archived": False,
    }
    assert [row["id"] for row in answer["results"]] == ["1001", "1002"]
    assert (_owner(client, "1001"), _owner(client, "1003")) == (BEN, ANN)


def test_an_owner_change_sets_its_date_and_team() -> None:
    client = make()
    client.update(("1001", BEN))
    names = "hubspot_owner_assigneddate,hubspot_team_id"
    first = client.get(f"/crm/v3/objects/companies/1001?properties={names}")["properties"]
    assert (first["hubspot_owner_assigneddate"], first["hubspot_team_id"]) == (iso(START), "east")


def test_empty_text_takes_the_owner_away() -> None:
    client = make()
    client.update(("1001", ""))
    assert _owner(client, "1001") is None
    assert client.portal.record("companies", "1001")["history"]["hubspot_owner_id"][0]["value"] == ""


@pytest.mark.parametrize("owner", ["9001", "123", GONE, "x"])
def test_an_owner_that_may_not_be_refuses_the_whole_batch_without_trace_ids(owner: str) -> None:
    client = make()
    answer = client.update(("1001", BEN), ("1002", owner), status=400)
    assert answer["category"] == "VALIDATION_ERROR"
    listed = json.loads(answer["message"].removeprefix("Property values were not valid: "))
    assert listed[0]["error"] == "INVALID_OWNER_ID"
    assert listed[0]["name"] == "hubspot_owner_id"
    assert answer["errors"][0]["context"] == {"propertyName": ["hubspot_owner_id"]}
    assert _owner(client, "1001") == ANN


def test_with_trace_ids_the_good_rows_are_written() -> None:
    client = make()
    answer = client.update(("1001", BEN), ("1002", "123"), traced=True, status=207)
    assert [(row["id"], row["objectWriteTraceId"]) for row in answer["results"]] == [("1001", "trace-1001")]
    assert answer["numErrors"] == 1
    assert answer["errors"][0]["context"] == {"objectWriteTraceId": ["trace-1002"]}
    assert (_owner(client, "1001"), _owner(client, "1002")) == (BEN, ANN)


def test_unknown_ids_come_back_by_id() -> None:
    client = make()
    client.portal.edit(object="companies", id="1003", delete=True)
    answer = client.update(("1001", BEN), ("9", BEN), ("1003", BEN), status=207)
    assert [row["id"] for row in answer["results"]] == ["1001"]
    assert answer["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert answer["errors"][0]["context"] == {"ids": ["9", "1003"]}


@pytest.mark.parametrize(
    ("mode", "status", "context"),
    [
        ("trace", 207, {"objectWriteTraceId": ["trace-1002"]}),
        ("ids", 207, {"ids": ["1002"]}),
        ("refuse", 400, None),
    ],
)
def test_how_bad_rows_come_back_is_a_switch(mode: str, status: int, context: dict[str, list[str]] | None) -> None:
    client = make()
    client.portal.quirks.batch_errors = mode
    answer = client.update(("1001", BEN), ("1002", "123"), traced=True, status=status)
    if context is None:
        assert _owner(client, "1001") == ANN
    else:
        assert answer["errors"][0]["context"] == context
        assert _owner(client, "1001") == BEN


def test_an_archived_owner_is_accepted_where_the_switch_says_so() -> None:
    client = make()
    client.portal.quirks.archived_owners_accepted = True
    client.update(("1001", GONE))
    assert _owner(client, "1001") == GONE


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [{"id": "1001", "properties": {}}] * 2,
        [{"id": str(number), "properties": {}} for number in range(101)],
        [{"id": "1001", "properties": {}, "idProperty": "hs_object_id"}],
        [{"id": 1001, "properties": {}}],
        [{"id": "1001", "properties": {"hubspot_owner_id": None}}],
        [{"id": "1001", "properties": {"hubspot_owner_id": 77002}}],
        [{"id": "1001"}],
        [{"id": "1001", "properties": {"hs_object_id": "5"}}],
        [{"id": "1001", "properties": {"nonsense": "5"}}],
        [{"id": "1001", "properties": {"numberofemployees": "many"}}],
    ],
)
def test_a_batch_that_hubspot_refuses_is_400(inputs: list[dict[str, Any]]) -> None:
    client = make()
    client.post("/crm/v3/objects/companies/batch/update", {"inputs": inputs}, status=400)
    assert client.portal.record("companies", "1001")["updatedAt"] < iso(START)


def test_a_missing_required_property_refuses_writes_on_the_newest_paths_only() -> None:
    client = make()
    client.portal.quirks.required_on_2026_09 = {"companies": "industry"}
    client.update(("1001", BEN), version="v3")
    client.update(("1002", BEN), version="2026-03")
    answer = client.update(("1003", BEN), version="2026-09", status=400)
    assert "REQUIRED_FIELD" in answer["message"]


def test_the_same_value_moves_the_stamp_and_adds_no_history() -> None:
    client = make()
    client.update(("1001", BEN))
    client.clock.advance(timedelta(minutes=1))
    client.update(("1001", BEN))
    record = client.portal.record("companies", "1001")
    assert record["updatedAt"] == iso(START + timedelta(minutes=1))
    assert [row["value"] for row in record["history"]["hubspot_owner_id"]] == [BEN, ANN]
    assert client.portal.journal.entries[-1].effects == ("companies 1001 saved, nothing changed",)
    client.portal.quirks.rewrite_in_history = True
    client.update(("1001", BEN))
    assert len(client.portal.record("companies", "1001")["history"]["hubspot_owner_id"]) == 3


def test_one_record_is_patched() -> None:
    client = make()
    status, answer = client.call("PATCH", "/crm/v3/objects/companies/1001", {"properties": {"hubspot_owner_id": BEN}})
    assert (status, answer["properties"]["hubspot_owner_id"]) == (200, BEN)
    assert client.call("PATCH", "/crm/v3/objects/companies/9", {"properties": {}})[0] == 404
    status, answer = client.call("PATCH", "/crm/v3/objects/companies/1001", {"properties": {"hubspot_owner_id": "1"}})
    assert (status, answer["errors"][0]["code"]) == (400, "INVALID_OWNER_ID")


def test_records_are_created_and_archived() -> None:
    client = make()
    made = client.post("/crm/v3/objects/companies", {"properties": {"name": "New"}}, status=201)
    assert made["id"] == "1004"
    assert client.portal.record("companies", "1004")["history"]["name"][0]["sourceType"] == "INTEGRATION"
    assert client.call("DELETE", "/crm/v3/objects/companies/1004") == (204, None)
    assert client.call("POST", "/crm/v3/objects/companies/batch/archive", {"inputs": [{"id": "1003"}]}) == (204, None)
    assert [row["id"] for row in client.get("/crm/v3/objects/companies")["results"]] == ["1001", "1002"]


def _merged() -> tuple[Client, str]:
    client = make()
    client.portal.load("deals", [{"id": "5001", "dealname": "D", "associatedcompanyid": "1002"}])
    client.clock.advance(timedelta(minutes=1))
    client.portal.edit(object="companies", id="1001", merge=["1002"])
    return client, str(client.get("/crm/v3/objects/companies?limit=100")["results"][-1]["id"])


def test_a_merge_makes_a_new_record_that_names_both_old_ids() -> None:
    client, winner = _merged()
    assert winner == "1004"
    assert [row["id"] for row in client.get("/crm/v3/objects/companies")["results"]] == ["1003", winner]
    merged = client.get(f"/crm/v3/objects/companies/{winner}?properties=hs_merged_object_ids,name")
    assert merged["properties"]["hs_merged_object_ids"] == "1001;1002"
    assert merged["properties"]["name"] == "Company 0"
    assert client.found(("hs_lastmodifieddate", "GTE", str(0))) == ["1003", winner]
    assert client.portal.record("companies", "1002")["mergedInto"] == winner
    [deal] = client.get("/crm/v3/objects/deals?associations=companies")["results"]
    assert deal["associations"]["companies"]["results"][0] == {"id": winner, "type": "deal_to_company"}


def test_old_ids_lead_to_the_merged_record_but_not_in_a_batch_update() -> None:
    client, winner = _merged()
    assert client.get("/crm/v3/objects/companies/1002")["id"] == winner
    assert client.call("PATCH", "/crm/v3/objects/companies/1001", {"properties": {"zip": "1"}})[1]["id"] == winner
    read = client.post("/crm/v3/objects/companies/batch/read", {"inputs": [{"id": "1001"}, {"id": "1002"}]})
    assert [row["id"] for row in read["results"]] == [winner]
    answer = client.update(("1001", BEN), (winner, BEN), status=207)
    assert answer["errors"][0]["context"] == {"ids": ["1001"]}
    client.portal.quirks.batch_read_follows_merges = False
    client.post("/crm/v3/objects/companies/batch/read", {"inputs": [{"id": "1001"}]}, status=207)


def test_merged_ids_are_in_the_archived_list_only_where_the_switch_says_so() -> None:
    client, _ = _merged()
    assert client.get("/crm/v3/objects/companies?archived=true")["results"] == []
    client.portal.quirks.archived_shows_merged = True
    assert [row["id"] for row in client.get("/crm/v3/objects/companies?archived=true")["results"]] == ["1001", "1002"]


def test_a_second_merge_keeps_all_earlier_ids() -> None:
    client, winner = _merged()
    answer = client.post("/crm/v3/objects/companies/merge", {"primaryObjectId": winner, "objectIdToMerge": "1003"})
    assert answer["properties"]["hs_merged_object_ids"] == f"1001;1002;{winner};1003"
    assert client.get("/crm/v3/objects/companies/1002")["id"] == answer["id"]


def test_the_journal_says_what_changed_and_masks_the_token() -> None:
    client = make()
    client.update(("1001", BEN), ("1002", BEN))
    entry = client.portal.journal.entries[-1]
    assert entry.effects == (
        "companies 1001 hubspot_owner_id: 77001 -> 77002",
        "companies 1002 hubspot_owner_id: 77001 -> 77002",
    )
    assert entry.headers["authorization"] == "***"
    client.portal.edit(object="companies", id="1001", set={"name": "By hand"}, user=9001)
    assert client.portal.journal.entries[-1].source == "person"
    assert client.portal.journal.entries[-1].effects == ("companies 1001 name: Company 0 -> By hand",)


def test_single_rows_of_a_batch_can_be_refused_by_a_fault() -> None:
    client = make()
    script = [{"match": {"path": "*/batch/update"}, "fault": "row RECORD_LOCKED", "ids": ["1002"]}]
    client.portal.faults.install(script)
    answer = client.update(("1001", BEN), ("1002", BEN), traced=True, status=207)
    assert answer["errors"][0]["category"] == "RECORD_LOCKED"
    assert answer["errors"][0]["context"] == {"objectWriteTraceId": ["trace-1002"]}
    assert (_owner(client, "1001"), _owner(client, "1002")) == (BEN, ANN)


def test_a_502_after_the_work_was_done_is_still_done() -> None:
    client = make()
    client.portal.faults.install([{"match": {"nth": 1}, "fault": "html 502 after"}])
    with pytest.raises(ValueError, match="Expecting value"):
        client.update(("1001", BEN))
    assert (client.last.status, _owner(client, "1001")) == (502, BEN)


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"object": "companies", "id": "1001", "set": {}, "delete": True},
        {"object": "companies", "id": "9", "set": {"name": "x"}},
        {"object": "widgets", "id": "9", "set": {"name": "x"}},
        {"object": "companies", "id": "1001", "restore": True},
        {"object": "companies", "id": "1001", "merge": ["1001"]},
        {"object": "companies", "id": "1001", "set": {"numberofemployees": "many"}},
        {"object": "owners", "id": "5", "deactivate": True},
        {"object": "owners", "id": ANN, "set": {"shoe": "44"}},
        {"limits": {"shoe": 44}},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(command: dict[str, Any]) -> None:
    client = make()
    status, answer = client.call("POST", "/_sandbox/edit", command)
    assert status == 400, answer
    assert client.portal.record("companies", "1001")["updatedAt"] < iso(START)
