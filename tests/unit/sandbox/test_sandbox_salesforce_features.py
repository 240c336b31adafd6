"""Person accounts, several currencies, paging gone wrong and data that is odd, in the fake org."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sandbox_salesforce_client import OrgClient


@pytest.fixture
def client() -> OrgClient:
    return OrgClient()


def test_person_account_is_named_by_its_parts_and_has_a_contact(client: OrgClient) -> None:
    client.org.edit(feature={"person_accounts": True})
    body = {"FirstName": "Grace", "LastName": "Hopper", "PersonEmail": "g@x.example"}
    account = client.json("POST", "sobjects/Account", body)["id"]
    row = client.row("Account", account)
    assert (row["IsPersonAccount"], row["Name"]) == (True, "Grace Hopper")
    contact = client.row("Contact", row["PersonContactId"])
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == ("Grace Hopper", "g@x.example", account)
    assert client.error("PATCH", f"sobjects/Account/{account}", {"Name": "x"}) == (
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    )
    (ada,) = client.org.load("User", [{"LastName": "ada", "Username": "ada@x.example"}])
    client.call("PATCH", f"sobjects/Account/{account}", {"LastName": "Murray", "OwnerId": ada})
    contact = client.row("Contact", row["PersonContactId"])
    assert (contact["Name"], contact["OwnerId"]) == ("Grace Murray", ada)
    (found,) = client.query("SELECT PersonContact.Email FROM Account WHERE IsPersonAccount = true")
    assert found["PersonContact"]["Email"] == "g@x.example"


def test_business_account_needs_a_name_beside_person_accounts(client: OrgClient) -> None:
    client.org.edit(feature={"person_accounts": True})
    assert client.error("POST", "sobjects/Account", {"Industry": "Banking"}) == (400, "REQUIRED_FIELD_MISSING")
    assert client.call("POST", "sobjects/Account", {"Name": "Acme"}).status == 201


def test_loaded_person_account_turns_the_feature_on(client: OrgClient) -> None:
    assert client.error("GET", "query?q=SELECT+PersonContactId+FROM+Account") == (400, "INVALID_FIELD")
    person, company = client.org.load(
        "Account", [{"IsPersonAccount": True, "FirstName": "A", "LastName": "B"}, {"Name": "Acme"}]
    )
    assert client.row("Account", person)["Name"] == "A B"
    assert client.row("Account", person)["PersonContactId"]
    assert client.row("Account", company).get("PersonContactId") is None
    with pytest.raises(ValueError, match="person account"):
        client.org.edit(object="Account", id=company, merge=[person])


def test_dated_rates_follow_one_another(client: OrgClient) -> None:
    rows = [
        {"IsoCode": code, "StartDate": day, "ConversionRate": 0.9}
        for code, day in (("EUR", "2026-07-01"), ("GBP", "2026-01-01"), ("EUR", "2026-01-01"))
    ]
    client.org.load("DatedConversionRate", rows)
    soql = "SELECT IsoCode, StartDate, NextStartDate FROM DatedConversionRate ORDER BY IsoCode, StartDate"
    shown = [(row["IsoCode"], row["StartDate"], row["NextStartDate"]) for row in client.query(soql)]
    assert shown == [
        ("EUR", "2026-01-01", "2026-07-01"),
        ("EUR", "2026-07-01", "9999-12-31"),
        ("GBP", "2026-01-01", "9999-12-31"),
    ]
    added = {"IsoCode": "GBP", "StartDate": "2026-05-01", "ConversionRate": 0.8}
    assert client.call("POST", "sobjects/DatedConversionRate", added).status == 201
    assert client.query(soql)[2]["NextStartDate"] == "2026-05-01"
    (corporate,) = client.query("SELECT IsoCode, ConversionRate FROM CurrencyType WHERE IsCorporate = true")
    assert (corporate["IsoCode"], corporate["ConversionRate"]) == ("USD", 1.0)


def test_org_of_one_currency_has_neither_the_field_nor_the_objects(client: OrgClient) -> None:
    client.org.edit(feature={"multi_currency": False})
    assert client.error("GET", "query?q=SELECT+CurrencyIsoCode+FROM+Account") == (400, "INVALID_FIELD")
    assert client.error("GET", "query?q=SELECT+Id+FROM+CurrencyType") == (400, "INVALID_TYPE")
    client.org.edit(feature={"multi_currency": True})
    assert len(client.query("SELECT Id, IsoCode FROM CurrencyType")) == 1


def walked(client: OrgClient) -> tuple[list[str], list[int], set[int]]:
    """Ids, page sizes and totals of a walk over all accounts."""
    page = client.json("GET", "query?q=SELECT+Id+FROM+Account+ORDER+BY+Id")
    ids, sizes, totals = [row["Id"] for row in page["records"]], [len(page["records"])], {page["totalSize"]}
    while not page["done"]:
        page = client.json("GET", page["nextRecordsUrl"])
        ids += [row["Id"] for row in page["records"]]
        sizes.append(len(page["records"]))
        totals.add(page["totalSize"])
    return ids, sizes, totals


def test_empty_pages_lose_nothing_and_have_addresses_of_their_own(client: OrgClient) -> None:
    loaded = sorted(client.org.load("Account", [{"Name": str(number)} for number in range(5)]))
    client.org.edit(query={"page_limit": 2, "empty_pages": 2})
    assert walked(client) == (loaded, [0, 0, 2, 2, 1], {5})
    client.org.edit(query={"empty_pages": 1, "total_off": 3})
    assert walked(client) == (loaded, [0, 2, 2, 1], {8})


def test_total_rows_outside_the_window_and_covered_behind_are_switches(client: OrgClient) -> None:
    client.org.load("Account", [{"Name": str(number)} for number in range(3)])
    client.org.edit(query={"unfiltered": 1})
    assert len(client.query("SELECT Id FROM Account WHERE Name = '1'")) == 3
    assert len(client.query("SELECT Id FROM Account WHERE Name = '1'")) == 1
    client.org.edit(covered_behind=3600)
    span = "start=2026-11-20T08%3A00%3A00Z&end=2026-11-20T10%3A00%3A00Z"
    covered = client.json("GET", f"sobjects/Account/updated?{span}")["latestDateCovered"]
    assert covered == "2026-11-20T09:00:00.000+0000"


def test_page_fault_scripted_as_an_edit_hits_the_request_it_names(client: OrgClient) -> None:
    client.org.load("Account", [{"Name": str(number)} for number in range(450)])
    expire = {"match": {"path": "*/query/*", "nth": 2}, "fault": "edit before", "edit": {"session": "cursors"}}
    client.org.faults.install([expire])
    page = client.json("GET", "query?q=SELECT+Id+FROM+Account", Sforce_Query_Options="batchSize=200")
    page = client.json("GET", page["nextRecordsUrl"])
    assert client.error("GET", page["nextRecordsUrl"]) == (400, "INVALID_QUERY_LOCATOR")


def test_lone_surrogates_reach_the_wire_as_a_question_mark(client: OrgClient) -> None:
    client.org.load("Account", [{"Name": "a\ud800b"}])
    assert client.query("SELECT Name FROM Account")[0]["Name"] == "a?b"
    job = client.json("POST", "jobs/query", {"operation": "query", "query": "SELECT Name FROM Account"})["id"]
    client.org.edit(bulk={"polls": 0})
    assert client.call("GET", f"jobs/query/{job}/results").body == b'"Name"\n"a?b"\n'


def test_undeleted_after_a_rolled_back_delete_is_not_listed_as_deleted(client: OrgClient) -> None:
    first, second = client.org.load("Account", [{"Name": name} for name in "ab"])
    client.org.edit(object="Account", id=second, approval=True)
    results = client.json("DELETE", f"composite/sobjects?ids={first},{second}&allOrNone=true")
    assert [item["success"] for item in results] == [False, False]
    client.clock.advance(timedelta(minutes=5))
    span = "start=2026-11-20T09%3A00%3A00Z&end=2026-11-20T10%3A05%3A00Z"
    assert client.json("GET", f"sobjects/Account/deleted?{span}")["deletedRecords"] == []
