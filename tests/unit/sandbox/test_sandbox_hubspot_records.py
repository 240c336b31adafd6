"""What the fake HubSpot does to records: who wrote a value, what a write may hold, how batches fail, merges."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sandbox_hubspot_client import ANN, BEN, GONE, Client, make

OBJECTS = "/crm/v3/objects"
COMPANIES = f"{OBJECTS}/companies"


def _history(client: Client, key: str = "1001", name: str = "hubspot_owner_id") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{COMPANIES}/{key}?propertiesWithHistory={name}")["propertiesWithHistory"][
        name
    ]
    return rows


def _inputs(*rows: dict[str, Any], traced: bool = False) -> dict[str, Any]:
    return {
        "inputs": [
            {"properties": row, **({"objectWriteTraceId": f"t{place}"} if traced else {})}
            for place, row in enumerate(rows)
        ]
    }


def test_the_history_tells_what_a_company_came_with_from_what_a_person_made_of_it() -> None:
    client = make()
    client.portal.edit(object="companies", create={"name": "Fresh", "hubspot_owner_id": ANN}, user=9001)
    [key] = [row["id"] for row in client.portal.records("companies") if row["properties"].get("name") == "Fresh"]
    client.clock.advance(timedelta(minutes=3))
    client.portal.edit(object="companies", id=key, set={"hubspot_owner_id": BEN}, user=9002)
    assert _history(client, key) == [
        {
            "value": BEN,
            "timestamp": "2026-11-20T10:03:00.000Z",
            "sourceType": "CRM_UI",
            "sourceId": "userId:9002",
            "updatedByUserId": 9002,
        },
        {
            "value": ANN,
            "timestamp": "2026-11-20T10:00:00.000Z",
            "sourceType": "CRM_UI",
            "sourceId": "userId:9001",
            "updatedByUserId": 9001,
        },
    ]
    created = client.get(f"{COMPANIES}/{key}")["createdAt"]
    assert _history(client, key)[-1]["timestamp"] == created


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"source": "CRM_UI_BULK_ACTION", "user": 9002}, ("CRM_UI_BULK_ACTION", "userId:9002", 9002)),
        ({"source": "MOBILE_IOS", "user": 9002}, ("MOBILE_IOS", "userId:9002", 9002)),
        ({"source": "AUTOMATION_PLATFORM", "source_id": "77"}, ("AUTOMATION_PLATFORM", "77", None)),
        ({"source": "SALESFORCE"}, ("SALESFORCE", None, None)),
        ({"source": "IMPORT", "source_id": "12"}, ("IMPORT", "12", None)),
    ],
)
def test_each_kind_of_writer_is_named_in_the_history(edit: dict[str, Any], expected: tuple[Any, ...]) -> None:
    client = make()
    client.portal.edit({"object": "companies", "id": "1001", "set": {"hubspot_owner_id": BEN}, **edit})
    head = _history(client)[0]
    assert (head["sourceType"], head.get("sourceId"), head.get("updatedByUserId")) == expected


def test_an_app_and_a_service_key_write_under_numbers_of_their_own() -> None:
    client = make()
    client.update(("1001", BEN))
    client.headers = {"Authorization": f"Bearer {client.portal.service_key}"}
    client.update(("1001", ANN))
    assert [(row["sourceType"], row["sourceId"]) for row in _history(client)[:2]] == [
        ("INTEGRATION", "8151243"),
        ("INTEGRATION", "8151242"),
    ]


def test_history_comes_in_a_list_a_read_and_a_batch_read_but_never_in_a_search() -> None:
    client = make()
    client.update(("1001", BEN))
    asked = "propertiesWithHistory=hubspot_owner_id"
    listed = client.get(f"{COMPANIES}?limit=1&{asked}")["results"][0]["propertiesWithHistory"]
    body = {"inputs": [{"id": "1001"}], "properties": [], "propertiesWithHistory": ["hubspot_owner_id"]}
    batch = client.post(f"{COMPANIES}/batch/read", body)["results"][0]["propertiesWithHistory"]
    assert listed == batch == {"hubspot_owner_id": _history(client)}
    found = client.search(("hs_object_id", "EQ", "1001"), propertiesWithHistory=["hubspot_owner_id"])
    assert "propertiesWithHistory" not in found["results"][0]


def test_the_depth_of_the_history_is_a_switch() -> None:
    client = make()
    client.portal.quirks.history_depth = 3
    for owner in (BEN, ANN, BEN, ANN):
        client.update(("1001", owner))
    assert len(_history(client)) == 3


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"lifecyclestage": "nonsense"}, "INVALID_OPTION"),
        ({"industry": "Gardening"}, "INVALID_OPTION"),
        ({"hs_lastmodifieddate": "0"}, "READ_ONLY_VALUE"),
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"annualrevenue": "much"}, "INVALID_NUMBER"),
    ],
)
def test_a_value_that_a_property_cannot_hold_is_refused(values: dict[str, str], code: str) -> None:
    status, answer = make().call("PATCH", f"{COMPANIES}/1001", {"properties": values})
    assert (status, answer["errors"][0]["code"]) == (400, code)


def test_values_that_were_loaded_are_options_from_then_on() -> None:
    client = make()
    client.portal.load("companies", [{"name": "Odd", "industry": "Gardening"}])
    assert client.call("PATCH", f"{COMPANIES}/1001", {"properties": {"industry": "Gardening"}})[0] == 200
    options = client.get("/crm/v3/properties/companies/industry")["options"]
    assert options[-1]["value"] == "Gardening"


def test_a_leading_semicolon_appends_to_a_checkbox() -> None:
    client = make()
    define = {"name": "regions", "type": "enumeration", "fieldType": "checkbox", "options": ["eu", "us", "asia"]}
    client.portal.edit(object="companies", define=define)
    for value in ("eu", ";us", ";us;asia"):
        client.call("PATCH", f"{COMPANIES}/1001", {"properties": {"regions": value}})
    assert client.get(f"{COMPANIES}/1001?properties=regions")["properties"]["regions"] == "eu;us;asia"


@pytest.mark.parametrize(("version", "status"), [("v3", 200), ("2026-03", 200), ("2026-09", 400)])
def test_validation_rules_hold_on_the_newest_paths(version: str, status: int) -> None:
    client = make()
    rules = [
        {"when": {"type": "PARTNER"}, "require": ["industry"]},
        {"property": "phone", "pattern": r"^\+", "message": "a phone begins with +"},
    ]
    client.portal.edit(configure={"validation_rules": {"companies": rules}})
    client.portal.edit(object="companies", id="1001", set={"type": "PARTNER", "phone": "030 1"})
    answer = client.update(("1001", BEN), version=version, status=status)
    if status == 400:
        broken = json.loads(answer["message"].removeprefix("Property values were not valid: "))
        assert [(row["name"], row["error"]) for row in broken] == [
            ("industry", "REQUIRED_FIELD"),
            ("phone", "VALIDATION_RULE"),
        ]
        assert client.update(("1002", BEN), version=version)["results"][0]["id"] == "1002"
    client.portal.edit(configure={"validated_versions": ["v3", "2026-09"]})
    client.update(("1001", ANN), version="v3", status=400)


def test_errors_may_stand_in_a_200() -> None:
    client = make()
    client.portal.quirks.batch_errors = "within_200"
    answer = client.update(("1001", BEN), ("1002", GONE), traced=True, version="2026-09")
    assert ([row["id"] for row in answer["results"]], answer["numErrors"]) == (["1001"], 1)


def test_a_locked_record_answers_423_for_as_long_as_it_is() -> None:
    client = make()
    client.portal.edit(object="companies", id="1001", lock=2)
    assert client.call("PATCH", f"{COMPANIES}/1001", {"properties": {"name": "x"}})[0] == 423
    client.update(("1002", BEN), ("1001", BEN), status=423)
    client.clock.advance(timedelta(seconds=2))
    client.update(("1001", BEN))


def test_a_batch_of_new_records_fails_as_a_whole_or_by_row() -> None:
    client = make()
    path = f"{OBJECTS}/contacts/batch/create"
    client.portal.load("contacts", [{"id": "501", "email": "a@x.test"}])
    rows = ({"email": "new@x.test"}, {"email": "A@x.test"})
    refused = client.post(path, _inputs(*rows), status=409)
    assert (refused["category"], refused["message"]) == ("CONFLICT", "Contact already exists. Existing ID: 501")
    answer = client.post(path, _inputs(*rows, traced=True), status=207)
    assert [row["objectWriteTraceId"] for row in answer["results"]] == ["t0"]
    assert [(row["category"], row["context"]) for row in answer["errors"]] == [
        ("CONFLICT", {"objectWriteTraceId": ["t1"]})
    ]
    assert len(client.post(path, _inputs({"email": "b@x.test"}, {"email": "c@x.test"}), status=201)["results"]) == 2


def test_an_upsert_needs_a_unique_property() -> None:
    client = make()
    row = {"id": "company0.test", "idProperty": "domain", "properties": {}}
    answer = client.post(f"{COMPANIES}/batch/upsert", {"inputs": [row]}, status=400)
    assert (
        answer["message"] == "Unable to perform update/upsert by non-unique 0-2 property domain in portal ID 44515151"
    )
    assert client.call("GET", f"{COMPANIES}/company0.test?idProperty=domain")[0] == 400
    client.portal.edit(object="companies", define={"name": "erp", "hasUniqueValue": True})
    row = {"id": "E7", "idProperty": "erp", "properties": {"name": "By number"}}
    made = client.post(f"{COMPANIES}/batch/upsert", {"inputs": [row]})["results"][0]
    assert made["new"] is True
    read = {"inputs": [{"id": "E7"}], "idProperty": "erp", "properties": ["name"]}
    assert client.post(f"{COMPANIES}/batch/read", read)["results"][0]["id"] == made["id"]


def test_contacts_merge_into_a_new_one_that_names_both() -> None:
    client = make()
    rows = [{"id": "501", "email": "a@x.test"}, {"id": "502", "email": "b@x.test", "phone": "1"}]
    client.portal.load("contacts", rows)
    body = {"primaryObjectId": "501", "objectIdToMerge": "502"}
    merged = client.post(f"{OBJECTS}/contacts/merge", body)
    values = merged["properties"]
    assert merged["id"] not in ("501", "502")
    assert (values["email"], values["phone"], values["hs_merged_object_ids"]) == ("a@x.test", "1", "501;502")
    assert values["hs_calculated_merged_vids"].startswith("502:")
    for old in ("501", "502"):
        assert client.get(f"{OBJECTS}/contacts/{old}")["id"] == merged["id"]


def test_merges_once_kept_the_primary_id() -> None:
    client = make()
    client.portal.quirks.merges = "primary"
    body = {"primaryObjectId": "1001", "objectIdToMerge": "1002"}
    assert client.post(f"{COMPANIES}/merge", body)["id"] == "1001"
    row = client.get(f"{COMPANIES}/1002?properties=hs_merged_object_ids")
    assert (row["id"], row["properties"]["hs_merged_object_ids"]) == ("1001", "1002")
    assert [one["id"] for one in client.get(COMPANIES)["results"]] == ["1001", "1003"]


def test_more_than_250_identities_cannot_be_merged() -> None:
    client = make()
    client.portal.edit(object="companies", id="1001", set={"hs_merged_object_ids": ";".join(map(str, range(1, 250)))})
    body = {"primaryObjectId": "1001", "objectIdToMerge": "1002"}
    assert client.call("POST", f"{COMPANIES}/merge", body)[0] == 414


def test_a_company_stays_the_primary_one_of_all_its_deals_when_it_is_merged() -> None:
    client = make()
    client.portal.load("deals", [{"id": key, "associatedcompanyid": "1002"} for key in ("5001", "5002")])
    client.portal.edit(object="companies", id="1001", merge=["1002"])
    primary = {row["properties"]["hs_primary_associated_company"] for row in client.portal.records("deals")}
    [merged] = [row["id"] for row in client.portal.records("companies") if "1001;1002" in str(row["properties"])]
    assert primary == {merged}


@pytest.mark.parametrize(("on", "owners"), [(True, [BEN, BEN, GONE]), (False, [ANN, None, GONE])])
def test_a_companys_owner_may_pass_to_its_contacts(on: bool, owners: list[str | None]) -> None:
    client = make()
    client.portal.quirks.company_owner_to_contacts = on
    rows = [
        {"email": f"{n}@x.test", "associations": "1001", "hubspot_owner_id": o} for n, o in enumerate((ANN, "", GONE))
    ]
    client.portal.load("contacts", rows)
    client.update(("1001", BEN))
    assert [row["properties"].get("hubspot_owner_id") for row in client.portal.records("contacts")] == owners


def test_an_association_moves_the_stamp_only_where_the_switch_says_so() -> None:
    client = make()
    client.portal.load("deals", [{"id": "5001"}])
    seen = []
    for moves, company in ((False, "1001"), (True, "1002")):
        client.portal.quirks.association_moves_stamp = moves
        client.portal.edit(object="deals", id="5001", associate=company)
        seen.append(client.get(f"{OBJECTS}/deals/5001")["updatedAt"] == "2026-11-20T10:00:00.000Z")
    assert seen == [False, True]


def test_two_owners_may_share_an_e_mail() -> None:
    client = make()
    client.portal.load("owners", [{"id": "77010", "email": "ANN@ex.test"}])
    assert [row["id"] for row in client.get("/crm/v3/owners?email=ann@ex.test")["results"]] == [ANN, "77010"]


def test_the_teams_of_an_owner_change_without_its_stamp() -> None:
    client = make()
    before = client.get(f"/crm/v3/owners/{BEN}")
    client.portal.edit(object="owners", id=BEN, set={"teams": "West;East"})
    after = client.get(f"/crm/v3/owners/{BEN}")
    assert [team["name"] for team in after["teams"]] == ["West", "East"]
    assert after["updatedAt"] == before["updatedAt"]
    teams = client.get("/settings/v3/users/teams")["results"]
    assert [(team["name"], team["userIds"]) for team in teams] == [("East", []), ("West", ["9002"])]
