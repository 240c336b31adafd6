"""SOQL of the fake org: what a query finds, in which order, and what is refused with which code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ADA, BEN = "005FK000000000A", "005FK000000000b"
A1, A2, A3, A4 = (f"001FK000000000{letter}" for letter in "abcD")


def make_org() -> SalesforceOrg:
    org = SalesforceOrg(clock=ManualClock(NOW))
    org.load(
        "User",
        [
            {"Id": ADA, "LastName": "Ada", "Username": "ada@x.example", "Email": "ada@x.example"},
            {"Id": BEN, "LastName": "Ben", "Username": "ben@x.example", "Email": "ben@x.example", "ManagerId": ADA},
        ],
    )
    org.load(
        "Account",
        [
            {
                "Id": A1,
                "Name": "Acme",
                "OwnerId": ADA,
                "Industry": "Banking",
                "NumberOfEmployees": "50",
                "AnnualRevenue": 1000.5,
                "CreatedDate": "2026-11-20T01:00:00Z",
                "SystemModstamp": "2026-11-20T09:00:00Z",
                "Segments__c": "smb;emea",
                "Locked__c": "true",
            },
            {
                "Id": A2,
                "Name": 'Beta\'s "B" 100%',
                "OwnerId": BEN,
                "Industry": "Insurance",
                "NumberOfEmployees": 500,
                "CreatedDate": "2026-11-01T01:00:00Z",
                "SystemModstamp": "2026-11-20T09:00:01Z",
                "ParentId": A1,
                "Segments__c": "ent",
                "BillingCity": "Berlin",
                "BillingCountry": "Germany",
            },
            {
                "Id": A3,
                "Name": "acme west",
                "OwnerId": BEN,
                "CreatedDate": "2025-10-01T01:00:00Z",
                "SystemModstamp": "2026-11-20T09:00:01Z",
                "ParentId": A1,
            },
            {"Id": A4, "Name": "Gone", "OwnerId": ADA, "IsDeleted": True, "SystemModstamp": "2026-11-20T09:00:02Z"},
        ],
    )
    org.load(
        "Opportunity",
        [
            {"Name": "Deal 1", "AccountId": A1, "OwnerId": ADA, "StageName": "Closed Won", "CloseDate": "2026-11-20"},
            {"Name": "Deal 2", "AccountId": A2, "OwnerId": BEN, "StageName": "Prospecting", "CloseDate": "2026-12-31"},
        ],
    )
    return org


ORG = make_org()
TOKEN = ORG.credentials()["access_token"]


def ask(soql: str, *, call: str = "query") -> tuple[int, Any]:
    request = Request("GET", f"/services/data/v66.0/{call}", {"q": [soql]}, {"authorization": f"Bearer {TOKEN}"})
    response = ORG.handle(request)
    return response.status, json.loads(response.body)


def names(where: str, *, source: str = "Account", call: str = "query") -> list[str]:
    status, document = ask(f"SELECT Name FROM {source} WHERE {where}", call=call)
    assert status == 200, document
    return sorted(record["Name"] for record in document["records"])


ACME, BETA, WEST = "Acme", 'Beta\'s "B" 100%', "acme west"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ACME'", [ACME]),
        ("name = 'acme'", [ACME]),
        ("Account.Name = 'Acme'", [ACME]),
        ("Name != 'Acme'", [BETA, WEST]),
        ("Name <> 'Acme'", [BETA, WEST]),
        ("Name = 'Beta\\'s \\\"B\\\" 100%'", [BETA]),
        ("Name LIKE 'acme%'", [ACME, WEST]),
        ("Name LIKE '%\\%'", [BETA]),
        ("Name LIKE 'ac_e'", [ACME]),
        ("(NOT Name LIKE 'acme%')", [BETA]),
        ("Industry = null", [WEST]),
        ("Industry != null", [ACME, BETA]),
        ("Industry = ''", [WEST]),
        ("Industry != 'Banking'", [BETA, WEST]),
        ("Industry IN ('banking', 'Insurance')", [ACME, BETA]),
        ("Industry NOT IN ('Banking')", [BETA, WEST]),
        ("Industry IN (null, 'Banking')", [ACME, WEST]),
        ("NumberOfEmployees > 50", [BETA]),
        ("NumberOfEmployees >= 50", [ACME, BETA]),
        ("NumberOfEmployees < 51", [ACME]),
        ("NumberOfEmployees <= 500.0", [ACME, BETA]),
        ("AnnualRevenue = 1.0005e3", [ACME]),
        ("Locked__c = true", [ACME]),
        ("Locked__c = false", [BETA, WEST]),
        ("Segments__c INCLUDES ('smb;emea', 'none')", [ACME]),
        ("Segments__c EXCLUDES ('smb')", [BETA, WEST]),
        (f"Id = '{A1}'", [ACME]),
        (f"Id IN ('{A1}', '{A3}')", [ACME, WEST]),
        (f"Id > '{A1}' AND Id <= '{A3}'", [BETA, WEST]),
        (f"ParentId = '{A1}'", [BETA, WEST]),
        ("Parent.Name = 'Acme' AND Owner.Email = 'ben@x.example'", [BETA, WEST]),
        ("Owner.Manager.LastName = 'Ada'", [BETA, WEST]),
        ("Industry = 'Banking' OR (Industry = null AND Name LIKE 'a%')", [ACME, WEST]),
        ("NOT (Industry = 'Banking' OR Industry = null)", [BETA]),
        ("CreatedDate = TODAY", [ACME]),
        ("CreatedDate = THIS_MONTH", [ACME, BETA]),
        ("CreatedDate = LAST_N_DAYS:30", [ACME, BETA]),
        ("CreatedDate < LAST_N_DAYS:30", [WEST]),
        ("CreatedDate >= LAST_YEAR", [ACME, BETA, WEST]),
        ("CreatedDate = LAST_YEAR", [WEST]),
        ("CreatedDate = N_DAYS_AGO:19", [BETA]),
        ("CreatedDate > YESTERDAY", [ACME]),
        ("CreatedDate != THIS_WEEK", [BETA, WEST]),
        ("CreatedDate = LAST_QUARTER", []),
        ("SystemModstamp >= 2026-11-20T09:00:01Z", [BETA, WEST]),
        ("SystemModstamp >= 2026-11-20T09:00:01.000Z AND SystemModstamp < 2026-11-20T09:00:02Z", [BETA, WEST]),
        ("SystemModstamp > 2026-11-20T09:00:00+00:00", [BETA, WEST]),
        ("SystemModstamp = 2026-11-20T10:00:00+01:00", [ACME]),
        ("SystemModstamp <= 2026-11-20T09:00:00.999Z", [ACME]),
        (f"(SystemModstamp = 2026-11-20T09:00:01Z AND Id > '{A2}') OR SystemModstamp > 2026-11-20T09:00:01Z", [WEST]),
        ("SystemModstamp = 2026-11-20T09:00:00Z OR SystemModstamp > 2026-11-20T09:00:01Z", [ACME]),
        ("SystemModstamp > 2026-11-20T09:00:01Z OR Industry = 'Banking'", [ACME]),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", [ACME]),
        ("Id NOT IN (SELECT AccountId FROM Opportunity)", [WEST]),
    ],
)
def test_where_finds(where: str, found: Sequence[str]) -> None:
    assert names(where) == list(found)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("CloseDate = 2026-11-20", ["Deal 1"]),
        ("CloseDate > TODAY", ["Deal 2"]),
        ("CloseDate = NEXT_N_DAYS:60", ["Deal 2"]),
        ("IsClosed = true AND IsWon = true", ["Deal 1"]),
        ("Account.Industry = 'Insurance'", ["Deal 2"]),
        ("Account.Owner.Name = 'Ben'", ["Deal 2"]),
        (f"AccountId IN ('{A1}', '{A2}')", ["Deal 1", "Deal 2"]),
    ],
)
def test_where_on_opportunities(where: str, found: Sequence[str]) -> None:
    assert names(where, source="Opportunity") == list(found)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id Account", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'open", "MALFORMED_QUERY"),
        ('SELECT Id FROM Account WHERE Name = "double"', "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a\\x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT ten", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 1 garbage", "MALFORMED_QUERY"),
        ("SELECT Id, Name FROM Account GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Industry FROM Account GROUP BY ROLLUP(Industry)", "MALFORMED_QUERY"),
        ("SELECT COUNT() FROM Account ORDER BY Id", "MALFORMED_QUERY"),
        ("SELECT Id a FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account HAVING COUNT(Id) > 1", "MALFORMED_QUERY"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY"),
        ("SELECT convertCurrency(AnnualRevenue) FROM Account", "MALFORMED_QUERY"),
        ("SELECT TYPEOF Owner WHEN User THEN Name END FROM Account", "MALFORMED_QUERY"),
        ("SELECT TYPEOF Owner END FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT COUNT() FROM Contacts) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WITH NOTHING", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id, AccountId FROM Contact)", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id FROM Nothings) FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Parent.Landlord.Name = 'x'", "INVALID_FIELD"),
        ("SELECT * FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE CreatedDate = SOMEDAY", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Foo FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Owner.Foo FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Landlord.Name FROM Account", "INVALID_FIELD"),
        ("SELECT IsDeleted FROM User", "INVALID_FIELD"),
        ("SELECT MasterRecordId FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Foo = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Foo", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-11-20T09:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-11-20", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate > 2026-11-20T09:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description LIKE 'a%'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = '001'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees LIKE '5%'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_query_is_refused_with_code(soql: str, code: str) -> None:
    status, document = ask(soql)
    assert status == 400
    assert [error["errorCode"] for error in document] == [code]
    assert document[0]["message"]


def test_unknown_column_is_named_with_its_entity() -> None:
    _, document = ask("SELECT Foo FROM Account")
    assert "No such column 'Foo' on entity 'Account'" in document[0]["message"]


def test_deleted_rows_are_seen_by_query_all_only() -> None:
    assert names("Name = 'Gone'") == []
    assert names("Name = 'Gone'", call="queryAll") == ["Gone"]


def order(clause: str) -> list[Any]:
    _, document = ask(f"SELECT Name FROM Account ORDER BY {clause}")
    return [record["Name"] for record in document["records"]]


def test_order_by_stamp_then_id() -> None:
    assert order("SystemModstamp, Id") == [ACME, BETA, WEST]
    assert order("SystemModstamp DESC, Id ASC") == [BETA, WEST, ACME]
    assert order("SystemModstamp DESC, Id DESC") == [WEST, BETA, ACME]


def test_order_of_text_ignores_case_and_nulls_go_where_told() -> None:
    assert order("Name") == [ACME, WEST, BETA]
    assert order("NumberOfEmployees") == [WEST, ACME, BETA]
    assert order("NumberOfEmployees ASC NULLS LAST") == [ACME, BETA, WEST]
    assert order("NumberOfEmployees DESC NULLS FIRST") == [WEST, BETA, ACME]
    assert order("NumberOfEmployees DESC NULLS LAST") == [BETA, ACME, WEST]
    assert order("Owner.Name DESC, Name") == [WEST, BETA, ACME]


def test_limit_offset_and_count() -> None:
    _, document = ask("SELECT Name FROM Account ORDER BY Name LIMIT 1 OFFSET 1")
    assert [record["Name"] for record in document["records"]] == [WEST]
    assert document["totalSize"] == 1
    assert ask("select count() from account")[1] == {"totalSize": 3, "done": True, "records": []}
    assert ask("SELECT COUNT() FROM Account WHERE Name LIKE 'a%'", call="queryAll")[1]["totalSize"] == 2


def test_record_has_described_case_attributes_and_nested_parents() -> None:
    _, document = ask(f"select id, OWNER.name, a.parent.owner.EMAIL, industry from ACCOUNT a where id = '{A2}'")
    (record,) = document["records"]
    owner_url = "/services/data/v66.0/sobjects/User/" + record["Owner"]["attributes"]["url"].rsplit("/", 1)[1]
    assert list(record) == ["attributes", "Id", "Owner", "Parent", "Industry"]
    assert record["attributes"] == {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{record['Id']}"}
    assert record["Id"].startswith(A2)
    assert len(record["Id"]) == 18
    assert record["Owner"] == {"attributes": {"type": "User", "url": owner_url}, "Name": "Ben"}
    assert record["Parent"]["Owner"]["Email"] == "ada@x.example"


def test_missing_parent_is_null_and_addresses_are_objects() -> None:
    _, document = ask("SELECT Parent.Name, BillingAddress, BillingCity FROM Account ORDER BY Id")
    first, second = document["records"][:2]
    assert first["Parent"] is None
    assert first["BillingAddress"] is None
    assert second["BillingAddress"]["city"] == "Berlin"
    assert second["BillingAddress"]["country"] == "Germany"


def test_values_have_the_wire_types() -> None:
    _, document = ask(
        "SELECT NumberOfEmployees, AnnualRevenue, Locked__c, IsDeleted, CreatedDate, SystemModstamp FROM Account "
        f"WHERE Id = '{A1}'"
    )
    record = document["records"][0]
    assert record["NumberOfEmployees"] == 50
    assert record["AnnualRevenue"] == 1000.5
    assert record["Locked__c"] is True
    assert record["IsDeleted"] is False
    assert record["CreatedDate"] == "2026-11-20T01:00:00.000+0000"


def test_fields_all_needs_a_limit() -> None:
    _, document = ask("SELECT FIELDS(ALL) FROM Account LIMIT 1")
    assert {"Id", "Name", "OwnerId", "Segments__c", "SystemModstamp"} <= set(document["records"][0])
    _, document = ask("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1")
    assert set(document["records"][0]) == {"attributes", "Segments__c", "Locked__c"}


def test_too_long_uri_is_414() -> None:
    status, _ = ask("SELECT Id FROM Account WHERE Id IN (" + ",".join([f"'{A1}'"] * 900) + ")")
    assert status == 414
