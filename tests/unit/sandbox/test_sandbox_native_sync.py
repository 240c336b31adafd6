"""HubSpot's own Salesforce sync between the two faces: who wins, how late, what it leaves behind, what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.clock import ManualClock
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.native_sync import SOURCE, NativeSync
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.wire import Request

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DELAY = timedelta(seconds=120)
ANN, BEN, LONE = "77001", "77002", "77009"


class Pair:
    """An org and a portal with three people, one of them only in HubSpot, and the connector between them, off."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.org = SalesforceOrg(clock=self.clock)
        self.portal = HubspotPortal(clock=self.clock)
        names = (("Ann", "Lee"), ("Ben", "Ray"))
        self.ann, self.ben = self.org.load(
            "User",
            [
                {"Username": f"{one}@sf.test".lower(), "Email": f"{one}@ex.test".lower(), "LastName": two}
                | {"FirstName": one, "IsActive": True, "UserType": "Standard"}
                for one, two in names
            ],
        )
        emails = ((ANN, "Ann@ex.test"), (BEN, "ben@ex.test"), (LONE, "lone@ex.test"))
        self.portal.load("owners", [{"id": key, "email": email, "userId": int(key)} for key, email in emails])
        [self.account] = self.org.load(
            "Account", [{"Name": "Acme", "Website": "https://www.acme.test", "OwnerId": self.ann, "Phone": "1"}]
        )
        [self.company] = self.portal.load(
            "companies", [{"name": "Acme Inc", "domain": "acme.test", "hubspot_owner_id": BEN, "city": "Bonn"}]
        )
        self.sync = NativeSync(self.org, self.portal)

    def values(self) -> Mapping[str, Any]:
        record = self.portal.record("companies", self.company)
        assert record is not None
        properties: Mapping[str, Any] = record["properties"]
        return properties

    def row(self) -> Mapping[str, Any]:
        row = self.org.record("Account", self.account)
        assert row is not None
        return row

    def owners(self) -> tuple[str, str]:
        return str(self.row()["OwnerId"]), str(self.values()["hubspot_owner_id"])

    def person_in_salesforce(self, **values: Any) -> None:
        self.org.edit({"object": "Account", "id": self.account, "set": values})

    def person_in_hubspot(self, **values: Any) -> None:
        self.portal.edit({"object": "companies", "id": self.company, "set": values})


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_switched_off_nothing_passes_between_the_two(pair: Pair) -> None:
    pair.person_in_hubspot(hubspot_owner_id=BEN, name="Other")
    pair.clock.advance(timedelta(days=1))
    assert pair.row()["Name"] == "Acme"
    assert "salesforceaccountid" not in pair.values()


def test_the_first_sync_pairs_by_domain_and_salesforces_owner_wins(pair: Pair) -> None:
    pair.sync.switch()
    values = pair.values()
    assert values["salesforceaccountid"] == pair.account
    assert (values["name"], values["hubspot_owner_id"]) == ("Acme", ANN)
    assert pair.row()["BillingCity"] == "Bonn", "what Salesforce lacks is filled from HubSpot"
    assert values["salesforcelastsynctime"] == "2026-11-20T10:00:00.000Z"


def test_two_companies_of_one_domain_are_not_paired(pair: Pair) -> None:
    pair.portal.load("companies", [{"name": "Acme again", "domain": "acme.test"}])
    pair.sync.switch()
    assert "salesforceaccountid" not in pair.values()


@pytest.mark.parametrize("side", ["salesforce", "hubspot"])
def test_an_owner_change_reaches_the_other_side_after_the_delay(pair: Pair, side: str) -> None:
    pair.sync.switch()
    if side == "salesforce":
        pair.person_in_salesforce(OwnerId=pair.ben)
    else:
        pair.person_in_hubspot(hubspot_owner_id=BEN)
    pair.clock.advance(DELAY - timedelta(seconds=1))
    assert pair.owners() in ((pair.ben, ANN), (pair.ann, BEN))
    pair.clock.advance(timedelta(seconds=1))
    assert pair.owners() == (pair.ben, BEN)


@pytest.mark.parametrize("last", ["salesforce", "hubspot"])
def test_of_two_owner_changes_the_later_one_wins(pair: Pair, last: str) -> None:
    pair.sync.switch()
    third = pair.org.load(
        "User", [{"Username": "c@sf.test", "Email": "lone@ex.test", "LastName": "C", "IsActive": True}]
    )
    moves = [
        lambda: pair.person_in_salesforce(OwnerId=pair.ben),
        lambda: pair.person_in_hubspot(hubspot_owner_id=LONE),
    ]
    for move in moves if last == "hubspot" else reversed(moves):
        move()
        pair.clock.advance(timedelta(seconds=10))
    pair.clock.advance(timedelta(hours=1))
    assert pair.owners() == ((third[0], LONE) if last == "hubspot" else (pair.ben, BEN))


def test_an_owner_unknown_to_salesforce_is_put_back(pair: Pair) -> None:
    pair.sync.switch()
    pair.person_in_hubspot(hubspot_owner_id=LONE)
    pair.clock.advance(DELAY)
    assert pair.owners() == (pair.ann, ANN)


def test_an_owner_unknown_to_hubspot_becomes_one(pair: Pair) -> None:
    pair.sync.switch()
    row = {"Username": "new@sf.test", "Email": "new@ex.test", "FirstName": "N", "LastName": "W", "IsActive": True}
    [user] = pair.org.load("User", [row])
    pair.person_in_salesforce(OwnerId=user)
    pair.clock.advance(DELAY)
    owner = pair.values()["hubspot_owner_id"]
    assert [one["email"] for one in pair.portal.records("owners") if one["id"] == owner] == ["new@ex.test"]


@pytest.mark.parametrize(
    ("rule", "salesforce", "hubspot"),
    [
        ("two_way", "2", "2"),
        ("prefer_salesforce", "1", "1"),
        ("always_salesforce", "1", "2"),
        ("off", "1", "2"),
    ],
)
def test_a_field_changed_in_hubspot_follows_its_rule(pair: Pair, rule: str, salesforce: str, hubspot: str) -> None:
    pair.sync.switch(field_rule=rule)
    pair.person_in_salesforce(Phone="1")
    pair.clock.advance(DELAY)
    pair.person_in_hubspot(phone="2")
    pair.clock.advance(DELAY)
    assert (pair.row()["Phone"], pair.values()["phone"]) == (salesforce, hubspot)


def test_it_leaves_the_marks_of_the_real_one(pair: Pair) -> None:
    pair.sync.switch()
    pair.person_in_salesforce(OwnerId=pair.ben)
    pair.clock.advance(DELAY)
    assert pair.portal.record("companies", pair.company)["history"]["hubspot_owner_id"][0]["sourceType"] == "SALESFORCE"
    pair.person_in_hubspot(hubspot_owner_id=ANN)
    pair.clock.advance(DELAY)
    assert pair.row()["LastModifiedById"] == pair.sync.user_id
    written = [entry for entry in pair.org.journal.entries if entry.source == SOURCE and entry.method == "PATCH"]
    assert written[-1].path.endswith(pair.account)
    token = {"Authorization": f"Bearer {pair.portal.credentials()['access_token']}"}
    answer = pair.portal.handle(Request.of("GET", "/crm/v3/properties/companies/salesforceaccountid", token))
    assert json.loads(answer.body)["modificationMetadata"]["readOnlyValue"] is True


def test_its_own_writes_are_no_changes_to_it(pair: Pair) -> None:
    pair.sync.switch()
    pair.person_in_salesforce(OwnerId=pair.ben, Name="Acme AG")
    for _ in range(10):
        pair.clock.advance(timedelta(minutes=15))
        pair.sync.run_due()
    writes = [
        entry
        for entry in pair.portal.journal.entries
        if entry.source == SOURCE and "salesforceaccountid" not in entry.body
    ]
    assert len(writes) == 2, "the first sync, and the one change"


def test_two_writers_who_disagree_make_the_owner_flap(pair: Pair) -> None:
    pair.sync.switch()
    seen = []
    for _ in range(3):
        pair.person_in_salesforce(OwnerId=pair.ben)
        pair.clock.advance(DELAY)
        seen.append(pair.owners())
        pair.person_in_hubspot(hubspot_owner_id=ANN)
        pair.clock.advance(DELAY)
        seen.append(pair.owners())
    assert seen == [(pair.ben, BEN), (pair.ann, ANN)] * 3


def test_a_deleted_account_marks_its_company_and_an_undeleted_one_clears_it(pair: Pair) -> None:
    pair.sync.switch()
    pair.org.edit({"object": "Account", "id": pair.account, "delete": True})
    pair.clock.advance(DELAY)
    assert pair.values()["salesforcedeleted"] == "true"
    pair.org.edit({"object": "Account", "id": pair.account, "undelete": True})
    pair.clock.advance(DELAY)
    assert pair.values()["salesforcedeleted"] == "false"


def test_a_new_account_makes_a_company_and_a_new_company_makes_none_by_itself(pair: Pair) -> None:
    pair.sync.switch()
    pair.org.edit({"object": "Account", "create": {"Name": "New", "Website": "new.test", "OwnerId": pair.ben}})
    pair.portal.edit({"object": "companies", "create": {"name": "Only here"}})
    pair.clock.advance(DELAY)
    made = [row["properties"] for row in pair.portal.records("companies") if row["properties"].get("name") == "New"]
    assert [(row["domain"], row["hubspot_owner_id"], row["hs_object_source"]) for row in made] == [
        ("new.test", BEN, "SALESFORCE")
    ]
    assert len(pair.org.records("Account")) == 2


@pytest.mark.parametrize(("included", "accounts"), [(None, 2), (["9"], 1)])
def test_a_company_with_an_included_contact_makes_an_account(
    pair: Pair, included: list[str] | None, accounts: int
) -> None:
    pair.sync.switch(create_accounts=True, inclusion=included)
    [company] = pair.portal.load("companies", [{"name": "Touched", "hubspot_owner_id": LONE}])
    pair.portal.load("contacts", [{"email": "c@touched.test", "associations": company}])
    pair.portal.edit({"object": "companies", "id": company, "set": {"city": "Rome"}})
    pair.clock.advance(DELAY)
    rows = pair.org.records("Account")
    assert len(rows) == accounts
    if accounts == 2:
        assert (rows[1]["BillingCity"], rows[1]["OwnerId"]) == ("Rome", pair.sync.user_id)


def test_a_refusal_stops_the_whole_record_and_is_listed(pair: Pair) -> None:
    pair.sync.switch(fields={"companies": [["industry", "Industry", "two_way"]]})
    pair.person_in_salesforce(Industry="Gardening", Name="Acme Gardens")
    pair.clock.advance(DELAY)
    assert pair.values()["name"] == "Acme"
    pair.sync.run_due()
    assert [(error.kind, error.record) for error in pair.sync.errors] == [("picklist", f"companies {pair.company}")]


def test_companies_cannot_be_merged_while_it_is_installed(pair: Pair) -> None:
    [other] = pair.portal.load("companies", [{"name": "Other"}])
    pair.sync.switch()
    with pytest.raises(ValueError, match="cannot be merged"):
        pair.portal.edit({"object": "companies", "id": pair.company, "merge": [other]})
    pair.sync.switch(on=False)
    pair.portal.edit({"object": "companies", "id": pair.company, "merge": [other]})


def test_a_late_commit_is_carried_over_when_it_can_be_seen(pair: Pair) -> None:
    pair.sync.switch()
    pair.org.edit({"object": "Account", "id": pair.account, "set": {"OwnerId": pair.ben}, "visible_after": 300})
    pair.clock.advance(DELAY * 2)
    assert pair.owners() == (pair.ann, ANN)
    pair.clock.advance(timedelta(seconds=300))
    assert pair.owners() == (pair.ben, BEN)


def test_the_control_call_switches_and_tells(pair: Pair) -> None:
    def control(method: str, body: object = None) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        answer = pair.org.handle(Request.of(method, "/_sandbox/native-sync", {}, raw))
        return answer.status, json.loads(answer.body)

    assert control("GET")[1]["on"] is False
    status, told = control("POST", {"on": True, "delay": 900, "owners": "salesforce"})
    assert (status, told["on"], told["pairs"], told["settings"]["delay"]) == (200, True, 1, 900.0)
    pair.person_in_hubspot(hubspot_owner_id=BEN)
    pair.clock.advance(timedelta(hours=1))
    assert pair.owners() == (pair.ann, BEN)
    assert control("POST", {"speed": 1})[0] == 400
    assert control("POST", {"owners": "nobody"})[0] == 400
    [company] = pair.portal.load("companies", [{"name": "By hand"}])
    control("POST", {"sync": {"object": "companies", "id": company}})
    assert [row["Name"] for row in pair.org.records("Account")] == ["Acme", "By hand"]


def test_its_calls_use_up_the_orgs_allowance_and_are_hit_by_no_fault(pair: Pair) -> None:
    pair.sync.switch()
    pair.org.faults.install([{"fault": "status 503"}])
    pair.person_in_hubspot(hubspot_owner_id=BEN)
    pair.clock.advance(DELAY)
    assert pair.owners() == (pair.ben, BEN)
    pair.org.faults.clear()
    token = {"Authorization": f"Bearer {pair.org.credentials()['access_token']}"}
    answer = pair.org.handle(Request.of("GET", "/services/data/v67.0/limits", token))
    used = json.loads(answer.body)["DailyApiRequests"]
    assert used["Max"] - used["Remaining"] == 3, "two of the connector, and this one"
