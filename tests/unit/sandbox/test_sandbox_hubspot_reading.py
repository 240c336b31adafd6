"""The fake HubSpot: lists, single records, batch reads, owners, pipelines, properties, associations."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sandbox_hubspot_client import ANN, BEN, GONE, START, Client, make

from syncd.clock import iso


@pytest.mark.parametrize("base", ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"])
@pytest.mark.parametrize("name", ["companies", "company", "0-2"])
def test_both_path_families_and_all_names_of_an_object_list_the_same(base: str, name: str) -> None:
    document = make().get(f"{base}/{name}?limit=10&properties=name")
    assert [row["id"] for row in document["results"]] == ["1001", "1002", "1003"]


def test_a_list_has_the_shape_of_the_notes() -> None:
    client = make()
    document = client.get("/crm/v3/objects/companies?limit=2&properties=name&properties=hubspot_owner_id")
    assert document["results"][0] == {
        "id": "1001",
        "properties": {
            "createdate": "2026-10-21T10:00:00.000Z",
            "hs_lastmodifieddate": "2026-10-21T10:00:00.000Z",
            "hs_object_id": "1001",
            "hubspot_owner_id": ANN,
            "name": "Company 0",
        },
        "createdAt": "2026-10-21T10:00:00.000Z",
        "updatedAt": "2026-10-21T10:00:00.000Z",
        "archived": False,
    }
    assert document["paging"]["next"]["after"] == "1003"
    assert client.last.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert "paging" not in client.get("/crm/v3/objects/companies?limit=2&after=1003")


def test_properties_may_be_repeated_or_joined_and_unknown_ones_are_ignored() -> None:
    client = make()
    document = client.get("/crm/v3/objects/companies?properties=name,domain&properties=phone&properties=nonsense")
    first = document["results"][0]["properties"]
    assert first["phone"] is None
    assert {"name", "domain", "phone"} <= first.keys()
    assert "nonsense" not in first


def test_without_properties_the_defaults_come() -> None:
    first = make().get("/crm/v3/objects/companies")["results"][0]["properties"]
    assert sorted(first) == ["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"]


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=x", "limit=51&propertiesWithHistory=name", "after=zz"]
)
def test_a_page_that_hubspot_does_not_give_is_400(query: str) -> None:
    status, document = make().call("GET", f"/crm/v3/objects/companies?{query}")
    assert (status, document["category"]) == (400, "VALIDATION_ERROR")


def test_a_list_pages_through_everything_once() -> None:
    client = make(companies=253)
    seen: list[str] = []
    after = "0"
    while after:
        page = client.get(f"/crm/v3/objects/companies?limit=100&after={after}")
        seen += [row["id"] for row in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert seen == [str(1001 + number) for number in range(253)]


def test_short_pages_keep_their_cursor() -> None:
    client = make(companies=5)
    client.portal.quirks.short_pages = 2
    page = client.get("/crm/v3/objects/companies?limit=100")
    assert (len(page["results"]), page["paging"]["next"]["after"]) == (2, "1003")


def test_archived_records_show_only_in_the_archived_list_and_keep_their_stamp() -> None:
    client = make()
    before = client.portal.record("companies", "1002")
    client.portal.edit(object="companies", id="1002", delete=True)
    assert [row["id"] for row in client.get("/crm/v3/objects/companies")["results"]] == ["1001", "1003"]
    for word in ("true", "True"):
        rows = client.get(f"/crm/v3/objects/companies?archived={word}")["results"]
        assert [(row["id"], row["archived"], row["archivedAt"]) for row in rows] == [("1002", True, iso(START))]
        assert before is not None
        assert rows[0]["updatedAt"] == before["updatedAt"]
    assert client.call("GET", "/crm/v3/objects/companies/1002")[0] == 404
    assert client.get("/crm/v3/objects/companies/1002?archived=true")["id"] == "1002"


def test_the_recycle_bin_holds_records_for_ninety_days_and_restoring_stamps_them() -> None:
    client = make()
    client.portal.edit(object="companies", id="1002", delete=True)
    client.clock.advance(timedelta(days=89))
    assert len(client.get("/crm/v3/objects/companies?archived=true")["results"]) == 1
    client.portal.edit(object="companies", id="1002", restore=True)
    assert client.get("/crm/v3/objects/companies/1002")["updatedAt"] == iso(START + timedelta(days=89))
    client.portal.edit(object="companies", id="1003", delete=True)
    client.clock.advance(timedelta(days=91))
    assert client.get("/crm/v3/objects/companies?archived=true")["results"] == []


def test_a_purged_record_is_in_neither_list() -> None:
    client = make()
    client.portal.edit(object="companies", id="1002", hard_delete=True)
    for archived in ("true", "false"):
        rows = client.get(f"/crm/v3/objects/companies?archived={archived}")["results"]
        assert "1002" not in [row["id"] for row in rows]
    assert client.found(("name", "HAS_PROPERTY", "")) == ["1001", "1003"]


def test_batch_read_gives_what_it_finds_and_names_what_it_does_not() -> None:
    client = make()
    body = {"inputs": [{"id": "1003"}, {"id": "9"}, {"id": "1001"}], "properties": ["hubspot_owner_id"]}
    document = client.post("/crm/v3/objects/companies/batch/read", body, status=207)
    assert sorted(row["id"] for row in document["results"]) == ["1001", "1003"]
    assert document["numErrors"] == 1
    assert document["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert document["errors"][0]["context"] == {"ids": ["9"]}
    body["inputs"] = [{"id": "1001"}]
    assert "numErrors" not in client.post("/crm/objects/2026-09/0-2/batch/read", body)


def test_batch_read_takes_at_most_a_hundred() -> None:
    body = {"inputs": [{"id": str(number)} for number in range(101)]}
    assert make().post("/crm/v3/objects/companies/batch/read", body, status=400)["category"] == "VALIDATION_ERROR"


def test_history_is_newest_first_and_says_who() -> None:
    client = make()
    client.clock.advance(timedelta(minutes=1))
    client.portal.edit(object="companies", id="1001", set={"hubspot_owner_id": BEN}, user=9002)
    client.clock.advance(timedelta(minutes=1))
    client.update(("1001", ANN))
    client.portal.edit(object="companies", id="1001", set={"hubspot_owner_id": BEN}, source="AUTOMATION_PLATFORM")
    document = client.get("/crm/v3/objects/companies/1001?propertiesWithHistory=hubspot_owner_id")
    history = document["propertiesWithHistory"]["hubspot_owner_id"]
    assert [(row["value"], row["sourceType"]) for row in history] == [
        (BEN, "AUTOMATION_PLATFORM"),
        (ANN, "INTEGRATION"),
        (BEN, "CRM_UI"),
        (ANN, "IMPORT"),
    ]
    assert history[2]["sourceId"] == "userId:9002"
    assert history[2]["updatedByUserId"] == 9002
    assert history[1]["sourceId"].isdecimal()
    assert "updatedByUserId" not in history[1]


def test_history_is_cut_at_twenty_entries() -> None:
    client = make()
    for number in range(30):
        client.portal.edit(object="companies", id="1001", set={"name": f"Name {number}"})
    record = client.portal.record("companies", "1001")
    assert record is not None
    assert [row["value"] for row in record["history"]["name"]] == [f"Name {number}" for number in range(29, 9, -1)]


def test_owners_are_live_or_archived_and_paged() -> None:
    client = make()
    for path in ("/crm/v3/owners/", "/crm/v3/owners", "/crm/owners/2026-09"):
        first = client.get(f"{path}?limit=2&archived=false")
        assert [row["id"] for row in first["results"]] == [ANN, BEN]
        second = client.get(f"{path}?limit=2&after={first['paging']['next']['after']}")
        assert [row["type"] for row in second["results"]] == ["QUEUE"]
        assert "paging" not in second
    archived = client.get("/crm/v3/owners/?archived=True")["results"]
    assert [(row["id"], row["userId"], row["userIdIncludingInactive"]) for row in archived] == [(GONE, None, 9003)]
    assert (archived[0]["firstName"], archived[0]["archived"]) == ("", True)


def test_an_owner_is_found_by_email_id_or_user() -> None:
    client = make()
    assert [row["id"] for row in client.get("/crm/v3/owners?email=ben@ex.test")["results"]] == [BEN]
    assert client.get(f"/crm/v3/owners/{BEN}")["teams"] == [{"id": "east", "name": "East", "primary": True}]
    assert client.get("/crm/v3/owners/9001?idProperty=userId")["id"] == ANN
    assert client.call("GET", "/crm/v3/owners/9001")[0] == 404
    assert client.call("GET", f"/crm/v3/owners/{GONE}")[0] == 404
    assert client.call("GET", "/crm/v3/owners?limit=501")[0] == 400


def test_a_deactivated_owner_keeps_the_records() -> None:
    client = make()
    client.portal.edit(object="owners", email="ANN@ex.test", deactivate=True)
    assert ANN in [row["id"] for row in client.get("/crm/v3/owners?archived=true")["results"]]
    assert (
        client.get("/crm/v3/objects/companies/1001?properties=hubspot_owner_id")["properties"]["hubspot_owner_id"]
        == ANN
    )


def _with_deals() -> Client:
    client = make()
    client.portal.load(
        "deals",
        [
            {"id": "5001", "dealname": "One", "dealstage": "contractsent", "associatedcompanyid": "1001"},
            {"id": "5002", "dealname": "Two", "dealstage": "closedwon", "amount": "5"},
            {"id": "5003", "dealname": "Three", "dealstage": "closedlost", "associations": "1002;1003"},
        ],
    )
    return client


def test_deals_know_from_their_stage_whether_they_are_closed() -> None:
    client = _with_deals()
    names = "hs_is_closed,hs_is_closed_won,hs_deal_stage_probability,pipeline"
    rows = client.get(f"/crm/v3/objects/0-3?properties={names}")["results"]
    found = [(r["properties"]["hs_is_closed"], r["properties"]["hs_is_closed_won"]) for r in rows]
    assert found == [("false", "false"), ("true", "true"), ("true", "false")]
    assert rows[1]["properties"]["hs_deal_stage_probability"] == "1.0"
    assert rows[0]["properties"]["pipeline"] == "default"
    client.portal.edit(object="deals", id="5001", set={"dealstage": "closedwon"})
    assert client.get(f"/crm/v3/objects/deals/5001?properties={names}")["properties"]["hs_is_closed_won"] == "true"


def test_a_list_of_deals_carries_its_companies_in_two_rows() -> None:
    rows = _with_deals().get("/crm/v3/objects/deals?associations=companies")["results"]
    assert rows[0]["associations"]["companies"]["results"] == [
        {"id": "1001", "type": "deal_to_company"},
        {"id": "1001", "type": "deal_to_company_unlabeled"},
    ]
    assert "associations" not in rows[1]
    assert [row["id"] for row in rows[2]["associations"]["companies"]["results"]] == ["1002", "1002", "1003"]


def test_an_archived_company_is_shown_with_a_deal_by_no_way_of_reading() -> None:
    client = _with_deals()
    client.portal.edit(object="companies", id="1001", delete=True)
    assert "associations" not in client.get("/crm/v3/objects/deals?associations=companies")["results"][0]
    assert "associations" not in client.get("/crm/v3/objects/deals/5001?associations=companies")
    body = {"inputs": [{"id": "5001"}, {"id": "5003"}]}
    batch = client.post("/crm/v4/associations/deals/companies/batch/read", body, status=207)
    assert [result["from"]["id"] for result in batch["results"]] == ["5003"]


@pytest.mark.parametrize("path", ["/crm/v4/associations/deals/companies", "/crm/associations/2026-09/0-3/0-2"])
def test_associations_come_in_batches_and_none_is_no_failure(path: str) -> None:
    body = {"inputs": [{"id": "5001"}, {"id": "5002"}]}
    document = _with_deals().post(f"{path}/batch/read", body, status=207)
    assert document["results"] == [
        {
            "from": {"id": "5001"},
            "to": [
                {
                    "toObjectId": 1001,
                    "associationTypes": [
                        {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"},
                        {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None},
                    ],
                }
            ],
        }
    ]
    assert document["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert document["errors"][0]["context"]["fromObjectId"] == ["5002"]


def test_a_new_primary_company_takes_the_label_from_the_old() -> None:
    client = _with_deals()
    client.portal.edit(object="deals", id="5001", associate="1003", primary=True)
    linked = client.get("/crm/v4/objects/deals/5001/associations/companies")["results"]
    labels = {row["toObjectId"]: [kind["typeId"] for kind in row["associationTypes"]] for row in linked}
    assert labels == {1001: [341], 1003: [5, 341]}
    back = client.get("/crm/v4/objects/companies/1003/associations/deals")["results"]
    assert [row["toObjectId"] for row in back] == [5001, 5003]


def test_pipelines_and_properties_are_told() -> None:
    client = _with_deals()
    for path in ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-09/0-3"):
        [pipeline] = client.get(path)["results"]
        stages = {stage["id"]: stage["metadata"] for stage in pipeline["stages"]}
        assert stages["closedwon"] == {"isClosed": "true", "probability": "1.0"}
        assert stages["contractsent"]["isClosed"] == "false"
    names = {row["name"]: row for row in client.get("/crm/v3/properties/companies")["results"]}
    assert names["hubspot_owner_id"]["referencedObjectType"] == "OWNER"
    assert names["hs_lastmodifieddate"]["modificationMetadata"]["readOnlyValue"] is True
    assert client.get("/crm/properties/2026-09/companies/zip")["type"] == "string"
    assert client.call("GET", "/crm/v3/properties/companies/nonsense")[0] == 404


def test_a_pipeline_of_ones_own_decides_what_is_closed() -> None:
    client = make()
    stages = [("won", "1.0", "true"), ("talking", "0.3", "false")]
    client.portal.load(
        "pipelines",
        [
            {"pipeline": "7", "label": "Partners", "stage": key, "probability": chance, "isClosed": closed}
            for key, chance, closed in stages
        ],
    )
    client.portal.load("deals", [{"dealname": "D", "pipeline": "7", "dealstage": "won"}])
    [deal] = client.get("/crm/v3/objects/deals?properties=hs_is_closed_won")["results"]
    assert deal["properties"]["hs_is_closed_won"] == "true"


def test_hidden_properties_and_records_are_not_there() -> None:
    client = make()
    client.portal.edit(object="companies", hide="domain")
    assert "domain" not in client.get("/crm/v3/objects/companies/1001?properties=domain")["properties"]
    assert client.call("GET", "/crm/v3/properties/companies/domain")[0] == 404
    client.portal.edit(configure={"hidden": ["companies/1001"]})
    assert [row["id"] for row in client.get("/crm/v3/objects/companies")["results"]] == ["1002", "1003"]
    assert client.call("GET", "/crm/v3/objects/companies/1001")[0] == 404


def test_the_same_load_gives_the_same_portal() -> None:
    one, other = make(), make()
    for client in (one, other):
        client.portal.load("companies", [{"name": "No id"}, {"name": "Nor I"}])
    assert one.portal.records("companies") == other.portal.records("companies")
    assert one.portal.credentials() == other.portal.credentials()


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        ("companies", {"id": "abc"}, "companies row 1: 'abc' is not a record id"),
        ("companies", {"id": "1001"}, "it is taken"),
        ("companies", {"numberofemployees": "many"}, "companies row 1: numberofemployees: .many. is not a number"),
        ("owners", {"id": "5"}, "owners row 1: no email"),
        ("widgets", {}, "no object widgets"),
    ],
)
def test_rows_that_cannot_be_loaded_are_named(name: str, row: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make().portal.load(name, [row])
