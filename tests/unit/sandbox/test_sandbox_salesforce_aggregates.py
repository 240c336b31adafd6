"""SOQL beyond plain rows: groups, aggregates, functions, child subqueries, TYPEOF, polymorphic owners."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_salesforce_client import OrgClient


class Sales(OrgClient):
    """Two accounts with opportunities, leads of a rep and of a queue."""

    def __init__(self) -> None:
        super().__init__()
        (self.ada,) = self.org.load(
            "User", [{"LastName": "ada", "Username": "ada@x.example", "Email": "ada@x.example"}]
        )
        (self.queue,) = self.org.load("Group", [{"Name": "Inbound", "Type": "Queue", "Email": "q@x.example"}])
        self.a, self.b = self.org.load(
            "Account", [{"Name": "a", "Industry": "Banking"}, {"Name": "b", "Industry": "retail"}]
        )
        rows = [
            ("one", self.a, 100, "2026-01-15"),
            ("two", self.a, 300, "2026-04-15"),
            ("three", self.b, None, "2026-04-20"),
        ]
        self.deals = self.org.load(
            "Opportunity",
            [{"Name": n, "AccountId": account, "Amount": amount, "CloseDate": day} for n, account, amount, day in rows],
        )
        self.leads = self.org.load(
            "Lead", [{"LastName": owner[:3], "Company": "C", "OwnerId": owner} for owner in (self.ada, self.queue)]
        )

    def plain(self, soql: str) -> list[dict[str, Any]]:
        records = self.query(soql)
        return [{key: value for key, value in record.items() if key != "attributes"} for record in records]


@pytest.fixture
def sales() -> Sales:
    return Sales()


@pytest.mark.parametrize(
    ("soql", "expected"),
    [
        ("SELECT COUNT(Id) FROM Opportunity", [{"expr0": 3}]),
        (
            "SELECT COUNT(Amount) n, SUM(Amount), AVG(Amount) FROM Opportunity",
            [{"n": 2, "expr0": 400.0, "expr1": 200.0}],
        ),
        ("SELECT MIN(CloseDate) f, MAX(Name) l FROM Opportunity", [{"f": "2026-01-15", "l": "two"}]),
        ("SELECT COUNT_DISTINCT(AccountId) FROM Opportunity", [{"expr0": 2}]),
        ("SELECT COUNT(Id), SUM(Amount) FROM Opportunity WHERE Name = 'x'", [{"expr0": 0, "expr1": None}]),
        (
            "SELECT Account.Industry ind, COUNT(Id) n FROM Opportunity "
            "GROUP BY Account.Industry ORDER BY COUNT(Id) DESC",
            [{"ind": "Banking", "n": 2}, {"ind": "retail", "n": 1}],
        ),
        (
            "SELECT Account.Name FROM Opportunity GROUP BY Account.Name ORDER BY Account.Name DESC LIMIT 1",
            [{"Name": "b"}],
        ),
        (
            "SELECT AccountId, SUM(Amount) FROM Opportunity GROUP BY AccountId "
            "HAVING SUM(Amount) > 50 AND COUNT(Id) > 1",
            [{"AccountId": "{a}", "expr0": 400.0}],
        ),
        (
            "SELECT CALENDAR_QUARTER(CloseDate) q, COUNT(Id) n FROM Opportunity "
            "GROUP BY CALENDAR_QUARTER(CloseDate) ORDER BY CALENDAR_QUARTER(CloseDate)",
            [{"q": 1, "n": 1}, {"q": 2, "n": 2}],
        ),
        ("SELECT Name FROM Opportunity WHERE CALENDAR_MONTH(CloseDate) = 1", [{"Name": "one"}]),
        (
            "SELECT Name, toLabel(StageName) FROM Opportunity WHERE Amount = 100",
            [{"Name": "one", "StageName": "Prospecting"}],
        ),
        (
            "SELECT DAY_ONLY(CreatedDate) d, COUNT(Id) n FROM Account GROUP BY DAY_ONLY(CreatedDate)",
            [{"d": "2026-11-20", "n": 2}],
        ),
        ("SELECT Owner.Name, Owner.Type FROM Lead ORDER BY Owner.Type", None),
    ],
)
def test_groups_and_functions(sales: Sales, soql: str, expected: list[dict[str, Any]] | None) -> None:
    found = sales.plain(soql)
    if expected is not None:
        assert found == [{key: sales.a if value == "{a}" else value for key, value in row.items()} for row in expected]
        return
    owners = [(row["Owner"]["Name"], row["Owner"]["Type"], row["Owner"]["attributes"]["type"]) for row in found]
    assert owners == [("Inbound", "Group", "Name"), ("ada", "User", "Name")]
    assert sales.query("SELECT Id FROM Lead WHERE Owner.Type = 'Queue'") == []
    assert [row["Id"] for row in sales.query("SELECT Id FROM Lead WHERE Owner.Type = 'User'")] == [sales.leads[0]]


def test_aggregate_result_has_its_own_type_and_size(sales: Sales) -> None:
    document = sales.json("GET", "query?q=SELECT+Name,COUNT(Id)+FROM+Opportunity+GROUP+BY+Name")
    assert (document["totalSize"], document["done"]) == (3, True)
    assert document["records"][0]["attributes"] == {"type": "AggregateResult"}


def test_too_many_groups_cannot_be_paged(sales: Sales) -> None:
    sales.org.load("Account", [{"Name": f"n{number}"} for number in range(2_001)])
    refused = sales.error("GET", "query?q=SELECT+Name,COUNT(Id)+FROM+Account+GROUP+BY+Name")
    assert refused == (400, "EXCEEDED_ID_LIMIT")


def test_children_come_along_with_their_own_filter_order_and_limit(sales: Sales) -> None:
    soql = (
        "SELECT Name, (SELECT Name, Account.Name FROM Opportunities WHERE Amount > 50 ORDER BY Amount DESC LIMIT 1), "
        "(SELECT LastName FROM contacts) FROM Account ORDER BY Name"
    )
    first, second = sales.query(soql)
    deals = first["Opportunities"]
    assert (deals["totalSize"], deals["done"], deals["records"][0]["Name"]) == (1, True, "two")
    assert deals["records"][0]["Account"]["Name"] == "a"
    assert (second["Opportunities"], first["Contacts"]) == (None, None)


def test_deleted_children_show_only_to_query_all(sales: Sales) -> None:
    sales.org.edit(object="Opportunity", id=sales.deals[0], delete=True)
    soql = f"SELECT (SELECT Name FROM Opportunities) FROM Account WHERE Id = '{sales.a}'"
    assert [sales.query(soql, call)[0]["Opportunities"]["totalSize"] for call in ("query", "queryAll")] == [1, 2]


def test_children_of_a_custom_lookup_have_their_own_name(sales: Sales) -> None:
    sales.org.edit(object="Contact", field={"name": "Home__c", "type": "reference", "targets": ["Account"]})
    sales.org.edit(object="Contact", create={"LastName": "K", "Home__c": sales.a})
    (row,) = sales.query(f"SELECT (SELECT LastName, Home__r.Name FROM Contacts__r) FROM Account WHERE Id = '{sales.a}'")
    (contact,) = row["Contacts__r"]["records"]
    assert (contact["LastName"], contact["Home__r"]["Name"]) == ("K", "a")


def test_typeof_shows_what_each_kind_of_owner_has(sales: Sales) -> None:
    soql = "SELECT TYPEOF Owner WHEN User THEN Username, Email ELSE Name END FROM Lead ORDER BY LastName DESC"
    queue, user = sorted((row["Owner"] for row in sales.query(soql)), key=lambda owner: owner["attributes"]["type"])
    assert (queue["attributes"]["type"], queue["Name"]) == ("Name", "Inbound")
    assert (user["attributes"]["type"], user["Username"], "Name" in user) == ("User", "ada@x.example", False)


def test_modes_and_views_are_taken(sales: Sales) -> None:
    assert len(sales.query("SELECT Id FROM Account WHERE Name != null WITH USER_MODE LIMIT 5 FOR VIEW")) == 2
