"""The HubSpot half of reliability.md 1.4: what peers lost or doubled, as tests by its numbers, on both databases.

Whole pulls run in process against the sandbox; what only a socket shows runs over real HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd import crashpoints
from syncd.connectors.hubspot import LEAD_MAPPING, HubspotReader
from syncd.connectors.retry import RetryPolicy
from syncd.connectors.wire import HttpResponse, NetworkWire
from syncd.entropy import SeededEntropy
from syncd.errors import (
    AuthError,
    BadDataError,
    CrmError,
    CursorLostError,
    RateLimitedError,
    RetryableError,
    SchemaError,
)
from syncd.jobs.pulling.pull import delayed_pass
from syncd.jobs.pulling.sweeping import sweep
from syncd.model.cursors import Window
from syncd.model.fields import SystemMapping
from syncd.model.refs import Kind
from syncd.sandbox.server import serve
from syncd.store import mirror
from tests.contract.worlds import HubspotWorld, records_of
from tests.databases import DIALECTS, NOW
from tests.inprocess import InProcessWire, Trouble, path_has
from tests.integration.mirrored import empty_mirror, machine_in
from tests.unit.jobs.jobs_world import HUBSPOT, World

ACCOUNT, DEAL = Kind.ACCOUNT, Kind.OPPORTUNITY
SEARCH = path_has("/companies/search")
LIST = path_has("/companies?")


@pytest.fixture(params=DIALECTS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A portal with few companies, and a mirror of it that is still empty, once on each database."""
    with empty_mirror(request.param, tmp_path, HUBSPOT) as made:
        yield made


@pytest.fixture
def portal() -> HubspotWorld:
    """A portal in process, with a connector and no mirror."""
    made = HubspotWorld()
    made.wire = InProcessWire.to(made.face)
    return made


def companies(world: World, count: int, **values: Any) -> tuple[str, ...]:
    rows = [{"name": f"Company {number}", **values} for number in range(count)]
    return world.hubspot.load("companies", rows)


def restamp(world: World) -> None:
    """Every company is changed in one and the same millisecond."""
    world.hubspot.edit({"object": "companies", "restamp": world.clock.now().isoformat(timespec="milliseconds")})


def equal(world: World) -> None:
    """The mirror holds what the portal holds, and what was to go wrong went wrong."""
    assert world.wire(HUBSPOT).unmet() == []
    for kind in (ACCOUNT, DEAL):
        seen = {key: (one.fields.get("name"), one.owner) for key, one in world.mirrored(HUBSPOT, kind).items()}
        assert seen == world.truth(HUBSPOT, kind), kind


def searches(world: World) -> list[Any]:
    return [json.loads(request.body or b"") for request in world.wire(HUBSPOT).requests("/companies/search", "POST")]


# --- cursor and time


def test_t02_five_thousand_rows_of_one_second_over_many_pages_are_all_stored_once(world: World) -> None:
    companies(world, 5_000)
    world.pulled()
    world.wait(60)
    restamp(world)
    world.wait(5)
    report = world.pulled()
    assert report.systems[0].changed == 0
    assert report.systems[0].read >= 5_000
    equal(world)


def test_t03_t17_very_many_rows_of_one_millisecond_end_in_bounded_calls_and_state(world: World) -> None:
    lengths: list[int] = []
    count = 25_000 if world.context.store.dialect == "sqlite" else 11_000

    def look(point: str) -> None:
        if point == "pull.page_stored":
            lengths.append(len(world.cursor(HUBSPOT, ACCOUNT).resume or ""))

    companies(world, count)
    world.pulled()
    world.wait(60)
    restamp(world)
    world.wait(5)
    crashpoints.install(look)
    try:
        report = world.pulled()
    finally:
        crashpoints.install(None)
    assert report.systems[0].calls <= count / 200 + 20
    assert report.systems[0].read >= count
    assert max(lengths) < 60
    equal(world)


def test_t04_rows_that_change_during_paging_are_not_lost(world: World) -> None:
    known = companies(world, 900)
    world.pulled()
    world.wait(60)
    restamp(world)
    world.wait(5)

    def edit() -> None:
        for which in (known[0], known[-1]):
            world.edit_hubspot(which, name="Changed while paging")
        world.wait(30)  # the walk outlasts the overlap: what it ended at is no place to go on from

    world.wire(HUBSPOT).add(Trouble(SEARCH, during=edit, skip=2))
    world.pulled()
    world.wait(5)
    world.pulled()
    equal(world)


def test_t05_rows_that_come_and_go_during_paging_shift_nothing(world: World) -> None:
    world.pulled()
    world.wait(60)
    known = companies(world, 900)
    restamp(world)
    world.wait(5)

    def shift() -> None:
        world.hubspot.load("companies", [{"id": "1", "name": "New in front"}])
        world.hubspot.edit({"object": "companies", "id": known[10], "delete": True})

    world.wire(HUBSPOT).add(Trouble(SEARCH, during=shift, skip=1))
    world.pulled()
    stayed = {*known} - {known[10]}
    assert stayed <= set(world.mirrored(HUBSPOT, ACCOUNT)), "nobody need read the window again for them"
    world.wait(5)
    world.pulled()
    sweep(world.context)
    equal(world)


def test_t08_the_machines_zone_moves_no_window(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pulled()
    before = world.cursor(HUBSPOT, ACCOUNT).through
    world.wait(60)
    world.wire(HUBSPOT).sent.clear()
    with machine_in("Asia/Kolkata", monkeypatch):
        world.pulled()
    after = world.cursor(HUBSPOT, ACCOUNT).through
    asked = tuple(int(one["value"]) for one in searches(world)[0]["filterGroups"][0]["filters"][:2])
    assert before is not None
    assert after is not None
    lower = before - world.context.settings.limits.hubspot_overlap
    assert asked == (int(lower.timestamp() * 1000), int(after.timestamp() * 1000) - 1)


def test_t10_every_spelling_of_an_instant_is_one_value(portal: HubspotWorld) -> None:
    spellings = [
        "2026-03-01T10:00:00Z",
        "2026-03-01T10:00:00.0Z",
        "2026-03-01T10:00:00.000+00:00",
        "2026-03-01T10:00:00.000000Z",
        "1772359200000",
        1772359200000,
    ]
    known = portal.accounts(len(spellings))

    def respelled(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        for row in document["results"]:
            row["properties"]["createdate"] = spellings[known.index(row["id"])]
        return HttpResponse(200, answer.headers, json.dumps(document).encode())

    portal.inner.add(Trouble(LIST, after=respelled))
    found = records_of(portal.reader().changes(ACCOUNT, portal.everything()))
    assert {found[one].fields["created_at"] for one in known} == {"2026-03-01T10:00:00.000Z"}


@pytest.mark.parametrize("through", [datetime(1970, 1, 1, tzinfo=UTC), None])
def test_t11_a_cursor_at_the_beginning_of_time_or_missing_reads_everything(
    world: World, through: datetime | None
) -> None:
    if through is not None:
        with world.context.store.write() as conn:
            cursor = mirror.get_cursor(conn, HUBSPOT, ACCOUNT)
            mirror.set_cursor(conn, _at(cursor, through=through))
    companies(world, 250)
    world.pulled()
    equal(world)


@pytest.mark.parametrize("resume", ["offset:10000", "search:12", "search:a,b,c", "", "{}"])
def test_t11_a_place_of_another_version_restarts_its_window_and_skips_nothing(world: World, resume: str) -> None:
    companies(world, 250)
    with world.context.store.write() as conn:
        cursor = mirror.get_cursor(conn, HUBSPOT, ACCOUNT)
        window = Window(datetime(2020, 1, 1, tzinfo=UTC), NOW)
        mirror.set_cursor(conn, _at(cursor, window=window, resume=resume))
    world.pulled()
    equal(world)


def _at(cursor: Any, **values: Any) -> Any:
    return replace(cursor, **values)


def test_t13_what_the_overlap_reads_again_is_no_change(world: World) -> None:
    companies(world, 1_000)
    world.pulled()
    restamp(world)
    world.wait(2)
    world.pulled()
    with world.context.store.read() as conn:
        before = mirror.last_change(conn)
    for _ in range(2):
        world.wait(2)
        one = world.pulled().systems[0]
        assert (one.read >= 1_000, one.changed, one.owner_changes) == (True, 0, 0)
    with world.context.store.read() as conn:
        assert mirror.last_change(conn) == before


def test_t14_an_older_copy_that_comes_later_does_not_win(world: World) -> None:
    (known,) = companies(world, 1)
    world.pulled()
    world.wait(30)
    world.edit_hubspot(known, name="First")
    world.wait(1)
    world.edit_hubspot(known, name="Second")
    reading = world.context.reader(HUBSPOT).read(ACCOUNT, [known])[known].record
    assert reading is not None
    with world.context.store.write() as conn:
        mirror.record_reading(conn, [reading], now=world.clock.now(), run_id=None)

    def older(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        for row in document["results"]:
            row["properties"] |= {"name": "First", "hs_lastmodifieddate": "2026-11-20T10:30:00.000Z"}
        return HttpResponse(200, answer.headers, json.dumps(document).encode())

    world.wire(HUBSPOT).add(Trouble(SEARCH, after=older, times=None))
    world.wait(2)
    world.pulled()
    assert world.mirrored(HUBSPOT, ACCOUNT)[known].fields["name"] == "Second"


def test_t15_the_cursor_only_grows_and_never_past_the_window(world: World) -> None:
    companies(world, 450)
    seen: list[datetime | None] = []

    def look(point: str) -> None:
        if point == "pull.page_stored":
            seen.append(world.cursor(HUBSPOT, ACCOUNT).through)

    crashpoints.install(look)
    try:
        for _ in range(4):
            world.pulled()
            restamp(world)
            world.wait(7)
    finally:
        crashpoints.install(None)
    told = [instant for instant in seen if instant is not None]
    assert told == sorted(told)
    assert told[-1] <= world.clock.now() - timedelta(seconds=30)


def test_t16_a_first_load_reads_what_is_fifteen_years_old(world: World) -> None:
    old = "2011-05-01T00:00:00.000Z"
    (known,) = world.hubspot.load("companies", [{"name": "Old", "createdate": old, "hs_lastmodifieddate": old}])
    world.pulled()
    assert known in world.mirrored(HUBSPOT, ACCOUNT)


# --- paging and volume


@pytest.mark.parametrize("count", [9_999, 10_000, 10_001])
def test_t18_hits_around_the_ten_thousand_are_all_read(portal: HubspotWorld, count: int) -> None:
    known, lower = _changed(portal, count)
    assert set(_increment(portal, lower)) == set(known)


def test_t19_short_and_empty_pages_with_a_cursor_are_not_the_end(portal: HubspotWorld) -> None:
    known = portal.accounts(130)
    portal.face.quirks.short_pages = 7
    empty = {"results": [], "paging": {"next": {"after": "1", "link": "x"}}}
    portal.inner.add(Trouble(LIST, before=HttpResponse(200, {}, json.dumps(empty).encode())))
    assert set(records_of(portal.reader().changes(ACCOUNT, portal.everything()))) == set(known)


def test_t19_a_cursor_that_comes_again_ends_as_a_loop_and_not_as_the_end(portal: HubspotWorld) -> None:
    portal.accounts(300)
    portal.face.quirks.looping_cursor = True
    with pytest.raises(CursorLostError) as caught:
        list(portal.reader().changes(ACCOUNT, portal.everything()))
    assert caught.value.code == "SYN422"


def test_t19_t22_search_pages_that_are_short_doubled_or_full_of_ghosts_lose_nothing(portal: HubspotWorld) -> None:
    known, lower = _changed(portal, 650)
    for switch in ({"short_search_pages": 30}, {"duplicate_hits": 5}, {"hits_out_of_order": True}, {"total_off_by": 9}):
        portal.face.edit({"configure": switch})
        assert set(_increment(portal, lower)) == set(known), switch


@pytest.mark.parametrize("order", ["number", "text"])
def test_t20_ids_of_every_length_are_read_in_either_order(portal: HubspotWorld, order: str) -> None:
    portal.face.quirks.id_order = order
    ids = {"72", "7198", "7199", "719869649082", "1", "9", "10"} | {str(number) for number in range(3_000, 3_450)}
    portal.face.load("companies", [{"id": one, "name": one, "hubspot_owner_id": portal.people[0]} for one in ids])
    portal.clock.advance(timedelta(hours=1))
    portal.face.edit({"object": "companies", "restamp": "2026-11-20T11:00:00.000Z"})
    assert set(_increment(portal, portal.now() - timedelta(minutes=30))) == ids


def test_t21_every_page_keeps_the_windows_filters(world: World) -> None:
    companies(world, 900)
    world.pulled()
    world.wait(60)
    restamp(world)
    world.wait(5)
    world.wire(HUBSPOT).sent.clear()
    world.pulled()
    asked = searches(world)
    windows = {json.dumps(one["filterGroups"][0]["filters"][:2]) for one in asked}
    assert (len(asked) >= 5, len(windows)) == (True, 1)


def test_t22_of_two_values_of_one_record_in_a_page_the_newest_stands(world: World) -> None:
    (known,) = companies(world, 1)
    world.pulled()
    world.wait(30)
    world.edit_hubspot(known, name="Newest")

    def doubled(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        for row in list(document["results"]):
            older = json.loads(json.dumps(row))
            older["properties"] |= {"name": "Older", "hs_lastmodifieddate": "2026-11-20T10:20:00.000Z"}
            document["results"].append(older)
        return HttpResponse(200, answer.headers, json.dumps(document).encode())

    world.wire(HUBSPOT).add(Trouble(SEARCH, after=doubled, times=None))
    world.wait(2)
    world.pulled()
    assert world.mirrored(HUBSPOT, ACCOUNT)[known].fields["name"] == "Newest"


# --- payload and schema


@pytest.mark.parametrize("fault", ["truncate", "html 200", "empty 200", "cut", "garble"])
def test_t30_a_damaged_answer_over_real_http_is_asked_again_and_never_no_rows(fault: str) -> None:
    made = HubspotWorld()
    known = made.accounts(250)
    with serve(made.face) as server:
        made.face.base_url, made.wire = server.url, NetworkWire()
        made.strike(fault, path="/crm/v3/objects/companies", nth=2)
        assert set(records_of(made.reader().changes(ACCOUNT, made.everything()))) == set(known)
        made.wire.close()


@pytest.mark.parametrize(
    "body", [b'{"results": [{"id"', b"", b"<html>", '{"results":[{"id":"é"}]}'.encode("latin-1"), b"[]", b"{}"]
)
def test_t30_what_stays_damaged_is_an_error_and_not_an_empty_page(portal: HubspotWorld, body: bytes) -> None:
    portal.accounts(3)
    portal.inner.add(Trouble(LIST, before=HttpResponse(200, {}, body), times=None))
    with pytest.raises(BadDataError):
        list(portal.reader().changes(ACCOUNT, portal.everything()))


def test_t31_a_new_field_is_at_most_a_note_and_a_used_one_that_is_gone_stops_its_object(world: World) -> None:
    world.pulled()
    world.hubspot.edit({"object": "companies", "define": {"name": "brand_new", "type": "string"}})
    world.start()
    assert world.pulled().systems[0].notes in ([], ["companies.brand_new is new"])
    held = world.mirrored(HUBSPOT, ACCOUNT)
    world.hubspot.edit({"object": "companies", "undefine": "industry"})
    world.start()
    one = world.pull().systems[0]
    assert isinstance(one.error, SchemaError)
    assert "companies.industry" in one.error.summary
    assert world.mirrored(HUBSPOT, ACCOUNT) == held


def test_t31_a_field_whose_type_changed_is_told(portal: HubspotWorld) -> None:
    portal.face.edit({"object": "companies", "define": {"name": "numberofemployees", "type": "string"}})
    (note,) = portal.reader().check_schema()
    assert "companies.numberofemployees (employees) is of type string, where rules expect a number" in note


def test_t31_t40_a_stage_that_is_renamed_without_a_stamp_comes_with_the_sweep(world: World) -> None:
    stages = [{"id": "9", "label": "Talks", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.2"}}]
    world.hubspot.load("pipelines", [{"id": "77", "label": "Old name", "stages": stages}])
    (deal,) = world.hubspot.load("deals", [{"dealname": "d", "pipeline": "77", "dealstage": "9"}])
    world.pulled()
    assert world.mirrored(HUBSPOT, DEAL)[deal].fields["stage"] == "Talks"
    stages[0]["label"] = "Negotiation"
    world.hubspot.load("pipelines", [{"id": "77", "label": "New name", "stages": stages}])
    world.wait(60)
    sweep(world.context)
    fields = world.mirrored(HUBSPOT, DEAL)[deal].fields
    assert (fields["stage"], fields["pipeline"]) == ("Negotiation", "New name")


def test_t32_properties_that_may_not_be_listed_are_a_refusal_and_no_empty_schema(portal: HubspotWorld) -> None:
    portal.face.quirks.missing_scopes = {"crm.schemas.companies.read"}
    with pytest.raises(AuthError) as caught:
        portal.reader().check_schema()
    assert "crm.schemas.companies.read" in caught.value.summary


def test_t33_a_stamp_that_the_object_does_not_have_stops_before_anything_is_read(portal: HubspotWorld) -> None:
    mapping = SystemMapping(portal.system, {**portal.mapping.kinds, Kind.LEAD: LEAD_MAPPING})
    portal.face.load("contacts", [dict.fromkeys(LEAD_MAPPING.fields.values(), "") | {"email": "a@acme.example"}])
    portal.face.edit({"object": "contacts", "undefine": "lastmodifieddate"})
    with pytest.raises(SchemaError) as caught:
        portal.reader(mapping).check_schema()
    assert "contacts.lastmodifieddate" in caught.value.summary


@pytest.mark.parametrize("name", ["Łódź 🏭", "شركة الأمل", 'O\'Brien "x"; DROP', "a" * 300, "\u202eevil", "NA", "null"])
def test_t34_odd_names_are_stored_unchanged(world: World, name: str) -> None:
    (known,) = world.hubspot.load("companies", [{"name": name}])
    world.pulled()
    assert world.mirrored(HUBSPOT, ACCOUNT)[known].fields["name"] == name


def test_t34_half_a_surrogate_pair_stops_nothing(world: World) -> None:
    (known,) = companies(world, 1)

    def half(answer: HttpResponse) -> HttpResponse:
        return HttpResponse(200, answer.headers, answer.body.replace(b'"Company 0"', b'"half \\ud83c pair"'))

    world.wire(HUBSPOT).add(Trouble(LIST, after=half, times=None))
    world.pulled()
    assert world.mirrored(HUBSPOT, ACCOUNT)[known].fields["name"].startswith("half ")


# --- deletes, merges, people


def test_t36_archive_restore_and_a_stable_archived_list(world: World) -> None:
    first, second = companies(world, 2)
    world.pulled()
    world.wait(30)
    world.hubspot.edit({"object": "companies", "id": first, "delete": True})
    world.wait(5)
    assert world.pulled().systems[0].deleted == 1
    for _ in range(3):
        world.wait(60)
        one = world.pulled().systems[0]
        assert (one.changed, one.deleted) == (0, 0), "an archived list that stays as it is, is no change"
    world.hubspot.edit({"object": "companies", "id": first, "undelete": True})
    world.wait(5)
    world.pulled()
    equal(world)
    world.hubspot.edit({"object": "companies", "id": second, "hard_delete": True})
    world.wait(5)
    world.pulled()
    assert second in world.mirrored(HUBSPOT, ACCOUNT), "what is purged leaves no trace"
    sweep(world.context)
    equal(world)


def test_t37_a_sweep_that_is_shown_half_of_the_rows_deletes_nothing(world: World) -> None:
    known = companies(world, 60)
    world.pulled()
    held = world.mirrored(HUBSPOT, ACCOUNT)
    world.hubspot.quirks.hidden = {f"companies/{one}" for one in known[:30]}
    world.wait(60)
    report = sweep(world.context)
    assert report.systems[0].error is not None
    assert report.systems[0].error.code == "SYN404"
    assert world.mirrored(HUBSPOT, ACCOUNT) == held


def test_t38_a_merge_leaves_one_record_that_names_the_old_ones(world: World) -> None:
    first, second = companies(world, 2)
    world.pulled()
    world.wait(30)
    world.hubspot.edit({"object": "companies", "id": first, "merge": [second]})
    world.wait(5)
    world.pulled()
    equal(world)
    with world.context.store.read() as conn:
        loser = mirror.get_record(conn, world.ref(HUBSPOT, second))
    assert loser is not None
    assert loser.deleted
    assert loser.merged_into in world.mirrored(HUBSPOT, ACCOUNT)


def test_t39_owners_that_left_are_kept_and_an_owner_id_is_no_user_id(world: World) -> None:
    known = world.hubspot.load(
        "owners",
        [
            {"email": "twin@acme.example", "firstName": "A", "lastName": "One"},
            {"email": "Twin@acme.example", "firstName": "B", "lastName": "Two"},
            {"email": "gone@acme.example", "firstName": "C", "lastName": "Gone", "archived": True},
        ],
    )
    world.pulled()
    users = {user.ref.id: user for user in world.context.reader(HUBSPOT).users()}
    assert [users[one].active for one in known] == [True, True, False]
    assert users[known[0]].email == users[known[1]].email == "twin@acme.example"
    assert all(users[one].fields["user_id"] != one for one in known)
    world.hubspot.edit({"object": "owners", "id": known[0], "deactivate": True})
    world.wait(5)
    world.pulled()
    with world.context.store.read() as conn:
        stored = {user.ref.id: user for user in mirror.users(conn, HUBSPOT)}
    assert stored[known[0]].active is False
    assert stored[known[1]].active is True


def test_t40_an_association_that_stamps_nothing_comes_with_the_sweep(world: World) -> None:
    first, second = companies(world, 2)
    (deal,) = world.hubspot.load("deals", [{"dealname": "d", "dealstage": "closedwon", "associatedcompanyid": first}])
    world.pulled()
    assert world.mirrored(HUBSPOT, DEAL)[deal].account == first
    world.wait(60)
    world.hubspot.edit({"object": "deals", "id": deal, "associate": second, "primary": True})
    world.wait(60)
    world.pulled()
    assert world.mirrored(HUBSPOT, DEAL)[deal].account == first, "no increment sees it"
    report = sweep(world.context)
    assert report.systems[0].error is None
    assert world.mirrored(HUBSPOT, DEAL)[deal].account == second
    with world.context.store.read() as conn:
        before = mirror.last_change(conn)
    world.wait(60)
    assert sweep(world.context).systems[0].changed == 0
    with world.context.store.read() as conn:
        assert mirror.last_change(conn) == before


def test_t40_a_record_edited_while_the_sweep_reads_it_whole_is_not_taken_for_gone(world: World) -> None:
    deals = world.hubspot.load("deals", [{"dealname": str(n), "dealstage": "closedwon"} for n in range(150)])
    world.pulled()
    world.wait(60)

    def edit() -> None:
        world.wait(120)
        for one in (deals[0], deals[-1]):
            world.hubspot.edit({"object": "deals", "id": one, "set": {"dealname": "edited"}})

    world.wire(HUBSPOT).add(Trouble(path_has("/deals?"), during=edit, skip=1))
    assert sweep(world.context).systems[0].deleted == 0
    world.wait(5)
    world.pulled()
    equal(world)


# --- limits and errors


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [(None, 10, 30), ("0", 1, 5), ("7", 7, 15), ("Fri, 20 Nov 2026 10:00:20 GMT", 1, 61), ("86400", 60, 61)],
)
def test_t41_a_rate_limit_is_waited_for_as_told_and_never_longer_than_a_minute(
    portal: HubspotWorld, header: str | None, least: float, most: float
) -> None:
    known = portal.accounts(150)
    body = b'{"errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING","message":"ten_secondly_rolling"}'
    headers = {} if header is None else {"Retry-After": header}
    portal.inner.add(Trouble(LIST, before=HttpResponse(429, headers, body), skip=1))
    before = portal.clock.monotonic()
    assert set(records_of(portal.reader().changes(ACCOUNT, portal.everything()))) == set(known)
    assert least <= portal.clock.monotonic() - before <= most


def test_t42_a_day_that_is_used_up_half_way_is_incomplete_and_gone_on_with_the_next(world: World) -> None:
    companies(world, 600)
    spent = HttpResponse(429, {}, b'{"errorType":"RATE_LIMIT","policyName":"DAILY","message":"daily limit"}')
    world.wire(HUBSPOT).add(Trouble(LIST, before=spent, skip=3, times=None))
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN414")
    stored = len(world.mirrored(HUBSPOT, ACCOUNT))
    assert 0 < stored < 600
    assert world.cursor(HUBSPOT, ACCOUNT).through is None
    world.wait(24 * 60)
    world.start()
    world.pulled()
    first = next(request.url for request in world.wire(HUBSPOT).requests("/companies?"))
    assert "after=" in first, "it goes on at the last committed page"
    equal(world)


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_t43_a_token_refused_in_the_middle_is_read_again_and_the_same_page_asked(
    portal: HubspotWorld, skip: int
) -> None:
    known = portal.accounts(250)
    portal.inner.add(Trouble(LIST, before=HttpResponse(401, {}, b"{}"), skip=skip))
    assert set(records_of(portal.reader().changes(ACCOUNT, portal.everything()))) == set(known)
    asked = [request.url for request in portal.inner.requests("/companies?") if "archived=false" in request.url]
    assert asked[skip] == asked[skip + 1]
    assert portal.token_reads == 2


def test_t43_a_token_that_stays_refused_ends_without_a_storm(portal: HubspotWorld) -> None:
    portal.inner.add(Trouble(before=HttpResponse(401, {}, b"{}"), times=None))
    with pytest.raises(AuthError):
        list(portal.reader().changes(ACCOUNT, portal.everything()))
    assert len(portal.inner.sent) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 523, 524, 406, 408, 409, 420, 423])
def test_t44_what_passes_is_asked_again_within_bounds(portal: HubspotWorld, status: int) -> None:
    portal.accounts(3)
    before = portal.clock.monotonic()
    portal.inner.add(Trouble(LIST, before=HttpResponse(status, {}, b""), times=2))
    assert len(records_of(portal.reader().changes(ACCOUNT, portal.everything()))) == 3
    waited = portal.clock.monotonic() - before
    assert (4.0 if status == 423 else 0.0) <= waited < 130
    portal.inner.add(Trouble(LIST, before=HttpResponse(status, {}, b""), times=None))
    sent = len(portal.inner.sent)
    with pytest.raises(RetryableError):
        list(portal.reader().changes(ACCOUNT, portal.everything()))
    assert len(portal.inner.sent) - sent == 5


@pytest.mark.parametrize(("status", "error"), [(530, AuthError), (477, RateLimitedError), (522, RetryableError)])
def test_t44_what_does_not_pass_soon_is_not_asked_again(
    portal: HubspotWorld, status: int, error: type[CrmError]
) -> None:
    portal.inner.add(Trouble(before=HttpResponse(status, {"Retry-After": "3600"}, b""), times=None))
    before = portal.clock.monotonic()
    with pytest.raises(error):
        list(portal.reader().ids(ACCOUNT))
    assert len(portal.inner.sent) <= 2
    assert portal.clock.monotonic() - before < 1


@pytest.mark.parametrize("fault", ["timeout 30 before", "stall 30"])
def test_t45_a_server_that_says_nothing_is_cut_at_the_deadline(fault: str) -> None:
    made = HubspotWorld()
    made.accounts(3)
    with serve(made.face) as server:
        made.face.base_url, wire = server.url, NetworkWire(deadline=0.5)
        made.wire = wire
        made.strike(fault, path="/crm/v3/objects/companies")
        once = RetryPolicy(made.clock, SeededEntropy(1), attempts=1)
        reader = HubspotReader(made.access(), made.mapping, **made._ports(), policy=once)
        with pytest.raises(RetryableError) as caught:
            list(reader.ids(ACCOUNT))
        wire.close()
    assert caught.value.code == "SYN411"


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_t53_every_family_of_paths_gives_the_same_rows(version: str) -> None:
    made = HubspotWorld(version=version)
    made.wire = InProcessWire.to(made.face)
    known = made.accounts(120)
    found = records_of(made.reader().changes(ACCOUNT, made.everything()))
    old = HubspotWorld()
    old.wire = InProcessWire.to(old.face)
    old.accounts(120)
    assert found == records_of(old.reader().changes(ACCOUNT, old.everything()))
    assert set(found) == set(known)


@pytest.mark.parametrize("status", [404, 410])
def test_t53_a_retired_version_is_a_mistake_in_the_settings_and_not_no_data(world: World, status: int) -> None:
    world.pulled()
    held = world.mirrored(HUBSPOT, ACCOUNT)
    world.hubspot.edit({"configure": {"retired_versions": ["v3"], "retired_status": status}})
    world.start()
    one = world.pull().systems[0]
    assert isinstance(one.error, SchemaError)
    assert "api_version" in str(one.error.hint)
    assert world.mirrored(HUBSPOT, ACCOUNT) == held


def test_t55_a_retry_after_of_a_day_sleeps_nowhere_in_the_client_library() -> None:
    made = HubspotWorld()
    known = made.accounts(3)
    with serve(made.face) as server:
        made.face.base_url, wire = server.url, NetworkWire()
        made.wire = wire
        made.strike(
            "status 429 SECONDLY", path="/crm/v3/objects/companies", times=1, then={"headers": {"Retry-After": "86400"}}
        )
        before = made.clock.monotonic()
        assert set(records_of(made.reader().changes(ACCOUNT, made.everything()))) == set(known)
        wire.close()
    assert made.clock.monotonic() - before <= 61


def test_b29_what_the_index_shows_late_comes_with_the_delayed_pass(world: World) -> None:
    (known,) = companies(world, 1)
    world.pulled()
    world.hubspot.quirks.record_lag[f"companies/{known}"] = 40 * 60.0
    world.wait(30)
    world.edit_hubspot(known, name="Late")
    for _ in range(3):
        world.wait(25)
        world.pulled()
    delayed_pass(world.context)
    equal(world)


def _changed(world: HubspotWorld, count: int) -> tuple[tuple[str, ...], datetime]:
    known = world.accounts(count)
    world.clock.advance(timedelta(hours=1))
    world.face.edit({"object": "companies", "restamp": "2026-11-20T11:00:00.000Z"})
    return known, world.now() - timedelta(minutes=30)


def _increment(world: HubspotWorld, lower: datetime) -> dict[str, Any]:
    return records_of(world.reader().changes(ACCOUNT, world.since(lower)))
