"""Reading, for every CRM: what is there comes, once, whole and with the same words whichever way it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from syncd.errors import AuthError, SchemaError
from syncd.model.cursors import Page
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.plans import held_name
from syncd.model.refs import Kind, System
from tests.contract.worlds import OVERLAP, START, HubspotWorld, SalesforceWorld, World, records_of, seen
from tests.inprocess import Trouble


def walk(world: World, kind: Kind = Kind.ACCOUNT) -> list[Page]:
    return list(world.reader().changes(kind, world.everything()))


def test_a_full_walk_equals_the_store(world: World) -> None:
    world.accounts(450)
    pages = walk(world)
    assert seen(records_of(pages)) == world.expected(Kind.ACCOUNT)
    assert [page.resume is None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_full_walk_over_real_http_equals_the_store(served: World) -> None:
    served.accounts(450)
    assert seen(records_of(walk(served))) == served.expected(Kind.ACCOUNT)


def test_an_empty_crm_is_one_complete_walk_without_records(world: World) -> None:
    pages = walk(world)
    assert pages[-1].resume is None
    assert records_of(pages) == {}


def test_values_come_as_canonical_text_and_empty_ones_not_at_all(world: World) -> None:
    (account,) = world.load(
        Kind.ACCOUNT,
        [
            {
                "name": "Łódź 🏭 GmbH",
                "employees": 1200,
                "annual_revenue": 1_500_000.5,
                "postal_code": "01234",
                "city": "",
                "country": "Germany",
                "created_at": "2024-02-29T23:30:00.000Z",
            }
        ],
    )
    fields = records_of(walk(world))[account].fields
    assert fields["name"] == "Łódź 🏭 GmbH"
    assert (fields["employees"], fields["annual_revenue"]) == ("1200", "1500000.5")
    assert (fields["postal_code"], fields["country"]) == ("01234", "Germany")
    assert fields["created_at"] == "2024-02-29T23:30:00.000Z"
    assert "city" not in fields


def test_opportunities_name_their_account_stage_and_outcome(world: World) -> None:
    first, second = world.accounts(2)
    won = "Closed Won" if world.system.value == "salesforce" else "closedwon"
    deals = world.load(
        Kind.OPPORTUNITY,
        [
            {"name": "one", "account": first, "amount": 100, "close_date": "2026-12-24"},
            {"name": "two", "account": second, "stage": won},
            {"name": "none"},
        ],
    )
    records = records_of(walk(world, Kind.OPPORTUNITY))
    assert [records[deal].account for deal in deals] == [first, second, None]
    assert records[deals[0]].fields["amount"] == "100"
    assert records[deals[0]].fields["close_date"].startswith("2026-12-24")
    assert [records[deal].fields["is_won"] for deal in deals] == ["false", "true", "false"]
    assert records[deals[1]].fields["stage"] == "Closed Won"
    assert records[deals[1]].fields["probability"] == "100"


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.OPPORTUNITY])
def test_every_way_to_a_record_gives_the_same_record(world: World, kind: Kind) -> None:
    parents = world.accounts(3)
    records = world.load(
        kind, [{"name": f"r{n}"} | ({"account": parents[n]} if kind is Kind.OPPORTUNITY else {}) for n in range(3)]
    )
    world.clock.advance(timedelta(hours=1))
    for record in records:
        world.edit(kind, record, name="changed")
    full = records_of(walk(world, kind))
    part = records_of(world.reader().changes(kind, world.since(START + timedelta(minutes=30))))
    fresh = world.reader().read(kind, records)
    for record in records:
        reading = fresh[record].record
        assert reading is not None
        assert full[record] == part[record] == reading
        assert full[record].content_hash() == reading.content_hash()


def test_an_increment_has_the_changed_records_and_no_others(world: World) -> None:
    accounts = world.accounts(30)
    world.clock.advance(timedelta(hours=1))
    lower = world.now()
    world.clock.advance(timedelta(minutes=1))
    for account in accounts[:7]:
        world.edit(Kind.ACCOUNT, account, name="changed")
    found = records_of(world.reader().changes(Kind.ACCOUNT, world.since(lower)))
    assert set(found) == set(accounts[:7])
    assert {record.fields["name"] for record in found.values()} == {"changed"}


def test_records_stamped_in_one_moment_all_come_over_many_pages(world: World) -> None:
    accounts = world.accounts(950)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    world.clock.advance(timedelta(hours=1))
    lower = world.now()
    for account in accounts:
        world.edit(Kind.ACCOUNT, account, name="same moment")
    pages = list(world.reader().changes(Kind.ACCOUNT, world.since(lower)))
    ids = [record.ref.id for page in pages for record in page.records]
    assert sorted(ids) == sorted(accounts)
    assert len({record.stamp for page in pages for record in page.records}) == 1


def test_a_change_that_shows_late_is_found_by_the_overlap(world: World) -> None:
    accounts = world.accounts(3)
    world.clock.advance(timedelta(hours=1))
    edited = world.now()
    world.edit(Kind.ACCOUNT, accounts[0], name="late", visible_after=9 * 60 + 59)
    world.clock.advance(timedelta(minutes=1))
    early = records_of(world.reader().changes(Kind.ACCOUNT, world.since(edited - OVERLAP)))
    assert "late" not in {record.fields["name"] for record in early.values()}
    world.clock.advance(timedelta(minutes=9))
    found = records_of(world.reader().changes(Kind.ACCOUNT, world.since(world.now() - OVERLAP)))
    assert found[accounts[0]].fields["name"] == "late"


def test_a_record_that_changes_during_the_walk_is_not_lost(world: World) -> None:
    accounts = world.accounts(450)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    walking = world.reader().changes(Kind.ACCOUNT, world.everything())
    pages = [next(walking)]
    world.clock.advance(timedelta(minutes=2))
    world.edit(Kind.ACCOUNT, accounts[0], name="already read")
    world.edit(Kind.ACCOUNT, accounts[-1], name="not yet read")
    pages += list(walking)
    assert set(records_of(pages)) == set(accounts)
    pages += list(world.reader().changes(Kind.ACCOUNT, world.since(world.now() - OVERLAP)))
    assert seen(records_of(pages)) == world.expected(Kind.ACCOUNT)


def test_a_walk_is_taken_up_again_where_it_stopped(world: World) -> None:
    world.accounts(450)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    window = world.everything()
    whole = [page.records for page in world.reader().changes(Kind.ACCOUNT, window)]
    first = next(world.reader().changes(Kind.ACCOUNT, window))
    rest = list(world.reader().changes(Kind.ACCOUNT, window, first.resume))
    assert [first.records, *(page.records for page in rest)] == whole


def test_an_increment_is_taken_up_again_where_it_stopped(world: World) -> None:
    accounts = world.accounts(650)
    if hasattr(world.face, "model"):
        world.face.model.cursors.page_limit = 200
    world.clock.advance(timedelta(hours=1))
    for account in accounts:
        world.edit(Kind.ACCOUNT, account, name="changed")
    window = world.since(START + timedelta(minutes=30))
    for stop in (1, 2, 3):
        walking = world.reader().changes(Kind.ACCOUNT, window)
        pages = [next(walking) for _ in range(stop)]
        pages += world.reader().changes(Kind.ACCOUNT, window, pages[-1].resume)
        ids = [record.ref.id for page in pages for record in page.records]
        assert sorted(ids) == sorted(accounts)


def test_deleted_records_come_as_deleted_and_restored_ones_as_live(world: World) -> None:
    accounts = world.accounts(5)
    world.clock.advance(timedelta(hours=1))
    lower = world.now()
    world.act(Kind.ACCOUNT, accounts[1], "delete")
    found = records_of(world.reader().changes(Kind.ACCOUNT, world.since(lower)))
    assert found[accounts[1]].deleted
    assert found[accounts[1]].stamp >= lower
    assert records_of(walk(world))[accounts[1]].deleted
    world.clock.advance(timedelta(minutes=5))
    world.act(Kind.ACCOUNT, accounts[1], "undelete")
    again = records_of(world.reader().changes(Kind.ACCOUNT, world.since(lower)))
    assert not again[accounts[1]].deleted
    assert again[accounts[1]].stamp > found[accounts[1]].stamp


def test_a_merge_arrives_with_winner_and_loser(world: World) -> None:
    winner, loser, other = world.accounts(3)
    world.clock.advance(timedelta(hours=1))
    lower = world.now()
    world.act(Kind.ACCOUNT, winner, "merge", [loser])
    found = records_of(world.reader().changes(Kind.ACCOUNT, world.since(lower)))
    links = {(record.merged_into, record.ref.id) for record in found.values() if record.merged_into}
    links |= {(record.ref.id, gone) for record in found.values() for gone in record.merged_from}
    losers = {gone for _, gone in links}
    assert loser in losers
    assert other not in losers
    reading = world.reader().read(Kind.ACCOUNT, [loser])[loser].record
    assert reading is not None
    assert reading.deleted
    assert (reading.merged_into, loser) in links


def test_users_are_complete_and_inactive_ones_are_kept(world: World) -> None:
    users = {user.ref.id: user for user in world.reader().users()}
    people = [users[person] for person in world.people]
    assert [user.active for user in people] == [True, True, False, True]
    assert [user.email for user in people] == [f"person{number}@acme.example" for number in range(4)]
    assert people[0].name == "Ann Lee"
    assert all(user.eligible for user in people)
    assert len(users) == len(list(world.reader().users()))


def test_ids_are_those_of_all_live_records(world: World) -> None:
    accounts = world.accounts(450)
    world.act(Kind.ACCOUNT, accounts[3], "delete")
    found = [known for batch in world.reader().ids(Kind.ACCOUNT) for known in batch]
    assert sorted(found) == sorted(set(accounts) - {accounts[3]})


def test_read_gives_a_reading_for_every_id_asked(world: World) -> None:
    accounts = world.accounts(230)
    unknown = accounts[0][:-4] + "9999" if world.system.value == "hubspot" else "001FK00000zzzzzYAA"
    readings = world.reader().read(Kind.ACCOUNT, [*accounts, unknown])
    assert set(readings) == {*accounts, unknown}
    assert readings[unknown].record is None
    assert all(readings[account].record is not None for account in accounts)


def test_read_of_nothing_sends_nothing(world: World) -> None:
    reader = world.reader()
    assert dict(reader.read(Kind.ACCOUNT, [])) == {}
    assert reader.calls == 0


def test_read_sees_the_store_and_not_a_lagging_index(world: World) -> None:
    (account,) = world.accounts(1)
    if hasattr(world.face, "quirks"):
        world.face.quirks.index_lag = 3600.0
    world.edit(Kind.ACCOUNT, account, owner=world.people[1])
    reading = world.reader().read(Kind.ACCOUNT, [account])[account]
    assert reading.record is not None
    assert reading.record.owner == world.people[1]
    assert reading.modified_at == world.now()


def test_identity_and_time_come_from_the_server(world: World) -> None:
    reader = world.reader()
    world.face.clock.advance(timedelta(hours=3))
    identity = reader.identify()
    assert identity.system is world.system
    assert identity.account_id in (str(getattr(world.face, "organization_id", "44515151")), "44515151")
    assert identity.server_now == START + timedelta(hours=3)


def test_the_default_mapping_fits_and_a_missing_field_stops(world: World) -> None:
    assert world.reader().check_schema() == ()
    account = world.mapping.kinds[Kind.ACCOUNT]
    wrong = KindMapping(Kind.ACCOUNT, account.object, {**account.fields, "tier": "No_Such__c"})
    with pytest.raises(SchemaError) as caught:
        world.reader(SystemMapping(world.system, {**world.mapping.kinds, Kind.ACCOUNT: wrong})).check_schema()
    assert caught.value.code == "SYN405"
    assert "No_Such__c" in caught.value.summary


def test_a_field_that_is_hidden_from_us_stops_and_is_not_empty(world: World) -> None:
    account = world.mapping.kinds[Kind.ACCOUNT]
    world.accounts(1, industry="Banking")
    world.face.edit({"object": account.object, "hide": account.fields["industry"]})
    with pytest.raises(SchemaError) as caught:
        world.reader().check_schema()
    assert account.fields["industry"] in caught.value.summary


def test_missing_access_is_an_error_and_never_an_empty_list(world: World) -> None:
    world.accounts(3)
    refused = '[{"errorCode":"API_DISABLED_FOR_ORG","message":"The REST API is not enabled"}]'
    then = {"body": refused} if world.system.value == "salesforce" else {}
    world.strike("status 403 before", path=world.data_path, then=then)
    reader = world.reader()
    for read in (
        lambda: list(reader.changes(Kind.ACCOUNT, world.everything())),
        lambda: list(reader.users()),
        lambda: list(reader.ids(Kind.ACCOUNT)),
        reader.check_schema,
    ):
        with pytest.raises((AuthError, SchemaError)):
            read()


def test_a_kind_that_is_not_mapped_cannot_be_read(world: World) -> None:
    with pytest.raises(SchemaError):
        list(world.reader().changes(Kind.LEAD, world.everything()))


def test_no_call_is_made_inside_a_transaction(world: World) -> None:
    world.inner.forbidden = lambda: True
    with pytest.raises(AssertionError):
        world.reader().identify()


@pytest.mark.parametrize(("accounts", "salesforce_calls", "hubspot_calls"), [(0, 3, 2), (100, 3, 2), (450, 3, 6)])
def test_a_full_walk_makes_no_more_calls_than_its_pages_need(
    world: World, accounts: int, salesforce_calls: int, hubspot_calls: int
) -> None:
    world.accounts(accounts)
    reader = world.reader()
    list(reader.changes(Kind.ACCOUNT, world.everything()))
    expected = {"salesforce": salesforce_calls, "hubspot": hubspot_calls}[world.system.value]
    assert reader.calls == len(world.inner.sent) == expected


def test_calls_count_the_failed_ones_too(world: World) -> None:
    world.accounts(1)
    world.inner.add(Trouble(match=lambda request: "token" not in request.url, before=_busy(), times=2))
    reader = world.reader()
    list(reader.ids(Kind.ACCOUNT))
    assert reader.calls == len(world.inner.sent)


def _busy():  # type: ignore[no-untyped-def]
    from syncd.connectors.wire import HttpResponse

    return HttpResponse(503, {"Content-Type": "text/html"}, b"<html>busy</html>")


@pytest.mark.parametrize("kind", [Kind.ACCOUNT, Kind.OPPORTUNITY])
def test_who_owned_a_record_is_told_newest_first(world: World, kind: Kind) -> None:
    (account,) = world.accounts(1)
    more = {} if kind is Kind.ACCOUNT else {"account": account}
    known, other = world.load(kind, [{"name": "moved", **more}, {"name": "never moved", **more}])
    for name, value in (("owner", world.people[1]), ("name", "renamed"), ("owner", world.people[3])):
        world.clock.advance(timedelta(days=1))
        world.edit(kind, known, **{name: value})
    told = world.reader().owner_history(kind, [known, other])
    newest, *older = told[known]
    assert [each.owner for each in (newest, *older)] == [world.people[3], world.people[1], world.people[0]]
    assert (newest.at, older[0].at) == (world.now(), world.now() - timedelta(days=2))
    assert newest.by_person
    assert all(each.owner == world.people[0] for each in told.get(other, ())), "nobody else ever owned it"


def test_who_held_a_role_is_told_by_the_field_that_is_mapped_to_it(world: World) -> None:
    if isinstance(world, SalesforceWorld):
        column = "CSM__c"
        csm = {"name": column, "type": "reference", "targets": ["User"], "tracked": True}
        world.org.edit({"object": "Account", "field": csm})
    else:
        assert isinstance(world, HubspotWorld)
        column = "csm_owner"
        world.portal.edit({"object": "companies", "define": {"name": column, "type": "string"}})
    kinds = dict(world.mapping.kinds)
    world.mapping = replace(world.mapping, kinds=kinds)
    accounts = kinds[Kind.ACCOUNT]
    kinds[Kind.ACCOUNT] = replace(accounts, fields={**accounts.fields, held_name("csm"): column})
    (account,) = world.accounts(1)
    for number in (1, 3):
        world.clock.advance(timedelta(days=1))
        world.edit(Kind.ACCOUNT, account, **{held_name("csm"): world.people[number]})
    told = world.reader().owner_history(Kind.ACCOUNT, [account], "csm")[account]
    assert [each.owner for each in told[:2]] == [world.people[3], world.people[1]]
    assert world.reader().owner_history(Kind.ACCOUNT, [account], "sdr") == {}, "no field is mapped to that role"


def test_the_way_of_a_deal_through_its_stages_is_told_in_the_mirrors_words(world: World) -> None:
    stages = (
        ("Prospecting", "Proposal/Price Quote")
        if world.system is System.SALESFORCE
        else ("qualifiedtobuy", "contractsent")
    )
    (account,) = world.accounts(1)
    (deal,) = world.load(Kind.OPPORTUNITY, [{"name": "Rollout", "account": account, "amount": 5_000}])
    changes: list[tuple[str, object]] = [("stage", stages[0]), ("amount", 6_000), ("stage", stages[1])]
    for name, value in changes:
        world.clock.advance(timedelta(days=3))
        world.edit(Kind.OPPORTUNITY, deal, **{name: value})
    ((known, way),) = world.reader().stage_history([deal]).items()
    assert known == deal
    record = world.reader().read(Kind.OPPORTUNITY, [deal])[deal].record
    assert record is not None
    assert way[-1].stage == record.fields["stage"]
    assert way[-1].at == world.now()
    assert [each.at for each in way] == sorted(each.at for each in way)
    assert all(one.stage != other.stage for one, other in pairwise(way))


def test_a_stage_that_is_read_from_elsewhere_has_no_history(world: World) -> None:
    (account,) = world.accounts(1)
    (deal,) = world.load(Kind.OPPORTUNITY, [{"name": "Rollout", "account": account}])
    kinds = dict(world.mapping.kinds)
    fields = {**kinds[Kind.OPPORTUNITY].fields}
    kinds[Kind.OPPORTUNITY] = replace(kinds[Kind.OPPORTUNITY], fields={**fields, "stage": fields["name"]})
    assert world.reader(replace(world.mapping, kinds=kinds)).stage_history([deal]) == {}
