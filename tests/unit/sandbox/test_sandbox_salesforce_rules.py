"""What an administrator puts in the way of a write: rules, locks, approvals, access, flows, changed fields."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sandbox_salesforce_client import OrgClient


class Guarded(OrgClient):
    """Two reps and two accounts."""

    def __init__(self) -> None:
        super().__init__()
        people = [{"LastName": name, "Username": f"{name}@x.example"} for name in ("ada", "ben")]
        self.ada, self.ben = self.org.load("User", people)
        self.account, self.other = self.org.load(
            "Account", [{"Name": name, "OwnerId": self.ada, "Industry": "Banking", "ERP_Id__c": name} for name in "AB"]
        )

    def patch(self, **fields: object) -> tuple[int, str]:
        """Change the account: status and error code."""
        response = self.call("PATCH", f"sobjects/Account/{self.account}", fields)
        return (204, "") if response.status == 204 else self.error("PATCH", f"sobjects/Account/{self.account}", fields)


@pytest.fixture
def org() -> Guarded:
    return Guarded()


def test_validation_rule_refuses_with_the_administrators_words(org: Guarded) -> None:
    rule = {"name": "no banks", "when": "Industry = 'Banking'", "changed": ["OwnerId"], "message": "Ask Finance."}
    org.org.edit(object="Account", validation=rule)
    answer = org.json("PATCH", f"sobjects/Account/{org.account}", {"OwnerId": org.ben})
    expected = {"message": "Ask Finance.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []}
    assert answer == [expected]
    assert org.row("Account", org.account)["OwnerId"] == org.ada
    assert org.patch(Rating="Hot") == (204, "")
    assert org.patch(OwnerId=org.ben, Industry="Retail") == (204, "")
    record = {"attributes": {"type": "Account"}, "id": org.other, "OwnerId": org.ben}
    (result,) = org.json("PATCH", "composite/sobjects", {"records": [record]})
    assert result["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    org.org.edit(object="Account", id=org.other, set={"OwnerId": org.ben})
    org.org.edit(object="Account", validation=None)
    assert org.patch(OwnerId=org.ada, Industry="Banking") == (204, "")


def test_duplicate_alert_passes_with_the_header_and_a_block_does_not(org: Guarded) -> None:
    org.org.edit(object="Account", id=org.other, set={"Name": "a"})
    org.org.edit(object="Account", duplicates={"name": "same name", "fields": ["Name"]})
    (error,) = org.json("PATCH", f"sobjects/Account/{org.account}", {"OwnerId": org.ben})
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    found = error["duplicateResut"]["matchResults"][0]["matchRecords"]
    assert [item["record"]["Id"] for item in found] == [org.other]
    target = f"sobjects/Account/{org.account}"
    allowed = {"Sforce_Duplicate_Rule_Header": "allowSave=true; includeRecordDetails=false; runAsCurrentUser=false"}
    assert org.call("PATCH", target, {"OwnerId": org.ben}, **allowed).status == 204
    org.org.edit(object="Account", duplicates={"name": "same name", "fields": ["Name"], "action": "block"})
    assert org.error("PATCH", target, {"OwnerId": org.ada}, **allowed) == (400, "DUPLICATES_DETECTED")


def test_held_rows_are_locked_until_their_time_is_over(org: Guarded) -> None:
    (contact,) = org.org.load("Contact", [{"LastName": "K", "AccountId": org.account, "OwnerId": org.ada}])
    org.org.edit(object="Account", id=org.account, lock=30)
    assert org.patch(OwnerId=org.ben) == (400, "UNABLE_TO_LOCK_ROW")
    assert org.error("PATCH", f"sobjects/Contact/{contact}", {"OwnerId": org.ben}) == (400, "UNABLE_TO_LOCK_ROW")
    assert org.error("DELETE", f"sobjects/Account/{org.account}") == (400, "UNABLE_TO_LOCK_ROW")
    org.clock.advance(timedelta(seconds=30))
    assert org.patch(OwnerId=org.ben) == (204, "")
    org.org.edit(object="Account", id=org.account, lock=True)
    assert org.patch(OwnerId=org.ada) == (400, "UNABLE_TO_LOCK_ROW")
    org.org.edit(object="Account", id=org.account, lock=False)
    assert org.patch(OwnerId=org.ada) == (204, "")


@pytest.mark.parametrize(
    ("switch", "code"), [("approval", "ENTITY_IS_LOCKED"), ("read_only", "INSUFFICIENT_ACCESS_OR_READONLY")]
)
def test_row_in_approval_or_read_only_takes_no_change_but_a_persons(org: Guarded, switch: str, code: str) -> None:
    org.org.edit({"object": "Account", "id": org.account, switch: True})
    assert org.patch(OwnerId=org.ben) == (400, code)
    org.org.edit(object="Account", id=org.account, set={"Rating": "Hot"})
    org.org.edit({"object": "Account", "id": org.account, switch: False})
    assert org.patch(OwnerId=org.ben) == (204, "")


def test_frozen_field_is_read_and_not_written(org: Guarded) -> None:
    org.org.edit(object="Account", freeze="OwnerId")
    assert org.patch(OwnerId=org.ben) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    fields = {item["name"]: item for item in org.json("GET", "sobjects/Account/describe")["fields"]}
    assert (fields["OwnerId"]["updateable"], fields["Name"]["updateable"]) == (False, True)
    assert len(org.query("SELECT OwnerId FROM Account")) == 2
    org.org.edit(object="Account", thaw="OwnerId")
    assert org.patch(OwnerId=org.ben) == (204, "")


def test_unshared_rows_are_as_if_they_were_not_there(org: Guarded) -> None:
    org.org.edit(object="Account", id=org.account, unshare=True)
    assert [item["Id"] for item in org.query("SELECT Id FROM Account")] == [org.other]
    assert org.json("GET", "query?q=SELECT+COUNT()+FROM+Account")["totalSize"] == 1
    assert org.error("GET", f"sobjects/Account/{org.account}") == (404, "NOT_FOUND")
    assert org.patch(Rating="Hot") == (404, "NOT_FOUND")
    record = {"attributes": {"type": "Account"}, "id": org.account, "Rating": "Hot"}
    (result,) = org.json("PATCH", "composite/sobjects", {"records": [record]})
    assert result["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert len(org.org.records("Account")) == 2
    org.org.edit(object="Account", id=org.account, unshare=False)
    org.org.edit(object="Account", unshare_every=2)
    assert len(org.query("SELECT Id FROM Account")) == 1
    org.org.edit(object="Account", unshare_every=None)
    assert len(org.query("SELECT Id FROM Account")) == 2


def test_flow_puts_the_owner_back_after_the_save(org: Guarded) -> None:
    org.org.edit(object="Account", flow={"name": "keeper", "changed": ["OwnerId"], "revert": ["OwnerId"]})
    assert org.patch(OwnerId=org.ben, Rating="Hot") == (204, "")
    row = org.row("Account", org.account)
    assert (row["OwnerId"], row["Rating"]) == (org.ada, "Hot")
    assert org.org.journal.entries[-1].effects[-1].endswith("by flow keeper")
    org.org.edit(object="Account", flow=None)
    assert org.patch(OwnerId=org.ben) == (204, "")
    assert org.row("Account", org.account)["OwnerId"] == org.ben


def test_failing_flow_takes_the_save_back(org: Guarded) -> None:
    org.org.edit(object="Account", flow={"name": "broken", "when": "Rating = 'Hot'", "fail": "An error occurred"})
    before = org.row("Account", org.account)
    assert org.patch(Rating="Hot") == (400, "CANNOT_EXECUTE_FLOW_TRIGGER")
    assert org.row("Account", org.account) == before
    assert org.error("POST", "sobjects/Account", {"Name": "n", "Rating": "Hot"})[1] == "CANNOT_EXECUTE_FLOW_TRIGGER"
    assert len(org.org.records("Account")) == 2


def test_fields_come_go_and_change_their_type(org: Guarded) -> None:
    edit = org.org.edit
    edit(object="Account", field={"name": "Tier__c", "type": "picklist", "values": ["1", "2"]})
    assert org.patch(Tier__c="2") == (204, "")
    before = org.row("Account", org.account)["SystemModstamp"]
    edit(object="Account", field={"name": "Tier__c", "type": "double"})
    assert org.query("SELECT Tier__c FROM Account WHERE Tier__c > 1")[0]["Tier__c"] == 2.0
    edit(object="Account", rename_field={"from": "Tier__c", "to": "Level__c"})
    assert org.error("GET", "query?q=SELECT+Tier__c+FROM+Account") == (400, "INVALID_FIELD")
    assert org.query("SELECT Level__c FROM Account WHERE Level__c != null")[0]["Level__c"] == 2.0
    edit(object="Account", remove_field="Level__c")
    assert org.error("GET", "query?q=SELECT+Level__c+FROM+Account") == (400, "INVALID_FIELD")
    assert org.row("Account", org.account)["SystemModstamp"] == before


def test_formula_is_read_only_and_custom_lookup_is_a_relationship(org: Guarded) -> None:
    org.org.edit(object="Account", field={"name": "Score__c", "type": "double", "calculated": True})
    org.org.edit(object="Account", field={"name": "Rep__c", "type": "reference", "targets": ["User"]})
    assert org.patch(Score__c=5) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert org.patch(Rep__c=org.ben) == (204, "")
    assert org.query("SELECT Rep__r.Name FROM Account WHERE Rep__r.Name = 'ben'")[0]["Rep__r"]["Name"] == "ben"


@pytest.mark.parametrize(("extra", "moves"), [({}, True), ({"stamp": False}, False)])
def test_renamed_picklist_value_moves_the_system_stamp_alone(org: Guarded, extra: dict[str, Any], moves: bool) -> None:
    before = org.row("Account", org.account)
    org.clock.advance(timedelta(minutes=1))
    org.org.edit(object="Account", rename_value={"field": "Industry", "from": "Banking", "to": "Banks", **extra})
    after = org.row("Account", org.account)
    assert (after["Industry"], after["LastModifiedDate"]) == ("Banks", before["LastModifiedDate"])
    assert (after["SystemModstamp"] != before["SystemModstamp"]) is moves


def test_describe_is_304_until_the_schema_changes(org: Guarded) -> None:
    seen = org.call("GET", "sobjects/Account/describe").headers["Last-Modified"]
    assert org.call("GET", "sobjects/Account/describe", If_Modified_Since=seen).status == 304
    org.clock.advance(timedelta(seconds=5))
    org.org.edit(object="Account", hide="Rating")
    assert org.call("GET", "sobjects/Account/describe", If_Modified_Since=seen).status == 200


def test_edit_via_api_is_held_by_rules_and_takes_nothing_along(org: Guarded) -> None:
    (contact,) = org.org.load("Contact", [{"LastName": "K", "AccountId": org.account, "OwnerId": org.ada}])
    (member,) = org.org.load("AccountTeamMember", [{"AccountId": org.account, "UserId": org.ben}])
    edit = {"object": "Account", "id": org.account, "set": {"OwnerId": org.ben}, "by": org.ada, "via": "api"}
    org.org.edit(object="Account", id=org.account, approval=True)
    with pytest.raises(ValueError, match="ENTITY_IS_LOCKED"):
        org.org.edit(edit)
    org.org.edit(object="Account", id=org.account, approval=False)
    org.org.edit(edit)
    assert org.row("Contact", contact)["OwnerId"] == org.ada
    assert not org.live("AccountTeamMember", member)
    assert org.row("Account", org.account)["LastModifiedById"] == org.ada


@pytest.mark.parametrize(
    "command",
    [
        {"object": "Account", "validation": {"when": "Foo ="}},
        {"object": "Account", "validation": {"when": "Rating = 'x'"}},
        {"object": "Account", "duplicates": {"fields": ["Foo"]}},
        {"object": "Account", "duplicates": {"fields": ["Name"], "action": "shout"}},
        {"object": "Account", "flow": {"set": {"Foo": 1}}},
        {"object": "Account", "field": {"name": "X__c", "type": "colour"}},
        {"object": "Account", "remove_field": "Name"},
        {"object": "Account", "rename_value": {"field": "Foo", "from": "a", "to": "b"}},
        {"object": "Account", "lock": 5},
        {"object": "Account", "id": "{account}", "lock": "long"},
        {"object": "Account", "id": "{account}", "set": {}, "via": "post"},
        {"limits": {"moon": 1}},
        {"query": {"page_limit": "many"}},
        {"session": {"refuse": ["magic"]}},
        {"feature": {"person_accounts": False}},
        {"feature": {"teleport": True}},
        {"object": "Account", "limits": {"api": 5}},
    ],
)
def test_switch_that_makes_no_sense_is_refused(org: Guarded, command: dict[str, Any]) -> None:
    filled = {key: org.account if value == "{account}" else value for key, value in command.items()}
    with pytest.raises(ValueError, match=r"."):
        org.org.edit(filled)


def test_rows_are_found_and_upserted_by_external_id(org: Guarded) -> None:
    target = "sobjects/Account/ERP_Id__c"
    assert org.json("GET", f"{target}/a")["Id"] == org.account
    changed = org.call("PATCH", f"{target}/A", {"Rating": "Hot"})
    assert (changed.status, org.row("Account", org.account)["Rating"]) == (200, "Hot")
    made = org.call("PATCH", f"{target}/C%20D", {"Name": "C"})
    assert made.status == 201
    assert org.json("GET", f"{target}/C%20D?fields=ERP_Id__c")["ERP_Id__c"] == "C D"
    assert org.error("PATCH", f"{target}/Z", {"Name": "Z", "ERP_Id__c": "Z"}) == (400, "INVALID_FIELD")
    assert org.error("GET", f"{target}/nobody") == (404, "NOT_FOUND")
    assert org.error("GET", "sobjects/Account/Rating/Hot") == (404, "NOT_FOUND")
    org.org.edit(object="Account", id=org.other, set={"ERP_Id__c": "A"})
    several = org.call("GET", f"{target}/A")
    assert several.status == 300
    assert org.json("GET", f"{target}/A") == [
        f"/services/data/v66.0/sobjects/Account/{i}" for i in (org.account, org.other)
    ]
    assert org.call("DELETE", f"{target}/C%20D").status == 204
