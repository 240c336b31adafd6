"""Writing to the fake org: single rows and collections, what is refused, what an owner change drags along, faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request, Response

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ROOT = "/services/data/v66.0"
COLLECTION = f"{ROOT}/composite/sobjects"
QUIET = {"Sforce-Auto-Assign": "FALSE"}


class World:
    """An org with two reps, a leaver, a chatter user, a queue and a few records."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.org = SalesforceOrg(clock=self.clock, seed=5)
        people = [
            {"LastName": "Ada", "Username": "ada@x.example", "Email": "ada@x.example"},
            {"LastName": "Ben", "Username": "ben@x.example", "Email": "ben@x.example"},
            {"LastName": "Gone", "Username": "gone@x.example", "IsActive": False},
            {"LastName": "Chat", "Username": "chat@x.example", "UserType": "CsnOnly"},
        ]
        self.ada, self.ben, self.leaver, self.chatter = self.org.load("User", people)
        (self.queue,) = self.org.load("Group", [{"Name": "Inbound", "Type": "Queue"}])
        stamp = NOW - timedelta(days=1)
        rows = [{"Name": f"A{number}", "OwnerId": self.ada, "SystemModstamp": stamp} for number in range(5)]
        self.accounts = self.org.load("Account", rows)
        self.account = self.accounts[0]
        child = {"AccountId": self.account, "OwnerId": self.ada, "SystemModstamp": stamp}
        self.open_deal, self.won_deal = self.org.load(
            "Opportunity", [{"Name": "Open", **child}, {"Name": "Won", "StageName": "Closed Won", **child}]
        )
        (self.contact,) = self.org.load("Contact", [{"LastName": "Kunde", **child}])
        (self.lead,) = self.org.load("Lead", [{"LastName": "L", "Company": "C", "OwnerId": self.ada}])
        (self.member,) = self.org.load("AccountTeamMember", [{"AccountId": self.account, "UserId": self.ben}])
        self.shares = self.org.load(
            "AccountShare",
            [
                {"AccountId": self.account, "UserOrGroupId": self.ben, "RowCause": cause}
                for cause in ("Team", "Manual", "Rule")
            ],
        )
        (self.deal_member,) = self.org.load(
            "OpportunityTeamMember", [{"OpportunityId": self.open_deal, "UserId": self.ben}]
        )
        self.headers = {"Authorization": f"Bearer {self.org.credentials()['access_token']}", **QUIET}

    def call(self, method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
        data = b"" if body is None else json.dumps(body).encode()
        return self.org.handle(Request.of(method, target, {**self.headers, **(headers or {})}, data))

    def patch(self, name: str, record_id: str, **fields: object) -> Response:
        return self.call("PATCH", f"{ROOT}/sobjects/{name}/{record_id}", fields)

    def update(self, *rows: Mapping[str, object], name: str = "Account", all_or_none: bool = False) -> Any:
        records = [{"attributes": {"type": name}, **row} for row in rows]
        response = self.call("PATCH", COLLECTION, {"allOrNone": all_or_none, "records": records})
        return json.loads(response.body)

    def owner(self, record_id: str, name: str = "Account") -> str:
        row = self.org.record(name, record_id)
        assert row is not None
        return str(row["OwnerId"])

    def live(self, name: str, record_id: str) -> bool:
        row = self.org.record(name, record_id)
        return row is not None and not row["IsDeleted"]


@pytest.fixture
def world() -> World:
    return World()


def error_of(response: Response) -> tuple[int, str]:
    return response.status, str(json.loads(response.body)[0]["errorCode"])


def test_patch_changes_the_row_and_its_stamps(world: World) -> None:
    response = world.patch("Account", world.account[:15], OwnerId=world.ben, Rating="Hot")
    assert (response.status, response.body) == (204, b"")
    row = world.org.record("Account", world.account)
    assert row is not None
    assert (row["OwnerId"], row["Rating"]) == (world.ben, "Hot")
    assert row["LastModifiedById"] == world.org.integration_user_id
    assert row["SystemModstamp"] == row["LastModifiedDate"] == "2026-11-20T10:00:00.000+0000"
    effect = world.org.journal.entries[-1].effects[0]
    assert effect == f"Account {world.account} OwnerId: {world.ada} -> {world.ben}; Rating: None -> Hot"


def test_owner_change_by_api_drops_team_and_shares_and_leaves_children(world: World) -> None:
    world.patch("Account", world.account, OwnerId=world.ben)
    assert not world.live("AccountTeamMember", world.member)
    assert [world.live("AccountShare", share) for share in world.shares] == [False, False, True]
    assert world.owner(world.open_deal, "Opportunity") == world.ada
    assert world.owner(world.contact, "Contact") == world.ada
    assert world.live("OpportunityTeamMember", world.deal_member)
    assert f"AccountTeamMember {world.member} deleted" in world.org.journal.entries[-1].effects
    soql = quote(f"SELECT Id, IsDeleted FROM AccountTeamMember WHERE AccountId = '{world.account}'")
    assert json.loads(world.call("GET", f"{ROOT}/query?q={soql}").body)["totalSize"] == 0
    assert json.loads(world.call("GET", f"{ROOT}/queryAll?q={soql}").body)["records"][0]["IsDeleted"] is True


def test_team_stays_where_the_owner_does_not_change(world: World) -> None:
    world.patch("Account", world.account, OwnerId=world.ada, Rating="Hot")
    assert world.live("AccountTeamMember", world.member)


def test_opportunity_owner_change_drops_its_team(world: World) -> None:
    world.patch("Opportunity", world.open_deal, OwnerId=world.ben)
    assert not world.live("OpportunityTeamMember", world.deal_member)
    assert world.live("AccountTeamMember", world.member)


def test_team_can_be_put_back_with_its_share(world: World) -> None:
    world.patch("Account", world.account, OwnerId=world.ben)
    record = {"attributes": {"type": "AccountTeamMember"}, "AccountId": world.account, "UserId": world.ada}
    (result,) = json.loads(
        world.call("POST", COLLECTION, {"records": [{**record, "TeamMemberRole": "Sales Rep"}]}).body
    )
    assert result["success"] is True
    assert world.live("AccountTeamMember", result["id"])
    shares = [row for row in world.org.records("AccountShare") if row["RowCause"] == "Team" and not row["IsDeleted"]]
    assert [(row["AccountId"], row["UserOrGroupId"]) for row in shares] == [(world.account, world.ada)]


@pytest.mark.parametrize(
    ("owner", "status", "code"),
    [
        ("leaver", 400, "INACTIVE_OWNER_OR_USER"),
        ("chatter", 400, "OP_WITH_INVALID_USER_TYPE_EXCEPTION"),
        ("queue", 400, "INVALID_CROSS_REFERENCE_KEY"),
        ("005FK0000000000AAA", 400, "INVALID_CROSS_REFERENCE_KEY"),
        ("nonsense", 400, "MALFORMED_ID"),
        (None, 400, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_owner_that_cannot_own_is_refused(world: World, owner: str | None, status: int, code: str) -> None:
    value = getattr(world, owner, owner) if owner else None
    assert error_of(world.patch("Account", world.account, OwnerId=value)) == (status, code)
    assert world.owner(world.account) == world.ada


def test_lead_can_go_to_a_queue(world: World) -> None:
    assert world.patch("Lead", world.lead, OwnerId=world.queue).status == 204
    soql = quote("SELECT Owner.Name FROM Lead")
    owner = json.loads(world.call("GET", f"{ROOT}/query?q={soql}").body)["records"][0]["Owner"]
    assert (owner["attributes"]["type"], owner["Name"]) == ("Name", "Inbound")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Foo": 1}, "INVALID_FIELD"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": None}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "x" * 256}, "STRING_TOO_LONG"),
        ({"NumberOfEmployees": "many"}, "JSON_PARSER_ERROR"),
        ({"ParentId": "001FK0000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_bad_field_is_refused_and_nothing_changes(world: World, fields: Mapping[str, object], code: str) -> None:
    before = world.org.record("Account", world.account)
    assert error_of(world.patch("Account", world.account, **fields)) == (400, code)
    assert world.org.record("Account", world.account) == before


def test_body_that_is_no_json_is_refused(world: World) -> None:
    request = Request.of("PATCH", f"{ROOT}/sobjects/Account/{world.account}", world.headers, b"{")
    assert error_of(world.org.handle(request)) == (400, "JSON_PARSER_ERROR")


def test_deleted_and_unknown_rows_are_404(world: World) -> None:
    world.org.edit(object="Account", id=world.account, delete=True)
    assert error_of(world.patch("Account", world.account, Rating="Hot")) == (404, "ENTITY_IS_DELETED")
    assert error_of(world.patch("Account", "001FK0000000000AAA", Rating="Hot")) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Thu, 19 Nov 2026 10:00:00 GMT", 204),
        ("Thu, 19 Nov 2026 09:59:59 GMT", 412),
        ("Fri, 20 Nov 2026 10:00:00 GMT", 204),
        ("yesterday", 400),
    ],
)
def test_if_unmodified_since_guards_by_the_second(world: World, since: str, status: int) -> None:
    target = f"{ROOT}/sobjects/Account/{world.account}"
    response = world.call("PATCH", target, {"OwnerId": world.ben}, {"If-Unmodified-Since": since})
    assert response.status == status
    assert (world.owner(world.account) == world.ben) is (status == 204)


def test_if_match_guards_accounts_only(world: World) -> None:
    target = f"{ROOT}/sobjects/Account/{world.account}"
    tag = world.call("GET", target).headers["ETag"]
    world.clock.advance(timedelta(seconds=1))
    assert world.call("PATCH", target, {"Rating": "Hot"}, {"If-Match": tag}).status == 204
    assert world.call("PATCH", target, {"Rating": "Cold"}, {"If-Match": tag}).status == 412
    lead = f"{ROOT}/sobjects/Lead/{world.lead}"
    assert world.call("PATCH", lead, {"Rating": "Hot"}, {"If-Match": '"other"'}).status == 204


def test_collection_answers_each_row_in_order(world: World) -> None:
    a, b, c, d, e = world.accounts
    world.org.edit(object="Account", id=d, delete=True)
    results = world.update(
        {"id": a, "OwnerId": world.ben},
        {"id": b, "OwnerId": world.leaver},
        {"Id": c[:15], "OwnerId": world.ben},
        {"id": d, "OwnerId": world.ben},
        {"id": "001FK0000000000AAA", "OwnerId": world.ben},
        {"id": "junk", "OwnerId": world.ben},
        {"id": a, "OwnerId": world.ada},
        {"id": e, "Foo": 1},
    )
    codes = [row["errors"][0]["statusCode"] if row["errors"] else None for row in results]
    assert codes == [
        None,
        "INACTIVE_OWNER_OR_USER",
        None,
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "DUPLICATE_VALUE",
        "INVALID_FIELD",
    ]
    assert [row["success"] for row in results] == [code is None for code in codes]
    assert results[0] == {"id": a, "success": True, "errors": []}
    assert results[1]["errors"][0]["fields"] == ["OwnerId"]
    assert (world.owner(a), world.owner(b), world.owner(c)) == (world.ben, world.ada, world.ben)


def test_all_or_none_takes_back_every_row_and_its_side_effects(world: World) -> None:
    before = {name: world.org.records(name) for name in ("Account", "AccountTeamMember", "AccountShare")}
    results = world.update(
        {"id": world.account, "OwnerId": world.ben},
        {"id": world.accounts[1], "OwnerId": world.leaver},
        all_or_none=True,
    )
    codes = [row["errors"][0]["statusCode"] for row in results]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INACTIVE_OWNER_OR_USER"]
    assert {name: world.org.records(name) for name in before} == before
    assert world.org.journal.entries[-1].effects == ()


def test_malformed_collections_are_400(world: World) -> None:
    row = {"attributes": {"type": "Account"}, "id": world.account}
    other = {"attributes": {"type": "Contact"}, "id": world.contact}
    cases = [
        ({"records": [row] * 201}, "EXCEEDED_MAX_SIZE_REQUEST"),
        ({"records": [{"id": world.account}]}, "INVALID_TYPE"),
        ({"records": [row, other] * 6}, "LIMIT_EXCEEDED"),
        ({"nothing": 1}, "JSON_PARSER_ERROR"),
    ]
    for body, code in cases:
        assert error_of(world.call("PATCH", COLLECTION, body)) == (400, code)


def test_collection_takes_several_types_and_200_rows(world: World) -> None:
    ids = world.org.load("Account", ({"Name": f"B{number}"} for number in range(199)))
    rows = [{"attributes": {"type": "Account"}, "id": item, "OwnerId": world.ben} for item in ids]
    rows.append({"attributes": {"type": "Contact"}, "id": world.contact, "OwnerId": world.ben})
    results = json.loads(world.call("PATCH", COLLECTION, {"allOrNone": False, "records": rows}).body)
    assert len(results) == 200
    assert all(row["success"] for row in results)


def test_assignment_rule_runs_unless_told_not_to(world: World) -> None:
    world.org.edit(object="Lead", assignment_owner=world.ada)
    world.patch("Lead", world.lead, OwnerId=world.ben)
    assert world.owner(world.lead, "Lead") == world.ben
    for value in ("TRUE", None):
        world.headers.pop("Sforce-Auto-Assign", None)
        if value:
            world.headers["Sforce-Auto-Assign"] = value
        assert world.patch("Lead", world.lead, OwnerId=world.ben).status == 204
        assert world.owner(world.lead, "Lead") == world.ada
    world.org.edit(object="Lead", assignment_owner=None)
    world.patch("Lead", world.lead, OwnerId=world.ben)
    assert world.owner(world.lead, "Lead") == world.ben


def test_row_of_an_inactive_owner_can_be_closed_to_other_edits(world: World) -> None:
    world.org.edit(object="User", id=world.ada, deactivate=True)
    assert world.patch("Account", world.account, Rating="Hot").status == 204
    world.org.model.state.refuse_inactive_owners = True
    assert error_of(world.patch("Account", world.account, Rating="Hot")) == (400, "INACTIVE_OWNER_OR_USER")
    assert world.patch("Account", world.account, OwnerId=world.ben).status == 204


def test_applied_then_lost_leaves_the_write_in_place(world: World) -> None:
    world.org.faults.install(
        [{"match": {"method": "PATCH", "path": "*/composite/sobjects"}, "fault": "timeout after 9"}]
    )
    records = [{"attributes": {"type": "Account"}, "id": world.account, "OwnerId": world.ben}]
    response = world.call("PATCH", COLLECTION, {"records": records})
    assert (response.drop, response.timeout) == (True, True)
    assert world.owner(world.account) == world.ben
    assert world.org.journal.entries[-1].status == 0


def test_refused_before_leaves_the_row_alone(world: World) -> None:
    world.org.faults.install([{"match": {"method": "PATCH"}, "fault": "status 503 before"}])
    assert error_of(world.patch("Account", world.account, OwnerId=world.ben)) == (503, "SERVER_UNAVAILABLE")
    assert world.owner(world.account) == world.ada


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("status 401", "INVALID_SESSION_ID"),
        ("status 403", "REQUEST_LIMIT_EXCEEDED"),
        ("status 429", "REQUEST_LIMIT_EXCEEDED"),
        ("status 500", "UNKNOWN_EXCEPTION"),
    ],
)
def test_injected_status_has_the_platforms_shape(world: World, fault: str, code: str) -> None:
    world.org.faults.install([{"match": {"nth": 1}, "fault": fault}])
    response = world.call("GET", f"{ROOT}/limits")
    assert error_of(response) == (int(fault.split()[1]), code)
    assert world.call("GET", f"{ROOT}/limits").status == 200


def test_gateway_errors_are_html(world: World) -> None:
    world.org.faults.install([{"fault": "status 502"}])
    response = world.call("GET", f"{ROOT}/limits")
    assert (response.status, response.headers["Content-Type"]) == (502, "text/html;charset=UTF-8")


def test_single_rows_can_be_locked_by_a_fault(world: World) -> None:
    first, second = world.accounts[:2]
    world.org.faults.install([{"match": {"times": 2}, "fault": "row UNABLE_TO_LOCK_ROW", "ids": [second]}])
    for _ in range(2):
        results = world.update({"id": first, "OwnerId": world.ben}, {"id": second, "OwnerId": world.ben})
        assert [row["success"] for row in results] == [True, False]
        assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert world.update({"id": second, "OwnerId": world.ben})[0]["success"] is True


def test_person_edits_between_read_and_write(world: World) -> None:
    edit = {"object": "Account", "id": world.account, "set": {"OwnerId": world.ben}, "by": "ben@x.example"}
    world.org.faults.install([{"match": {"method": "PATCH", "nth": 1}, "fault": "edit before", "edit": edit}])
    target = f"{ROOT}/sobjects/Account/{world.account}"
    modified = world.call("GET", target).headers["Last-Modified"]
    assert world.call("PATCH", target, {"OwnerId": world.ada}, {"If-Unmodified-Since": modified}).status == 412
    row = world.org.record("Account", world.account)
    assert row is not None
    assert (row["OwnerId"], row["LastModifiedById"]) == (world.ben, world.ben)
    assert [entry.source for entry in world.org.journal.entries] == ["api", "person", "api"]


def test_rows_are_made_and_deleted_by_api(world: World) -> None:
    response = world.call("POST", f"{ROOT}/sobjects/Account/", {"Name": "New"})
    assert response.status == 201
    record_id = json.loads(response.body)["id"]
    row = world.org.record("Account", record_id)
    assert row is not None
    assert (row["OwnerId"], row["CreatedById"]) == (world.org.integration_user_id, world.org.integration_user_id)
    assert error_of(world.call("POST", f"{ROOT}/sobjects/Account", {})) == (400, "REQUIRED_FIELD_MISSING")
    assert world.call("DELETE", f"{ROOT}/sobjects/Account/{record_id}").status == 204
    assert not world.live("Account", record_id)
    results = json.loads(world.call("DELETE", f"{COLLECTION}?ids={world.member},{record_id}").body)
    assert [item["success"] for item in results] == [True, False]
