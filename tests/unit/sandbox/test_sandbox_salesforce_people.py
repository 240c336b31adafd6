"""What people do in the fake org's UI, what time brings about there, and what loading fills in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def org(clock: ManualClock) -> SalesforceOrg:
    return SalesforceOrg(clock=clock)


@pytest.fixture
def reps(org: SalesforceOrg) -> tuple[str, ...]:
    return org.load(
        "User",
        [
            {"FirstName": "Ada", "LastName": "King", "Username": "ada@x.example"},
            {"LastName": "Ben", "Username": "ben@x.example", "Email": "b@x.example"},
        ],
    )


def query(org: SalesforceOrg, soql: str, call: str = "query") -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {org.credentials()['access_token']}"}
    response = org.handle(Request.of("GET", f"/services/data/v66.0/{call}?q={quote(soql)}", headers))
    assert response.status == 200, response.body
    records: list[dict[str, Any]] = json.loads(response.body)["records"]
    return records


def test_owner_changed_in_the_ui_takes_the_old_owners_open_work_along(
    org: SalesforceOrg, reps: tuple[str, ...]
) -> None:
    ada, ben = reps
    (account,) = org.load("Account", [{"Name": "A", "OwnerId": ada}])
    child = {"AccountId": account, "OwnerId": ada}
    mine, won, others = org.load(
        "Opportunity",
        [
            {"Name": "m", **child},
            {"Name": "w", **child, "StageName": "Closed Won"},
            {"Name": "o", **child, "OwnerId": ben},
        ],
    )
    (contact,) = org.load("Contact", [{"LastName": "c", **child}])
    (task,) = org.load("Task", [{"Subject": "t", "WhatId": account, "OwnerId": ada}])
    (member,) = org.load("AccountTeamMember", [{"AccountId": account, "UserId": ben}])
    org.edit(object="Account", id=account, set={"OwnerId": ben}, by="ada@x.example", keep_team=True)
    rows = {name: org.record(name, key) for name, key in (("Account", account), ("Contact", contact), ("Task", task))}
    assert all(row is not None and row["OwnerId"] == ben and row["LastModifiedById"] == ada for row in rows.values())
    owners = [(org.record("Opportunity", key) or {})["OwnerId"] for key in (mine, won, others)]
    assert owners == [ben, ada, ben]
    assert (org.record("AccountTeamMember", member) or {})["IsDeleted"] is False


def test_edit_names_its_person_or_is_the_administrators(org: SalesforceOrg, reps: tuple[str, ...]) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    for by, expected in (("b@x.example", reps[1]), (reps[0][:15], reps[0])):
        org.edit({"object": "Account", "id": account, "set": {"Rating": "Hot"}, "by": by})
        assert (org.record("Account", account) or {})["LastModifiedById"] == expected
    org.edit(object="Account", id=account, set={"Rating": "Cold"})
    person = org.record("User", (org.record("Account", account) or {})["LastModifiedById"])
    assert person is not None
    assert person["Username"] == "admin@sandbox.example"


@pytest.mark.parametrize(
    "command",
    [
        {"object": "Account", "id": "nothing", "set": {}},
        {"object": "Nothing", "id": "x", "set": {}},
        {"object": "Account"},
        {"object": "Account", "id": "x", "set": {}, "delete": True},
        {"object": "User", "id": "{user}", "delete": True},
        {"object": "Opportunity", "id": "{account}", "merge": ["{account}"]},
        {"object": "Account", "id": "{account}", "merge": ["{account}"]},
        {"object": "Account", "id": "{account}", "undelete": True},
        {"object": "Account", "id": "{account}", "set": {"OwnerId": "005000000000000"}},
        {"object": "Account", "id": "{account}", "set": {"NumberOfEmployees": "many"}},
        {"object": "Account", "id": "{account}", "set": {"Name": "x"}, "by": "nobody"},
        {"session": "dance"},
    ],
)
def test_edit_that_makes_no_sense_changes_nothing(org: SalesforceOrg, command: dict[str, Any]) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    before = {name: org.records(name) for name in ("Account", "User")}
    text = json.dumps(command).replace("{account}", account).replace("{user}", org.integration_user_id)
    with pytest.raises((ValueError, KeyError)):
        org.edit(json.loads(text))
    assert {name: org.records(name) for name in before} == before


def test_delete_takes_children_and_undelete_brings_them_back(org: SalesforceOrg, clock: ManualClock) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    kept, deleted_before = org.load("Opportunity", [{"Name": n, "AccountId": account} for n in "kd"])
    org.edit(object="Opportunity", id=deleted_before, delete=True)
    clock.advance(timedelta(minutes=1))
    org.edit(object="Account", id=account, delete=True)
    assert query(org, "SELECT Id FROM Account") == []
    (row,) = query(org, "SELECT IsDeleted, SystemModstamp FROM Account", "queryAll")
    assert (row["IsDeleted"], row["SystemModstamp"]) == (True, "2026-11-20T10:01:00.000+0000")
    clock.advance(timedelta(minutes=1))
    org.edit(object="Account", id=account, undelete=True)
    assert [(org.record("Opportunity", key) or {})["IsDeleted"] for key in (kept, deleted_before)] == [False, True]
    assert (org.record("Account", account) or {})["SystemModstamp"] == "2026-11-20T10:02:00.000+0000"


def test_merge_reparents_children_and_names_the_winner(org: SalesforceOrg, clock: ManualClock) -> None:
    winner, loser, daughter = org.load("Account", [{"Name": name} for name in "wld"])
    org.edit(object="Account", id=daughter, set={"ParentId": loser})
    (deal,) = org.load("Opportunity", [{"Name": "d", "AccountId": loser}])
    clock.advance(timedelta(hours=1))
    org.edit(object="Account", id=winner, merge=[loser])
    (gone,) = query(org, "SELECT Id, MasterRecordId, SystemModstamp FROM Account WHERE IsDeleted = true", "queryAll")
    assert (gone["Id"], gone["MasterRecordId"]) == (loser, winner)
    stamp = "2026-11-20T11:00:00.000+0000"
    moved = org.record("Opportunity", deal) or {}
    assert (moved["AccountId"], moved["SystemModstamp"]) == (winner, stamp)
    assert (org.record("Account", daughter) or {})["ParentId"] == winner
    assert (org.record("Account", winner) or {})["SystemModstamp"] == stamp


def test_child_that_moved_away_is_not_deleted_with_its_old_parent(org: SalesforceOrg) -> None:
    old, new = org.load("Account", [{"Name": "old"}, {"Name": "new"}])
    (deal,) = org.load("Opportunity", [{"Name": "d", "AccountId": old}])
    org.edit(object="Opportunity", id=deal, set={"AccountId": new})
    org.edit(object="Account", id=old, delete=True)
    assert (org.record("Opportunity", deal) or {})["IsDeleted"] is False


def test_hard_delete_is_seen_by_nobody(org: SalesforceOrg) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    org.edit(object="Account", id=account, hard_delete=True)
    assert query(org, "SELECT Id FROM Account", "queryAll") == []
    assert org.record("Account", account) is None


def test_recycle_bin_is_emptied_after_15_days(org: SalesforceOrg, clock: ManualClock) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    org.edit(object="Account", id=account, delete=True)
    clock.advance(timedelta(days=14))
    assert len(query(org, "SELECT Id FROM Account", "queryAll")) == 1
    clock.advance(timedelta(days=1, hours=1))
    assert query(org, "SELECT Id FROM Account", "queryAll") == []


def test_late_commit_shows_up_behind_the_clock(org: SalesforceOrg, clock: ManualClock) -> None:
    (account,) = org.load("Account", [{"Name": "before"}])
    org.edit(object="Account", id=account, set={"Name": "after"}, visible_after=300)
    org.edit({"object": "Account", "create": {"Name": "new"}, "visible_after": 300})
    clock.advance(timedelta(seconds=299))
    assert [row["Name"] for row in query(org, "SELECT Name FROM Account")] == ["before"]
    headers = {"Authorization": f"Bearer {org.credentials()['access_token']}"}
    body = json.dumps({"Rating": "Hot"}).encode()
    refused = org.handle(Request.of("PATCH", f"/services/data/v66.0/sobjects/Account/{account}", headers, body))
    assert json.loads(refused.body)[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    clock.advance(timedelta(seconds=1))
    rows = query(org, "SELECT Name, SystemModstamp FROM Account ORDER BY Name")
    assert [row["Name"] for row in rows] == ["after", "new"]
    assert {row["SystemModstamp"] for row in rows} == {"2026-11-20T10:00:00.000+0000"}
    found = query(org, "SELECT Id FROM Account WHERE SystemModstamp > 2026-11-20T10:00:00Z")
    assert found == []


def test_late_commit_leaves_its_history_when_it_shows_up(
    org: SalesforceOrg, clock: ManualClock, reps: tuple[str, ...]
) -> None:
    (account,) = org.load("Account", [{"Name": "A", "OwnerId": reps[0]}])
    org.edit(object="Account", id=account, set={"OwnerId": reps[1]}, visible_after=300)
    history = "SELECT NewValue, CreatedDate FROM AccountHistory WHERE Field = 'Owner'"
    assert query(org, history) == []
    clock.advance(timedelta(seconds=300))
    rows = query(org, history)
    assert reps[1] in [row["NewValue"] for row in rows]
    assert {row["CreatedDate"] for row in rows} == {"2026-11-20T10:00:00.000+0000"}


def test_deactivated_user_stays_and_cannot_be_given_records(org: SalesforceOrg, reps: tuple[str, ...]) -> None:
    (account,) = org.load("Account", [{"Name": "A"}])
    org.edit(object="User", id=reps[0], deactivate=True)
    assert query(org, "SELECT IsActive FROM User WHERE LastName = 'King'")[0]["IsActive"] is False
    with pytest.raises(ValueError, match="INACTIVE_OWNER_OR_USER"):
        org.edit(object="Account", id=account, set={"OwnerId": reps[0]})
    org.edit(object="User", id=reps[0], activate=True)
    org.edit(object="Account", id=account, set={"OwnerId": reps[0]})


def test_edit_and_records_over_the_control_endpoints(org: SalesforceOrg) -> None:
    (account,) = org.load("Account", [{"Name": "A", "Tier__c": "gold"}])
    command = {"object": "Account", "id": account, "set": {"StageNote__c": "hello"}}
    response = org.handle(Request.of("POST", "/_sandbox/edit", {}, json.dumps(command).encode()))
    assert json.loads(response.body) == {"effects": [f"Account {account} StageNote__c: None -> hello"]}
    (row,) = json.loads(org.handle(Request.of("GET", "/_sandbox/records/Account", {})).body)["records"]
    assert (row["Tier__c"], row["StageNote__c"], row["Industry"]) == ("gold", "hello", None)
    assert org.handle(Request.of("GET", "/_sandbox/records/Nothing", {})).status == 404


def test_load_fills_in_what_is_absent(org: SalesforceOrg) -> None:
    (account,) = org.load("Account", [{"Name": "A", "CreatedDate": "2026-01-02 03:04:05", "IsDeleted": "false"}])
    row = org.record("Account", account) or {}
    stamp = "2026-01-02T03:04:05.000+0000"
    assert (row["CreatedDate"], row["LastModifiedDate"], row["SystemModstamp"]) == (stamp, stamp, stamp)
    assert row["OwnerId"] == row["LastModifiedById"] == org.integration_user_id
    assert len(account) == 18
    (person,) = org.load("User", [{"FirstName": "Eve", "LastName": "Ng"}])
    loaded = org.record("User", person) or {}
    assert (loaded["Name"], loaded["IsActive"], loaded["UserType"]) == ("Eve Ng", True, "Standard")
    assert "IsDeleted" not in loaded
    (deal,) = org.load("Opportunity", [{"Name": "d", "StageName": "Closed Lost", "Amount": "12.50"}])
    lost = org.record("Opportunity", deal) or {}
    assert (lost["IsClosed"], lost["IsWon"], lost["Amount"]) == (True, False, 12.5)


def test_load_says_which_value_fits_not(org: SalesforceOrg) -> None:
    with pytest.raises(ValueError, match=r"Account\.AnnualRevenue"):
        org.load("Account", [{"Name": "A", "AnnualRevenue": "lots"}])


def test_unknown_objects_are_made_on_loading(org: SalesforceOrg) -> None:
    (record_id,) = org.load("Segment__c", [{"Name": "s", "Rank__c": 3}])
    assert query(org, "SELECT Id, Rank__c FROM Segment__c")[0] == {
        "attributes": {"type": "Segment__c", "url": f"/services/data/v66.0/sobjects/Segment__c/{record_id}"},
        "Id": record_id,
        "Rank__c": 3.0,
    }


def test_same_seed_and_calls_give_the_same_org() -> None:
    def build(seed: int) -> tuple[Any, ...]:
        org = SalesforceOrg(clock=ManualClock(NOW), seed=seed)
        org.load("Account", [{"Name": name} for name in "abc"])
        return org.credentials(), org.records("Account"), org.records("User")

    assert build(1) == build(1)
    assert build(1) != build(2)
