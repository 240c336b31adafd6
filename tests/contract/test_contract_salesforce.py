"""What only Salesforce has: sessions and instances, SOQL windows, teams, preconditions, headers on writes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from syncd.connectors.budget import salesforce_budget
from syncd.connectors.port import WriteOutcome
from syncd.connectors.salesforce import LEAD_MAPPING, SalesforceReader
from syncd.connectors.salesforce.mapping import TASK_MAPPING
from syncd.connectors.wire import HttpRequest, HttpResponse, WireError
from syncd.entropy import SeededEntropy
from syncd.errors import AuthError, CursorLostError, RetryableError, SchemaError
from syncd.model.cursors import Window
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.records import Record
from syncd.model.refs import Kind
from tests.contract.worlds import START, SalesforceWorld, records_of, seen
from tests.inprocess import InProcessWire, Trouble, path_has

JSON = {"Content-Type": "application/json"}


def refusal(status: int, code: str, message: str = "said so") -> HttpResponse:
    return HttpResponse(status, JSON, json.dumps([{"errorCode": code, "message": message}]).encode())


def soql(request: HttpRequest) -> str:
    return parse_qs(urlsplit(request.url).query).get("q", [""])[0]


def queries(world: SalesforceWorld) -> list[str]:
    return [soql(request) for request in world.inner.sent if soql(request)]


# --- sessions


@cache
def key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def with_access(world: SalesforceWorld, **changes: object) -> SalesforceReader:
    ports = {"wire": world.wire, "clock": world.clock, "entropy": SeededEntropy(1)}
    access = world.access(**changes)
    return SalesforceReader(access, world.mapping, **ports, budget=salesforce_budget(world.clock))  # type: ignore[arg-type]


def test_a_signed_login_has_short_claims_and_no_secret_on_the_wire(salesforce: SalesforceWorld) -> None:
    private, public = key_pair()
    username = salesforce.org.credentials()["username"]
    reader = with_access(
        salesforce, grant="jwt", client_secret=None, username=username, private_key=lambda: private,
        login_url="https://login.salesforce.com", instance_url="https://acme.my.salesforce.com",
    )  # fmt: skip
    reader.identify()
    (login,) = salesforce.inner.requests("/oauth2/token")
    form = parse_qs((login.body or b"").decode())
    claims = jwt.decode(
        form["assertion"][0], public, algorithms=["RS256"], audience="https://login.salesforce.com",
        options={"verify_exp": False},
    )  # fmt: skip
    assert claims["sub"] == username
    assert claims["iss"] == salesforce.org.credentials()["client_id"]
    assert datetime.fromtimestamp(claims["exp"], UTC) == START + timedelta(minutes=3)
    assert b"PRIVATE KEY" not in (login.body or b"")


def test_a_key_that_cannot_sign_is_said_without_showing_it(salesforce: SalesforceWorld) -> None:
    reader = with_access(salesforce, grant="jwt", username="a@b.example", private_key=lambda: "canary-key")
    with pytest.raises(AuthError) as caught:
        reader.identify()
    assert "canary" not in str(caught.value)
    assert salesforce.inner.sent == []


@pytest.mark.parametrize("changes", [{"client_secret": None}, {"grant": "jwt"}])
def test_a_login_without_its_secret_is_an_error_before_sending(salesforce: SalesforceWorld, changes: object) -> None:
    with pytest.raises(AuthError):
        with_access(salesforce, **changes).identify()  # type: ignore[arg-type]
    assert salesforce.inner.sent == []


def test_a_wrong_secret_is_one_login_and_no_more(salesforce: SalesforceWorld) -> None:
    with pytest.raises(AuthError) as caught:
        with_access(salesforce, client_secret=lambda: "canary-wrong").identify()
    assert len(salesforce.inner.sent) == 1
    assert "canary" not in str(caught.value)


def test_the_secret_is_read_again_at_each_login(salesforce: SalesforceWorld) -> None:
    secret = salesforce.org.credentials()["client_secret"]
    held = ["stale"]
    reader = with_access(salesforce, client_secret=lambda: held[0])
    with pytest.raises(AuthError):
        reader.identify()
    held[0] = secret
    assert reader.identify().account_id


def test_one_token_serves_all_calls(salesforce: SalesforceWorld) -> None:
    reader = salesforce.reader()
    reader.identify()
    list(reader.users())
    assert salesforce.token_reads == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_login_host_in_trouble_is_ridden_out(salesforce: SalesforceWorld, status: int) -> None:
    salesforce.inner.add(Trouble(path_has("/oauth2/token"), before=HttpResponse(status), times=3))
    assert salesforce.reader().identify().account_id


def test_too_many_logins_wait_and_do_not_hammer(salesforce: SalesforceWorld) -> None:
    body = b'{"error":"rate_limit_exceeded","error_description":"LOGIN_RATE_EXCEEDED"}'
    salesforce.inner.add(Trouble(path_has("/oauth2/token"), before=HttpResponse(400, JSON, body), times=None))
    with pytest.raises(RetryableError):
        salesforce.reader().identify()
    assert len(salesforce.inner.sent) <= 6


def test_a_login_that_moves_the_organization_is_followed(salesforce: SalesforceWorld) -> None:
    reader = salesforce.reader()
    reader.identify()
    salesforce.org.base_url = "https://moved.my.salesforce.com"
    salesforce.org.edit({"session": "revoke"})
    reader.identify()
    hosts = [urlsplit(request.url).netloc for request in salesforce.inner.requests("userinfo")]
    assert hosts == ["acme.my.salesforce.com", "acme.my.salesforce.com", "moved.my.salesforce.com"]


def test_a_refused_userinfo_in_plain_text_renews_the_token(salesforce: SalesforceWorld) -> None:
    bad = HttpResponse(403, {"Content-Type": "text/plain"}, b"Bad_OAuth_Token")
    salesforce.inner.add(Trouble(path_has("userinfo"), before=bad))
    assert salesforce.reader().identify().account_id
    assert salesforce.token_reads == 2


# --- reading


def test_the_version_is_pinned_and_the_client_named_on_every_call(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(3)
    list(salesforce.reader().changes(Kind.ACCOUNT, salesforce.everything()))
    _, query = salesforce.inner.requests("/queryAll")
    assert "/services/data/v66.0/" in query.url
    assert query.headers["Sforce-Call-Options"] == "client=syncd"
    assert query.headers["Sforce-Query-Options"] == "batchSize=2000"
    assert "X-PrettyPrint" not in query.headers


def test_the_query_is_half_open_and_ordered_with_a_tie_break(salesforce: SalesforceWorld) -> None:
    window = Window(START, START + timedelta(minutes=5))
    list(salesforce.reader().changes(Kind.ACCOUNT, window))
    (query,) = queries(salesforce)
    assert (
        "WHERE SystemModstamp >= 2026-11-20T10:00:00.000Z AND SystemModstamp < 2026-11-20T10:05:00.000Z "
        "ORDER BY SystemModstamp, Id"
    ) in query
    assert "LIMIT" not in query


def test_the_same_queries_are_made_whatever_the_zone_of_the_window(salesforce: SalesforceWorld) -> None:
    zone = datetime.fromisoformat("2026-11-20T00:00:00+14:00").tzinfo
    window = Window(START.astimezone(zone), (START + timedelta(minutes=5)).astimezone(zone))
    list(salesforce.reader().changes(Kind.ACCOUNT, window))
    list(salesforce.reader().changes(Kind.ACCOUNT, Window(START, START + timedelta(minutes=5))))
    first, second = queries(salesforce)
    assert first == second


def test_pages_that_expired_are_a_lost_cursor(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(450)
    salesforce.org.model.cursors.page_limit = 200
    walking = salesforce.reader().changes(Kind.ACCOUNT, salesforce.everything())
    page = next(walking)
    salesforce.org.edit({"session": "cursors"})
    with pytest.raises(CursorLostError) as caught:
        next(walking)
    assert caught.value.code == "SYN420"
    with pytest.raises(CursorLostError):
        list(salesforce.reader().changes(Kind.ACCOUNT, salesforce.everything(), page.resume))


def test_a_next_page_elsewhere_is_not_followed(salesforce: SalesforceWorld) -> None:
    body = b'{"totalSize":1,"done":false,"records":[],"nextRecordsUrl":"@evil.example/services/data/x"}'
    salesforce.inner.add(Trouble(path_has("/queryAll"), before=HttpResponse(200, JSON, body), times=None))
    with pytest.raises(Exception, match="SYN421"):
        list(salesforce.reader().changes(Kind.ACCOUNT, salesforce.everything()))
    assert not any("evil" in request.url for request in salesforce.inner.sent)


def _too_slow(limit: timedelta):  # type: ignore[no-untyped-def]
    """Matches queries over more than `limit` of changes."""

    def matches(request: HttpRequest) -> bool:
        words = soql(request).split()
        if "SystemModstamp" not in words or "<" not in words or "COUNT()" in words:
            return False
        upper = datetime.fromisoformat(words[words.index("<") + 1])
        lower = (
            datetime.fromisoformat(words[words.index(">=") + 1]) if ">=" in words else datetime(1999, 1, 1, tzinfo=UTC)
        )
        return upper - lower > limit

    return matches


def _spread(world: SalesforceWorld, count: int) -> dict[str, Record]:
    accounts = world.accounts(count)
    for account in accounts:
        world.clock.advance(timedelta(minutes=10))
        world.edit(Kind.ACCOUNT, account, name="spread")
    return dict.fromkeys(accounts)  # type: ignore[arg-type]


@pytest.mark.parametrize("full", [False, True])
def test_a_query_that_is_too_slow_is_asked_in_halves_and_nothing_is_missed(
    salesforce: SalesforceWorld, full: bool
) -> None:
    accounts = _spread(salesforce, 8)
    slow = Trouble(_too_slow(timedelta(minutes=25)), before=refusal(400, "QUERY_TIMEOUT"), times=None)
    salesforce.inner.add(slow)
    window = salesforce.everything() if full else salesforce.since(START)
    if full:
        slow.match = _too_slow(timedelta(days=2000))
    pages = list(salesforce.reader().changes(Kind.ACCOUNT, window))
    assert set(records_of(pages)) == set(accounts)
    assert len(pages) > 2
    for page in pages[:-1:3]:
        rest = records_of(salesforce.reader().changes(Kind.ACCOUNT, window, page.resume))
        done = records_of(pages[: pages.index(page) + 1])
        assert set(rest) | set(done) == set(accounts)


def test_a_query_that_is_too_slow_for_one_minute_is_a_clear_error(salesforce: SalesforceWorld) -> None:
    salesforce.accounts(1)
    salesforce.inner.add(Trouble(path_has("/queryAll"), before=refusal(400, "QUERY_TIMEOUT"), times=None))
    with pytest.raises(RetryableError) as caught:
        list(salesforce.reader().changes(Kind.ACCOUNT, salesforce.since(START - timedelta(hours=4))))
    assert caught.value.code == "SYN418"
    assert len(salesforce.inner.sent) < 15


def test_reads_by_id_keep_within_the_length_of_a_uri(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(1100)
    assert len(salesforce.reader().read(Kind.ACCOUNT, accounts)) == 1100
    reads = salesforce.inner.requests("/queryAll")
    assert len(reads) == 3
    assert all(len(request.url) < 15_500 for request in reads)
    assert all(query.count("'") <= 1000 for query in queries(salesforce))


def test_ids_of_fifteen_characters_are_the_same_records(salesforce: SalesforceWorld) -> None:
    (account,) = salesforce.accounts(1)
    short = account[:15]
    readings = salesforce.reader().read(Kind.ACCOUNT, [short])
    assert readings[short].record is not None
    assert readings[short].ref.id == account


def test_text_that_is_no_id_is_never_put_into_a_query(salesforce: SalesforceWorld) -> None:
    readings = salesforce.reader().read(Kind.ACCOUNT, ["' OR Name != '"])
    assert readings["' OR Name != '"].record is None
    assert salesforce.inner.sent == []


@pytest.mark.parametrize("name", ["Name FROM User--", "Name, (SELECT Id FROM Contacts)", "1", ""])
def test_a_mapping_that_names_no_field_is_refused_before_sending(salesforce: SalesforceWorld, name: str) -> None:
    kinds = {**salesforce.mapping.kinds, Kind.ACCOUNT: KindMapping(Kind.ACCOUNT, "Account", {"name": name})}
    with pytest.raises(SchemaError):
        salesforce.reader(SystemMapping(salesforce.system, kinds)).check_schema()
    assert salesforce.inner.sent == []


def test_a_mapping_with_too_many_fields_says_so(salesforce: SalesforceWorld) -> None:
    fields = {f"field{n}": f"Some_Very_Long_Field_Name_Number_{n}__c" for n in range(400)}
    kinds = {**salesforce.mapping.kinds, Kind.ACCOUNT: KindMapping(Kind.ACCOUNT, "Account", fields)}
    with pytest.raises(SchemaError):
        list(salesforce.reader(SystemMapping(salesforce.system, kinds)).changes(Kind.ACCOUNT, salesforce.everything()))


def test_parent_fields_are_read_through_the_relation_and_noted(salesforce: SalesforceWorld) -> None:
    fields = {"name": "name", "tier": "Owner.Name", "segment": "Parent.Name", "city": "BillingAddress.city"}
    kinds = {**salesforce.mapping.kinds, Kind.ACCOUNT: KindMapping(Kind.ACCOUNT, "Account", fields)}
    mapping = SystemMapping(salesforce.system, kinds)
    (account,) = salesforce.org.load(
        "Account", [{"Name": "Acme", "OwnerId": salesforce.people[0], "BillingCity": "Bonn"}]
    )
    found = records_of(salesforce.reader(mapping).changes(Kind.ACCOUNT, salesforce.everything()))
    assert dict(found[account].fields) == {"name": "Acme", "tier": "Ann Lee", "city": "Bonn"}
    notes = salesforce.reader(mapping).check_schema()
    assert any("Owner.Name" in note for note in notes)


def test_leads_are_read_where_they_are_mapped(salesforce: SalesforceWorld) -> None:
    mapping = SystemMapping(salesforce.system, {**salesforce.mapping.kinds, Kind.LEAD: LEAD_MAPPING})
    (lead,) = salesforce.org.load(
        "Lead", [{"LastName": "Fox", "Company": "Acme", "Email": "fox@acme.example", "OwnerId": salesforce.people[0]}]
    )
    reader = salesforce.reader(mapping)
    assert reader.check_schema() == ()
    found = records_of(reader.changes(Kind.LEAD, salesforce.everything()))
    assert (found[lead].fields["company"], found[lead].fields["email"]) == ("Acme", "fox@acme.example")


def test_who_owned_a_lead_is_told_and_nobody_tells_of_a_task(salesforce: SalesforceWorld) -> None:
    more = {Kind.LEAD: LEAD_MAPPING, Kind.TASK: TASK_MAPPING}
    mapping = SystemMapping(salesforce.system, {**salesforce.mapping.kinds, **more})
    reader, (first, second) = salesforce.reader(mapping), salesforce.people[:2]
    (lead,) = salesforce.org.load("Lead", [{"LastName": "Fox", "Company": "Acme", "OwnerId": first}])
    salesforce.org.edit({"object": "Lead", "id": lead, "set": {"OwnerId": second}})
    assert [each.owner for each in reader.owner_history(Kind.LEAD, [lead])[lead]] == [second, first]
    calls = reader.calls
    assert reader.owner_history(Kind.TASK, [lead]) == {}
    assert reader.calls == calls


def test_a_person_who_changed_a_record_is_named(salesforce: SalesforceWorld) -> None:
    (account,) = salesforce.accounts(1)
    salesforce.org.edit({"object": "Account", "id": account, "set": {"Name": "x"}, "by": salesforce.people[1]})
    reading = salesforce.reader().read(Kind.ACCOUNT, [account])[account].record
    assert reading is not None
    assert reading.modified_by == salesforce.people[1]


def test_only_standard_users_are_eligible(salesforce: SalesforceWorld) -> None:
    (guest,) = salesforce.org.load(
        "User", [{"Username": "g@x", "Email": "g@x.example", "LastName": "Guest", "UserType": "CsnOnly"}]
    )
    users = {user.ref.id: user for user in salesforce.reader().users()}
    assert (users[guest].active, users[guest].eligible) == (True, False)


# --- teams


def _team(world: SalesforceWorld, account: str, *people: str) -> None:
    rows = [{"AccountId": account, "UserId": person, "TeamMemberRole": "Sales"} for person in people]
    world.org.load("AccountTeamMember", rows)


def test_teams_come_one_for_each_account(salesforce: SalesforceWorld) -> None:
    first, second, third = salesforce.accounts(3)
    _team(salesforce, first, salesforce.people[1], salesforce.people[0])
    _team(salesforce, second, salesforce.people[3])
    teams = {team.record.id: team for team in salesforce.reader().teams(Kind.ACCOUNT)}
    assert {record: [member.user for member in team.members] for record, team in teams.items()} == {
        first: sorted(salesforce.people[:2]),
        second: [salesforce.people[3]],
    }
    assert teams[second].restorable
    (named,) = salesforce.reader().teams(Kind.ACCOUNT, [second, third])
    assert named.record.id == second
    assert dict(named.members[0].fields)["TeamMemberRole"] == "Sales"
    assert named.restorable


def test_an_organization_where_nobody_has_a_team_is_asked_once(salesforce: SalesforceWorld) -> None:
    reader = salesforce.reader()
    reader.identify()
    before = reader.calls
    assert list(reader.teams(Kind.ACCOUNT)) == []
    assert reader.calls == before + 1


def test_t51_a_team_that_a_write_dropped_is_put_back_as_it_was(salesforce: SalesforceWorld) -> None:
    first, second = salesforce.accounts(2)
    _team(salesforce, first, *salesforce.people[1:3])
    _team(salesforce, second, salesforce.people[3])
    before = list(salesforce.reader().teams(Kind.ACCOUNT, [first, second]))
    for account in (first, second):
        salesforce.org.edit({"object": "Account", "id": account, "set": {"OwnerId": salesforce.people[3]}})
    assert list(salesforce.reader().teams(Kind.ACCOUNT)) == []
    results = salesforce.writer().add_members(Kind.ACCOUNT, before)
    assert [(result.ref.id, result.outcome) for result in results] == [
        *[(first, WriteOutcome.ACCEPTED)] * 2,
        (second, WriteOutcome.ACCEPTED),
    ]
    assert list(salesforce.reader().teams(Kind.ACCOUNT, [first, second])) == before


def test_a_member_who_left_cannot_be_put_back_and_the_others_are(salesforce: SalesforceWorld) -> None:
    (first,) = salesforce.accounts(1)
    _team(salesforce, first, *salesforce.people[1:3])
    (before,) = salesforce.reader().teams(Kind.ACCOUNT, [first])
    stranger = replace(before.members[0], user="005000000000000AAA")
    results = salesforce.writer().add_members(Kind.ACCOUNT, [replace(before, members=(stranger, before.members[1]))])
    assert [result.outcome for result in results] == [WriteOutcome.REJECTED, WriteOutcome.ACCEPTED]
    assert results[0].code == "INVALID_CROSS_REFERENCE_KEY"


def test_an_organization_without_teams_has_none(salesforce: SalesforceWorld) -> None:
    missing = refusal(400, "INVALID_TYPE", "sObject type 'AccountTeamMember' is not supported.")
    salesforce.inner.add(Trouble(path_has("AccountTeamMember"), before=missing, times=None))
    assert list(salesforce.reader().teams(Kind.ACCOUNT)) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(refusal(400, "INVALID_FIELD"), SchemaError), (refusal(403, "INSUFFICIENT_ACCESS"), AuthError)],
)
def test_teams_that_may_not_be_read_are_an_error(
    salesforce: SalesforceWorld, answer: HttpResponse, error: type[Exception]
) -> None:
    salesforce.inner.add(Trouble(path_has("AccountTeamMember"), before=answer, times=None))
    with pytest.raises(error):
        list(salesforce.reader().teams(Kind.ACCOUNT))


# --- writing


def test_every_write_switches_assignment_rules_off_and_passes_duplicate_alerts(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(8)
    salesforce.org.edit({"object": "Account", "assignment_owner": salesforce.people[3]})
    writer = salesforce.writer()
    writer.write_owners(Kind.ACCOUNT, [salesforce.write(account, salesforce.people[1]) for account in accounts[:7]])
    writer.write_owners(Kind.ACCOUNT, [salesforce.write(accounts[7], salesforce.people[1], since=START)])
    writes = [request for request in salesforce.inner.sent if request.method == "PATCH"]
    assert len(writes) == 2
    for request in writes:
        assert request.headers["Sforce-Auto-Assign"] == "FALSE"
        assert request.headers["Sforce-Duplicate-Rule-Header"].startswith("allowSave=true")
    assert {record.owner for record in salesforce.expected(Kind.ACCOUNT).values()} == {salesforce.people[1]}


def test_a_few_rows_are_written_under_a_precondition_and_a_persons_change_is_a_conflict(
    salesforce: SalesforceWorld,
) -> None:
    first, second, third = salesforce.accounts(3)
    salesforce.clock.advance(timedelta(hours=1))
    for account in (first, second, third):
        salesforce.edit(Kind.ACCOUNT, account, name="seen")
    since = salesforce.now()
    salesforce.clock.advance(timedelta(seconds=5))
    salesforce.edit(Kind.ACCOUNT, second, owner=salesforce.people[3])
    writes = [salesforce.write(account, salesforce.people[1], since=since) for account in (first, second, third)]
    results = salesforce.writer().write_owners(Kind.ACCOUNT, writes)
    assert [result.outcome for result in results] == [
        WriteOutcome.ACCEPTED, WriteOutcome.CONFLICT, WriteOutcome.ACCEPTED,
    ]  # fmt: skip
    owners = salesforce.expected(Kind.ACCOUNT)
    assert [owners[account].owner for account in (first, second, third)] == [
        salesforce.people[1], salesforce.people[3], salesforce.people[1],
    ]  # fmt: skip
    sent = [request for request in salesforce.inner.sent if request.method == "PATCH"]
    assert {request.headers["If-Unmodified-Since"] for request in sent} == {format_datetime(since, usegmt=True)}
    assert {request.body for request in sent} == {json.dumps({"OwnerId": salesforce.people[1]}).encode()}


def test_the_precondition_survives_a_refused_session(salesforce: SalesforceWorld) -> None:
    (account,) = salesforce.accounts(1)
    salesforce.clock.advance(timedelta(seconds=5))
    salesforce.edit(Kind.ACCOUNT, account, owner=salesforce.people[3])
    salesforce.strike("status 401 before", method="PATCH", nth=1)
    (result,) = salesforce.writer().write_owners(
        Kind.ACCOUNT, [salesforce.write(account, salesforce.people[1], since=START - timedelta(days=1))]
    )
    assert result.outcome is WriteOutcome.CONFLICT
    assert salesforce.expected(Kind.ACCOUNT)[account].owner == salesforce.people[3]


def test_many_rows_go_together_even_with_a_precondition_at_hand(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(6)
    writes = [salesforce.write(account, salesforce.people[1], since=START) for account in accounts]
    salesforce.writer().write_owners(Kind.ACCOUNT, writes)
    (request,) = salesforce.inner.requests("composite/sobjects")
    document = json.loads(request.body or b"")
    assert document["allOrNone"] is False
    assert {tuple(sorted(row)) for row in document["records"]} == {("OwnerId", "attributes", "id")}


def test_a_locked_row_can_be_tried_again_and_the_rest_is_written(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(10)
    salesforce.strike("row UNABLE_TO_LOCK_ROW", path=salesforce.write_path, nth=1, then={"ids": [accounts[4]]})
    writes = [salesforce.write(account, salesforce.people[1]) for account in accounts]
    results = salesforce.writer().write_owners(Kind.ACCOUNT, writes)
    assert [result.outcome for result in results].count(WriteOutcome.RETRY) == 1
    assert (results[4].outcome, results[4].code) == (WriteOutcome.RETRY, "UNABLE_TO_LOCK_ROW")


def test_after_a_lost_answer_the_rows_behind_it_are_not_sent(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(3)
    salesforce.inner.add(Trouble(path_has(accounts[1], "PATCH"), after=WireError("timeout", True), times=None))
    writes = [salesforce.write(account, salesforce.people[1], since=START) for account in accounts]
    results = salesforce.writer().write_owners(Kind.ACCOUNT, writes)
    assert [result.outcome for result in results] == [
        WriteOutcome.ACCEPTED, WriteOutcome.UNKNOWN, WriteOutcome.RETRY,
    ]  # fmt: skip
    assert salesforce.expected(Kind.ACCOUNT)[accounts[2]].owner == salesforce.people[0]


def test_rows_already_written_are_not_lost_when_access_ends_in_between(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(3)
    salesforce.inner.add(Trouble(path_has(accounts[1], "PATCH"), before=refusal(401, "INVALID_SESSION_ID"), times=None))
    writes = [salesforce.write(account, salesforce.people[1], since=START) for account in accounts]
    results = salesforce.writer().write_owners(Kind.ACCOUNT, writes)
    assert [(result.outcome, result.code) for result in results] == [
        (WriteOutcome.ACCEPTED, None), (WriteOutcome.RETRY, "NOT_SENT"), (WriteOutcome.RETRY, "NOT_SENT"),
    ]  # fmt: skip


def test_a_login_that_fails_before_a_write_leaves_every_row_to_be_tried_again(salesforce: SalesforceWorld) -> None:
    accounts = salesforce.accounts(3)
    salesforce.inner.add(Trouble(path_has("/oauth2/token"), before=HttpResponse(503), times=None))
    results = salesforce.writer().write_owners(
        Kind.ACCOUNT, [salesforce.write(account, salesforce.people[1]) for account in accounts]
    )
    assert {result.outcome for result in results} == {WriteOutcome.RETRY}


def test_two_organizations_on_one_wire_stay_apart() -> None:
    one, two = SalesforceWorld("https://one.example"), SalesforceWorld("https://two.example")
    wire = InProcessWire({"https://one.example": one.face, "https://two.example": two.face})
    one.wire = two.wire = wire
    one.accounts(3)
    two.accounts(5)
    for world in (one, two):
        found = records_of(world.reader().changes(Kind.ACCOUNT, world.everything()))
        assert seen(found) == world.expected(Kind.ACCOUNT)
