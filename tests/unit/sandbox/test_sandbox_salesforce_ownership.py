"""Who owns what in the fake org: owner changes with and without options, shares, field history."""

from __future__ import annotations

import pytest
from sandbox_salesforce_client import OrgClient, owner_options, update_call


class Book(OrgClient):
    """An account with a team, shares and children, between two reps."""

    def __init__(self) -> None:
        super().__init__()
        people = [{"LastName": name, "Username": f"{name}@x.example"} for name in ("ada", "ben")]
        self.ada, self.ben = self.org.load("User", people)
        (self.account,) = self.org.load("Account", [{"Name": "A", "OwnerId": self.ada}])
        mine = {"AccountId": self.account, "OwnerId": self.ada}
        (self.contact,) = self.org.load("Contact", [{"LastName": "K", **mine}])
        self.open, self.won, self.others = self.org.load(
            "Opportunity",
            [
                {"Name": "open", **mine},
                {"Name": "won", "StageName": "Closed Won", **mine},
                {"Name": "others", "AccountId": self.account, "OwnerId": self.ben},
            ],
        )
        (self.task,) = self.org.load("Task", [{"Subject": "t", "WhatId": self.account, "OwnerId": self.ada}])
        (self.member,) = self.org.load("AccountTeamMember", [{"AccountId": self.account, "UserId": self.ben}])
        share = {"AccountId": self.account, "UserOrGroupId": self.ben}
        self.team_share, self.manual_share = self.org.load(
            "AccountShare", [{**share, "RowCause": cause} for cause in ("Team", "Manual")]
        )
        (self.deal_member,) = self.org.load("OpportunityTeamMember", [{"OpportunityId": self.open, "UserId": self.ben}])

    def owners(self) -> list[str]:
        """Who owns contact, open, won and other opportunity, and task."""
        rows = [("Contact", self.contact), *(("Opportunity", i) for i in (self.open, self.won, self.others))]
        return [str(self.row(name, key)["OwnerId"]) for name, key in [*rows, ("Task", self.task)]]


@pytest.fixture
def book() -> Book:
    return Book()


def test_soap_update_without_options_drops_the_team_as_rest_does(book: Book) -> None:
    response = book.soap(update_call("Account", book.account, OwnerId=book.ben))
    assert b"<success>true</success>" in response.body
    assert not book.live("AccountTeamMember", book.member)
    assert not book.live("AccountShare", book.team_share)
    assert book.owners() == [book.ada, book.ada, book.ada, book.ben, book.ada]


def test_keep_account_team_keeps_members_and_their_shares_but_no_manual_share(book: Book) -> None:
    book.soap(update_call("Account", book.account, OwnerId=book.ben), owner_options("KeepAccountTeam"))
    assert book.row("Account", book.account)["OwnerId"] == book.ben
    assert book.live("AccountTeamMember", book.member)
    assert book.live("AccountShare", book.team_share)
    assert not book.live("AccountShare", book.manual_share)


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        (("TransferContacts",), {0}),
        (("TransferOwnedOpenOpportunities",), {1}),
        (("TransferOwnedClosedOpportunities",), {2}),
        (("TransferOpenActivities",), {4}),
        (("TransferContacts", "TransferOwnedOpenOpportunities", "TransferOpenActivities", "SendEmail"), {0, 1, 4}),
    ],
)
def test_transfer_options_take_along_what_they_name(book: Book, options: tuple[str, ...], moved: set[int]) -> None:
    before = book.owners()
    book.soap(update_call("Account", book.account, OwnerId=book.ben), owner_options(*options))
    assert [i for i, (old, new) in enumerate(zip(before, book.owners(), strict=True)) if old != new] == sorted(moved)


def test_others_opportunities_move_only_along_with_ones_own(book: Book) -> None:
    (carl,) = book.org.load("User", [{"LastName": "carl", "Username": "carl@x.example"}])
    call = update_call("Account", book.account, OwnerId=carl)
    refused = book.soap(call, owner_options("TransferOthersOpenOpportunities"))
    assert (refused.status, b"INVALID_OPERATION" in refused.body) == (500, True)
    book.soap(call, owner_options("TransferOthersOpenOpportunities", "TransferOwnedOpenOpportunities"))
    assert book.owners() == [book.ada, carl, book.ada, carl, book.ada]


def test_options_need_one_old_and_one_new_owner(book: Book) -> None:
    (other,) = book.org.load("Account", [{"Name": "B", "OwnerId": book.ben}])
    rows = "".join(
        f"<u:sObjects><u:type>Account</u:type><u:Id>{key}</u:Id><u:OwnerId>{owner}</u:OwnerId></u:sObjects>"
        for key, owner in ((book.account, book.ben), (other, book.ada))
    )
    refused = book.soap(f"<u:update>{rows}</u:update>", owner_options("KeepAccountTeam"))
    assert (refused.status, b"sf:INVALID_OPERATION" in refused.body) == (500, True)
    assert book.row("Account", book.account)["OwnerId"] == book.ada


def test_keep_sales_team_keeps_the_opportunitys_team(book: Book) -> None:
    call = update_call("Opportunity", book.open, OwnerId=book.ben)
    book.soap(call, owner_options("KeepSalesTeam"))
    assert book.live("OpportunityTeamMember", book.deal_member)
    book.soap(update_call("Opportunity", book.open, OwnerId=book.ada))
    assert not book.live("OpportunityTeamMember", book.deal_member)


def test_opportunity_team_member_made_by_api_has_a_share_that_goes_with_the_owner(book: Book) -> None:
    made = book.json("POST", "sobjects/OpportunityTeamMember", {"OpportunityId": book.open, "UserId": book.ben})
    assert made["success"] is True
    soql = f"SELECT Id FROM OpportunityShare WHERE OpportunityId = '{book.open}' AND RowCause = 'Team'"
    assert len(book.query(soql)) == 1
    book.call("PATCH", f"sobjects/Opportunity/{book.open}", {"OwnerId": book.ben})
    assert book.query(soql) == []


def test_every_record_has_a_share_of_its_owner(book: Book) -> None:
    soql = (
        "SELECT UserOrGroupId, AccountAccessLevel FROM AccountShare "
        f"WHERE RowCause = 'Owner' AND AccountId = '{book.account}'"
    )
    (share,) = book.query(soql)
    assert (share["UserOrGroupId"], share["AccountAccessLevel"]) == (book.ada, "All")
    book.call("PATCH", f"sobjects/Account/{book.account}", {"OwnerId": book.ben})
    (share,) = book.query(soql)
    assert share["UserOrGroupId"] == book.ben
    (row,) = book.query(f"SELECT (SELECT RowCause FROM Shares) FROM Account WHERE Id = '{book.account}'")
    assert [item["RowCause"] for item in row["Shares"]["records"]] == ["Owner"]
    made = book.json("POST", "sobjects/Account", {"Name": "later"})["id"]
    assert len(book.query(soql.replace(book.account, made))) == 1
    assert not any(
        "Owner" in effect for entry in book.org.journal.entries for effect in entry.effects if "Share" in effect
    )


def test_history_tells_who_changed_the_owner_from_whom_to_whom(book: Book) -> None:
    book.call("PATCH", f"sobjects/Account/{book.account}", {"OwnerId": book.ben, "Website": "untracked"})
    entries = book.query(
        "SELECT Field, DataType, OldValue, NewValue, CreatedById FROM AccountHistory "
        f"WHERE AccountId = '{book.account}'"
    )
    shown = [(item["Field"], item["DataType"], item["OldValue"], item["NewValue"]) for item in entries]
    assert shown == [("Owner", "Text", "ada", "ben"), ("Owner", "EntityId", book.ada, book.ben)]
    assert {item["CreatedById"] for item in entries} == {book.org.integration_user_id}
    book.org.edit(object="Account", id=book.account, set={"Rating": "Hot"}, by="ada@x.example")
    (row,) = book.query(
        "SELECT (SELECT Field, NewValue, CreatedBy.Name FROM Histories WHERE Field = 'Rating') FROM Account "
        f"WHERE Id = '{book.account}'"
    )
    (entry,) = row["Histories"]["records"]
    assert (entry["NewValue"], entry["CreatedBy"]["Name"]) == ("Hot", "ada")


def test_history_calls_a_custom_reference_by_its_name_and_tells_of_it_where_it_is_tracked(book: Book) -> None:
    for name in ("CSM__c", "SDR__c"):
        field = {"name": name, "type": "reference", "targets": ["User"], "tracked": name == "CSM__c"}
        book.org.edit(object="Account", field=field)
    book.org.edit(object="Account", id=book.account, set={"CSM__c": book.ben, "SDR__c": book.ben})
    entries = book.query(f"SELECT Field, NewValue FROM AccountHistory WHERE AccountId = '{book.account}'")
    assert [(item["Field"], item["NewValue"]) for item in entries] == [("CSM__c", "ben"), ("CSM__c", book.ben)]


def test_history_goes_with_its_record_and_is_written_by_nobody_else(book: Book) -> None:
    book.call("PATCH", f"sobjects/Opportunity/{book.open}", {"StageName": "Closed Won"})
    assert len(book.query("SELECT Id FROM OpportunityFieldHistory WHERE Field = 'StageName'")) == 1
    assert book.error("POST", "sobjects/AccountHistory", {"AccountId": book.account})[0] == 400
    assert book.json("GET", "sobjects/AccountHistory/describe")["createable"] is False
    book.org.edit(object="Opportunity", id=book.open, hard_delete=True)
    assert book.query("SELECT Id FROM OpportunityFieldHistory") == []


def test_rolled_back_save_leaves_no_history(book: Book) -> None:
    rows = [
        {"attributes": {"type": "Account"}, "id": book.account, "OwnerId": book.ben},
        {"attributes": {"type": "Account"}, "id": book.account, "Foo": 1},
    ]
    book.call("PATCH", "composite/sobjects", {"allOrNone": True, "records": rows})
    assert book.query("SELECT Id FROM AccountHistory") == []


def test_users_have_a_sign_in_row_that_can_be_frozen(book: Book) -> None:
    (login,) = book.query(f"SELECT Id, IsFrozen FROM UserLogin WHERE UserId = '{book.ada}'")
    assert login["IsFrozen"] is False
    assert book.call("PATCH", f"sobjects/UserLogin/{login['Id']}", {"IsFrozen": True}).status == 204
    assert book.query("SELECT UserId FROM UserLogin WHERE IsFrozen = true")[0]["UserId"] == book.ada
