"""The Salesforce half of reliability.md 1.4: what peers lost or doubled, as tests by its numbers, on both databases.

Whole pulls run in process against the sandbox; what only a socket shows runs over real HTTP.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncd import crashpoints
from syncd.connectors.salesforce import SalesforceReader
from syncd.connectors.wire import HttpRequest, HttpResponse, NetworkWire
from syncd.jobs.pulling.sweeping import sweep
from syncd.model.cursors import Page
from syncd.model.records import Record
from syncd.model.refs import Kind
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import serve
from syncd.store import mirror, runs, schemas
from tests.contract.worlds import SalesforceWorld, records_of
from tests.databases import DIALECTS
from tests.dying import crash_at
from tests.inprocess import Trouble, path_has
from tests.integration.mirrored import empty_mirror, machine_in
from tests.simulation.dice import Dice
from tests.unit.jobs.jobs_world import SALESFORCE, World

ACCOUNT, OPPORTUNITY = Kind.ACCOUNT, Kind.OPPORTUNITY
NEXT_PAGE = "/query/0r8"
RESULTS = "/results"


@pytest.fixture(params=DIALECTS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An organization with few accounts, and a mirror of it that is still empty, once on each database."""
    with empty_mirror(request.param, tmp_path, SALESFORCE) as made:
        yield made


@pytest.fixture
def by_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bulk jobs read what REST would: even one row is very many."""
    monkeypatch.setitem(SalesforceReader.__init__.__kwdefaults__, "bulk_above", 0)


def accounts(world: World, count: int, **values: Any) -> tuple[str, ...]:
    rows = [{"Name": f"Account {number}", **values} for number in range(count)]
    return world.salesforce.load("Account", rows)


def edit(world: World, record: str, object_: str = "Account", **command: Any) -> None:
    world.salesforce.edit({"object": object_, "id": record, "transfer": False, **command})


def equal(world: World) -> None:
    """The mirror holds what the organization holds, and what was to go wrong went wrong."""
    assert world.wire(SALESFORCE).unmet() == []
    for kind in (ACCOUNT, OPPORTUNITY):
        seen = {key: (one.fields.get("name"), one.owner) for key, one in world.mirrored(SALESFORCE, kind).items()}
        assert seen == world.truth(SALESFORCE, kind), kind


def mirrored_by_id(world: World) -> dict[str, tuple[str, bool, str | None]]:
    """Every record of both kinds, deleted ones too, as a hash of all it says."""
    found: dict[str, tuple[str, bool, str | None]] = {}
    with world.context.store.read() as conn:
        for kind in (ACCOUNT, OPPORTUNITY):
            for record in mirror.records(conn, SALESFORCE, kind):
                found[record.ref.id] = (record.content_hash(), record.deleted, record.owner)
    return found


def soql(world: World) -> list[str]:
    queries = (parse_qs(urlsplit(request.url).query).get("q", [""])[0] for request in world.wire(SALESFORCE).sent)
    return [query for query in queries if "SystemModstamp <" in query]


def end_at(world: World, point: str, number: int) -> None:
    """The process ends at the numberth passing of a crashpoint; then a new one starts."""
    with pytest.raises(crash_at(point, number)):
        world.pull()
    world.start()


# --- cursor and time


def test_t01_a_row_committed_nine_minutes_after_its_stamp_comes_with_the_next_pull(world: World) -> None:
    world.pulled()
    world.wait(20)
    account = world.accounts(SALESFORCE)[0]
    edit(world, account, set={"Name": "Late"}, visible_after=9 * 60 + 59)
    world.wait(9)
    assert world.pulled().systems[0].changed == 0
    world.wait(5)
    assert world.pulled().systems[0].changed == 1
    equal(world)


def test_t02_five_thousand_rows_of_one_second_over_three_pages_are_all_stored_once(world: World) -> None:
    world.pulled()
    world.wait(60)
    accounts(world, 5_000)
    world.wait(5)
    report = world.pulled()
    assert (report.systems[0].read, report.systems[0].changed) == (5_000, 5_000)
    assert len(world.wire(SALESFORCE).requests(NEXT_PAGE)) == 2
    equal(world)


def test_t04_t05_rows_that_change_come_and_go_during_paging_are_not_lost(world: World) -> None:
    made = accounts(world, 400)
    world.wait(30)
    world.salesforce.model.cursors.page_limit = 200

    def meddle() -> None:
        edit(world, made[0], set={"Name": "on a page already read"})
        edit(world, made[-1], set={"Name": "on a page not yet read"})
        edit(world, made[-2], delete=True)
        accounts(world, 3)
        world.wait(30)  # the walk outlasts the overlap: what it ended at is no place to go on from

    world.wire(SALESFORCE).add(Trouble(path_has(NEXT_PAGE), during=meddle))
    world.pulled()
    world.wait(5)
    world.pulled()
    equal(world)


def test_t06_rows_newer_than_the_window_are_stored_and_move_no_cursor(world: World) -> None:
    world.pulled()
    world.wait(60)
    world.salesforce.edit({"query": {"unfiltered": 1}})
    newest = accounts(world, 2)
    world.pulled()
    through = world.cursor(SALESFORCE, ACCOUNT).through
    assert through is not None
    assert through <= world.clock.now() - timedelta(minutes=1)
    world.wait(5)
    world.pulled()
    assert set(newest) <= set(world.mirrored(SALESFORCE, ACCOUNT))
    equal(world)


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(hours=-1)])
def test_t07_a_wrong_local_clock_asks_the_same_and_reads_the_same(world: World, skew: timedelta) -> None:
    world.pulled()
    right = soql(world)
    world.start(skew=skew)
    world.pulled(full=True)
    assert [query.split("WHERE")[1] for query in soql(world)[-2:]] == [query.split("WHERE")[1] for query in right[-2:]]
    equal(world)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("night", ["2026-11-01T06:30:00+00:00", "2026-03-08T07:30:00+00:00"])
def test_t08_the_machines_zone_changes_no_query(
    world: World, monkeypatch: pytest.MonkeyPatch, zone: str, night: str
) -> None:
    world.clock.set(datetime.fromisoformat(night))
    world.start()
    world.pulled()
    here = soql(world)
    with machine_in(zone, monkeypatch):
        world.pulled(full=True)
    assert soql(world)[-len(here) :] == here


def test_t09_a_date_keeps_its_day_by_rest_and_by_bulk(world: World, by_bulk: None) -> None:
    deal = world.salesforce.load("Opportunity", [{"Name": "d", "StageName": "Prospecting", "CloseDate": "2026-03-29"}])[
        0
    ]
    world.wait(30)
    world.pulled()
    assert world.mirrored(SALESFORCE, OPPORTUNITY)[deal].fields["close_date"] == "2026-03-29"


@pytest.mark.parametrize("resume", ["bulk|nonsense", "bulk|750FK00000zzzzZYAQ|x|", "a|b|c", "1|2|3|4"])
def test_t11_a_place_that_cannot_be_read_restarts_its_window_and_skips_nothing(world: World, resume: str) -> None:
    world.pulled()
    world.wait(60)
    edit(world, world.accounts(SALESFORCE)[0], set={"Name": "Changed"})
    world.wait(20)
    cursor = world.cursor(SALESFORCE, ACCOUNT)
    upper = world.clock.now() - timedelta(minutes=1)
    with world.context.store.write() as conn:
        window = mirror_window(cursor.through, upper)
        mirror.set_cursor(conn, replace(cursor, window=window, resume=resume))
    world.pulled()
    equal(world)


def mirror_window(lower: datetime | None, upper: datetime) -> Any:
    from syncd.model.cursors import Window

    return Window(lower, upper)


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_t12_a_crash_between_two_pages_leaves_no_gap_and_no_second_change(
    world: World, monkeypatch: pytest.MonkeyPatch, bulk: bool, number: int
) -> None:
    monkeypatch.setattr("syncd.connectors.salesforce.walking.PAGE_ROWS", 40)
    monkeypatch.setattr("syncd.connectors.salesforce.bulk.PART_ROWS", 100)
    if bulk:
        monkeypatch.setitem(SalesforceReader.__init__.__kwdefaults__, "bulk_above", 0)
    accounts(world, 330)
    world.wait(30)
    world.salesforce.model.cursors.page_limit = 50
    world.start()
    end_at(world, "pull.page_stored", number + 2 * bulk)
    held = len(world.mirrored(SALESFORCE, ACCOUNT))
    assert held > 0
    report = world.pulled()
    total = sum(len(world.truth(SALESFORCE, kind)) for kind in (ACCOUNT, OPPORTUNITY))
    assert report.systems[0].changed == total - held
    jobs = [
        request
        for request in world.wire(SALESFORCE).requests("/jobs/query", "POST")
        if b"FROM Account " in request.body
    ]
    assert jobs == [], "the job of the dead process is gone on with"
    equal(world)


def test_t13_a_thousand_rows_read_again_are_no_change(world: World) -> None:
    world.pulled()
    world.wait(60)
    accounts(world, 1_000)
    world.wait(3)
    assert world.pulled().systems[0].changed == 1_000
    with world.context.store.read() as conn:
        before = mirror.last_change(conn)
    world.wait(5)
    again = world.pulled().systems[0]
    assert (again.read, again.changed, again.owner_changes) == (1_000, 0, 0)
    with world.context.store.read() as conn:
        assert mirror.last_change(conn) == before


def test_t14_an_older_copy_that_comes_after_the_newer_one_does_not_win(world: World) -> None:
    world.pulled()
    world.wait(60)
    account = world.accounts(SALESFORCE)[0]
    edit(world, account, set={"Name": "Older"})
    world.wait(3)
    stale: list[HttpResponse] = []

    def kept(answer: HttpResponse) -> HttpResponse:
        stale.append(answer)
        return answer

    world.wire(SALESFORCE).add(Trouble(path_has("FROM+Account+WHERE"), after=kept))
    world.pulled()
    edit(world, account, set={"Name": "Newer"})
    world.wait(3)
    world.pulled()
    world.wait(3)
    world.wire(SALESFORCE).add(Trouble(path_has("FROM+Account+WHERE"), before=stale[0]))
    assert world.pulled().systems[0].read > 0
    assert world.mirrored(SALESFORCE, ACCOUNT)[account].fields["name"] == "Newer"


def test_t15_the_cursor_never_goes_back_and_never_past_its_window(world: World) -> None:
    seen: list[datetime] = []

    def look(point: str) -> None:
        if point == "pull.page_stored":
            through = world.cursor(SALESFORCE, ACCOUNT).through
            if through is not None:
                seen.append(through)
                assert through <= world.clock.now() - timedelta(minutes=1)

    crashpoints.install(look)
    try:
        for _ in range(6):
            edit(world, world.accounts(SALESFORCE)[0], set={"Name": f"Changed {len(seen)}"})
            world.wait(7)
            world.pulled()
    finally:
        crashpoints.install(None)
    assert seen == sorted(seen)
    assert len(set(seen)) > 4


def test_t16_a_first_load_reads_what_is_fifteen_years_old(world: World) -> None:
    old = accounts(world, 1, SystemModstamp="2011-02-03T04:05:06.000+0000", CreatedDate="2011-02-03T04:05:06.000+0000")
    world.pulled()
    assert world.mirrored(SALESFORCE, ACCOUNT)[old[0]].stamp == datetime(2011, 2, 3, 4, 5, 6, tzinfo=UTC)
    equal(world)


def test_t17_ties_do_not_make_the_state_row_grow(world: World) -> None:
    lengths: list[int] = []

    def look(point: str) -> None:
        if point == "pull.page_stored":
            lengths.append(len(world.cursor(SALESFORCE, ACCOUNT).resume or ""))

    accounts(world, 3_000)
    world.wait(30)
    world.salesforce.model.cursors.page_limit = 200
    crashpoints.install(look)
    try:
        world.pulled()
    finally:
        crashpoints.install(None)
    assert max(lengths) < 120
    equal(world)


# --- paging and volume


def test_t22_doubled_pages_and_a_sort_that_is_ignored_lose_nothing(world: World) -> None:
    made = accounts(world, 30)
    world.wait(30)

    def disordered(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        rows = document["records"]
        older = [{**row, "SystemModstamp": "2020-01-01T00:00:00.000+0000", "Name": "older"} for row in rows[:5]]
        document["records"] = [*reversed(rows), *rows, *older]
        return replace(answer, body=json.dumps(document).encode())

    world.wire(SALESFORCE).add(Trouble(path_has("ORDER+BY+SystemModstamp"), after=disordered, times=None))
    report = world.pulled()
    assert report.systems[0].changed == sum(len(world.truth(SALESFORCE, kind)) for kind in (ACCOUNT, OPPORTUNITY))
    assert set(made) <= set(world.mirrored(SALESFORCE, ACCOUNT))
    equal(world)


def test_t23_pages_that_expire_restart_the_slice_and_not_the_sync(world: World) -> None:
    world.salesforce.model.cursors.page_limit = 200
    accounts(world, 700)
    world.wait(30)
    expired = HttpResponse(400, {}, b'[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]')
    world.wire(SALESFORCE).add(Trouble(path_has(NEXT_PAGE), before=expired, skip=1))
    world.pulled()
    opportunities = [query for query in soql(world) if "FROM Opportunity" in query and "ORDER" in query]
    assert len(opportunities) == 1
    equal(world)


# --- deletes, merges, people


def test_t35_deleted_restored_and_purged_rows_and_one_made_anew_under_the_old_name(world: World) -> None:
    gone, restored, purged, again = world.accounts(SALESFORCE)[:4]
    world.pulled()
    world.wait(20)
    for account in (gone, restored, again):
        edit(world, account, delete=True)
    edit(world, purged, hard_delete=True)
    world.wait(5)
    assert world.pulled().systems[0].deleted >= 3
    assert purged in world.mirrored(SALESFORCE, ACCOUNT), "what left the bin shows in no increment"
    edit(world, restored, undelete=True)
    name = world.salesforce.record("Account", again)["Name"]  # type: ignore[index]
    anew = world.salesforce.load("Account", [{"Name": name}])[0]
    world.wait(20)
    world.pulled()
    sweep(world.context)
    held = world.mirrored(SALESFORCE, ACCOUNT)
    assert (gone in held, restored in held, purged in held, again in held, anew in held) == (
        False, True, False, False, True,
    )  # fmt: skip
    equal(world)


def test_t37_a_sweep_that_is_shown_half_of_the_rows_deletes_nothing(world: World) -> None:
    accounts(world, 60)
    world.wait(30)
    world.pulled()
    held = mirrored_by_id(world)
    world.salesforce.edit({"object": "Account", "unshare_every": 2})
    world.wait(5)
    report = sweep(world.context)
    assert report.systems[0].error is not None
    assert report.systems[0].error.code == "SYN404"
    assert mirrored_by_id(world) == held


def test_t37_rows_that_were_shared_with_us_lately_come_with_the_sweep_and_the_full_pull_says_so(world: World) -> None:
    accounts(world, 20)
    world.salesforce.edit({"object": "Account", "unshare_every": 2})
    world.wait(30)
    world.pulled()
    world.salesforce.edit({"object": "Account", "unshare_every": None})
    world.wait(5)
    world.pulled()
    lacking = len(world.truth(SALESFORCE, ACCOUNT)) - len(world.mirrored(SALESFORCE, ACCOUNT))
    assert lacking > 0
    report = sweep(world.context).systems[0]
    assert (report.changed, report.error) == (lacking, None)
    assert f"{lacking} account records were not in the mirror" in report.notes[0]
    equal(world)
    assert sweep(world.context).systems[0].notes == []


def test_t38_a_merge_leaves_the_winner_and_remembers_the_loser(world: World) -> None:
    winner, loser = accounts(world, 2)
    deal = world.salesforce.load(
        "Opportunity", [{"Name": "d", "StageName": "Prospecting", "CloseDate": "2026-12-01", "AccountId": loser}]
    )[0]
    world.wait(30)
    world.pulled()
    edit(world, winner, merge=[loser])
    world.wait(20)
    world.pulled()
    with world.context.store.read() as conn:
        gone = next(each for each in _of(conn, [loser]).values())
    assert (gone.deleted, gone.merged_into) == (True, winner)
    assert world.mirrored(SALESFORCE, OPPORTUNITY)[deal].account == winner
    equal(world)


def _of(conn: Any, ids: list[str]) -> dict[str, Record]:
    from syncd.model.refs import Ref
    from syncd.store.records import get_records

    return {ref.id: each for ref, each in get_records(conn, [Ref(SALESFORCE, ACCOUNT, one) for one in ids]).items()}


def test_t39_people_who_left_stay_and_two_of_one_address_are_two(world: World) -> None:
    first, second = world.salesforce.load(
        "User",
        [
            {"Username": f"twin{n}@acme.example", "Email": "twin@acme.example", "LastName": "Twin", "IsActive": True}
            for n in range(2)
        ],
    )
    row = {"Username": "gone@acme.example", "Email": "gone@acme.example", "LastName": "Gone", "IsActive": False}
    (gone,) = world.salesforce.load("User", [row])
    world.pulled()
    world.salesforce.edit({"object": "User", "id": first, "deactivate": True})
    world.wait(5)
    world.pulled()
    with world.context.store.read() as conn:
        found = {user.ref.id: user for user in mirror.users(conn, SALESFORCE)}
    assert (found[first].active, found[second].active, found[gone].active) == (False, True, False)
    assert found[first].email == found[second].email == "twin@acme.example"


def test_t40_a_formula_that_stamps_nothing_comes_with_the_sweep(world: World) -> None:
    field = {"name": "Health__c", "type": "double", "calculated": True}
    world.salesforce.edit({"object": "Account", "field": field})
    account = accounts(world, 1, Health__c=1)[0]
    world.wait(30)
    world.start(extra='[salesforce.fields.account]\nhealth = {field = "Health__c", type = "number"}')
    report = world.pulled()
    assert any("Health__c" in note for note in report.systems[0].notes)
    row = world.salesforce.record("Account", account)
    table = world.salesforce.model.state.tables.table("Account")
    table.put({**dict(table.rows[account]), "Health__c": 7})
    assert row is not None
    world.wait(5)
    assert world.pulled().systems[0].changed == 0
    sweep(world.context)
    assert world.mirrored(SALESFORCE, ACCOUNT)[account].fields["health"] == "7"


# --- limits and errors


def test_t42_a_day_that_is_used_up_half_way_is_incomplete_and_gone_on_with_the_next(world: World) -> None:
    accounts(world, 900)
    world.wait(30)
    world.salesforce.model.cursors.page_limit = 200
    spent = HttpResponse(
        403, {}, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]'
    )
    trouble = Trouble(path_has(NEXT_PAGE), before=spent, times=None, skip=2)
    world.wire(SALESFORCE).add(trouble)
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN414")
    held = len(world.mirrored(SALESFORCE, ACCOUNT))
    assert held > 0
    trouble.times = 0
    world.wait(24 * 60)
    world.start()
    world.pulled()
    equal(world)


def test_t43_a_session_that_ends_while_a_job_is_polled_is_renewed_once(world: World, by_bulk: None) -> None:
    accounts(world, 50)
    world.wait(30)
    refused = HttpResponse(401, {}, b'[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]')
    world.wire(SALESFORCE).add(Trouble(path_has("/jobs/query/750"), before=refused))
    world.pulled()
    assert len(world.wire(SALESFORCE).requests("/oauth2/token")) == 2
    equal(world)


@pytest.mark.parametrize("app", [None, 15_000])
def test_t46_t47_reads_stop_at_our_share_and_keep_a_reserve_whichever_shape_the_header_has(
    world: World, app: int | None
) -> None:
    world.salesforce.edit({"limits": {"api": 15_000, "app": app, "by_others": 14_000}})
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN416")


def test_t48_a_full_pull_that_finds_what_increments_missed_says_so_and_mends_it(world: World) -> None:
    world.pulled()
    missed = accounts(world, 3)
    world.salesforce.edit({"object": "Account", "unshare_every": 1})
    world.wait(60)
    world.pulled()
    world.wait(6 * 60)
    world.pulled()
    world.salesforce.edit({"object": "Account", "unshare_every": None})
    world.wait(5)
    one = world.pull(full=True).systems[0]
    assert one.error is not None
    assert (one.outcome, one.error.code) == ("incomplete", "SYN437")
    assert "3 records" in str(one.error)
    assert set(missed) <= set(world.mirrored(SALESFORCE, ACCOUNT))
    with world.context.store.read() as conn:
        assert runs.runs(conn, 1, "pull")[0].outcome == "incomplete"
    equal(world)
    world.pulled(full=True)


def test_t49_another_organization_is_refused(world: World) -> None:
    world.pulled()
    held = mirrored_by_id(world)
    world.salesforce = SalesforceOrg(clock=world.clock, organization_id="00D000000000042EAA")
    world.salesforce.base_url = "https://acme--sandbox.sandbox.my.salesforce.com"
    world.start()
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("failed", "SYN403")
    assert mirrored_by_id(world) == held


def test_t54_a_retired_version_is_a_mistake_in_the_settings_that_names_the_ones_there_are(world: World) -> None:
    world.salesforce.edit({"retire": "v67.0"})
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("failed", "SYN438")
    assert one.error is not None
    assert "67.0" in str(one.error.hint)
    assert world.mirrored(SALESFORCE, ACCOUNT) == {}


# --- the schema


def test_t31_new_fields_are_a_note_and_a_mapped_one_of_another_type_stops_its_object(world: World) -> None:
    world.salesforce.edit({"object": "Account", "field": {"name": "Seats__c", "type": "double"}})
    world.start(extra='[salesforce.fields.account]\nseats = {field = "Seats__c", type = "number"}')
    world.pulled()
    world.salesforce.edit({"object": "Account", "field": {"name": "Fresh__c", "type": "string"}})
    world.salesforce.edit({"object": "Account", "field": {"name": "Seats__c", "type": "string"}})
    deal = world.salesforce.load("Opportunity", [{"Name": "d", "StageName": "Prospecting", "CloseDate": "2026-12-01"}])
    account = accounts(world, 1)[0]
    world.wait(30)
    world.start()
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN435")
    assert "Account.Seats__c was double and is string" in str(one.error)
    assert "Account.Fresh__c is new" in one.notes
    assert deal[0] in world.mirrored(SALESFORCE, OPPORTUNITY), "the other object goes on"
    assert account not in world.mirrored(SALESFORCE, ACCOUNT)
    world.pulled(full=True)
    assert account in world.mirrored(SALESFORCE, ACCOUNT)
    world.wait(5)
    world.pulled()


def test_t31_a_mapped_field_that_is_gone_stops_and_is_never_read_as_empty(world: World) -> None:
    world.salesforce.edit({"object": "Account", "field": {"name": "Seats__c", "type": "double"}})
    account = accounts(world, 1, Seats__c=12)[0]
    world.wait(30)
    world.start(extra='[salesforce.fields.account]\nseats = {field = "Seats__c", type = "number"}')
    world.pulled()
    world.salesforce.edit({"object": "Account", "remove_field": "Seats__c"})
    world.wait(5)
    world.start()
    one = world.pull().systems[0]
    assert one.error is not None
    assert "Account.Seats__c" in str(one.error)
    assert world.mirrored(SALESFORCE, ACCOUNT)[account].fields["seats"] == "12"


def test_t31_a_picklist_value_that_is_renamed_is_told_and_the_schema_is_kept(world: World) -> None:
    world.pulled()
    rename = {"field": "Industry", "from": "Banking", "to": "Finance & Banking", "stamp": False}
    world.salesforce.edit({"object": "Account", "rename_value": rename})
    world.wait(5)
    world.start()
    notes = world.pulled().systems[0].notes
    assert "Account.Industry does not offer 'Banking' any more" in notes
    with world.context.store.read() as conn:
        kept = schemas.stored_schemas(conn, SALESFORCE)[ACCOUNT]
    assert "Finance & Banking" in kept.fields["Industry"].values


# --- bulk jobs in whole pulls


def test_t24_a_first_load_by_bulk_ends_equal_and_cleans_its_jobs_up(world: World, by_bulk: None) -> None:
    accounts(world, 700)
    world.wait(30)
    world.start()
    world.pulled()
    equal(world)
    created = world.wire(SALESFORCE).requests("/jobs/query", "POST")
    deleted = world.wire(SALESFORCE).requests("/jobs/query/", "DELETE")
    assert len(created) == len(deleted) == 2


def test_t24_a_job_that_is_stuck_is_given_up_and_the_next_pull_makes_another(world: World, by_bulk: None) -> None:
    accounts(world, 10)
    world.wait(30)
    world.salesforce.edit({"bulk": {"stuck": True}})
    one = world.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("failed", "SYN434")
    world.salesforce.edit({"bulk": {"stuck": False}})
    world.pulled()
    equal(world)


def test_t24_a_job_that_was_aborted_ends_the_run_and_the_next_pull_makes_another(world: World, by_bulk: None) -> None:
    accounts(world, 10)
    world.wait(30)
    world.salesforce.edit({"bulk": {"polls": 3}})

    def aborted(answer: HttpResponse) -> HttpResponse:
        return replace(answer, body=json.dumps({**json.loads(answer.body), "state": "Aborted"}).encode())

    world.wire(SALESFORCE).add(Trouble(path_has("/jobs/query/750", "GET"), after=aborted, times=2))
    one = world.pull().systems[0]
    assert one.error is not None
    assert one.error.code == "SYN433"
    world.pulled()
    equal(world)


def test_an_increment_with_nothing_changed_costs_at_most_eight_calls(world: World) -> None:
    world.pulled()
    world.wait(60)
    world.start()
    one = world.pulled().systems[0]
    assert one.changed == 0
    assert one.calls <= 8, [request.url.split("?")[0] for request in world.wire(SALESFORCE).sent]


# --- over HTTP


@contextmanager
def over_http(wire: NetworkWire) -> Iterator[SalesforceWorld]:
    """An organization behind a socket, reached over this wire."""
    made = SalesforceWorld()
    with serve(made.face) as server:
        made.face.base_url = server.url
        made.wire = wire
        yield made
        wire.close()


def pages_by_bulk(made: SalesforceWorld) -> Iterator[Page]:
    reader = SalesforceReader(made.access(), made.mapping, **made._ports(), bulk_above=0)
    yield from reader.changes(ACCOUNT, made.everything())


def test_t26_a_part_too_large_for_the_wire_is_asked_for_in_halves() -> None:
    with over_http(NetworkWire(body_cap=400_000)) as made:
        loaded = made.load(ACCOUNT, [{"name": f"{n} " + "x" * 200} for n in range(3_000)])
        found = records_of(pages_by_bulk(made))
    assert set(found) == set(loaded)


@pytest.mark.parametrize("fault", ["truncate", "garble", "html 200", "empty 200", "cut"])
def test_t30_a_damaged_bulk_part_over_real_http_is_asked_again_and_never_no_rows(fault: str) -> None:
    with over_http(NetworkWire()) as made:
        loaded = made.accounts(300)
        after = "" if " " not in fault else " after"
        made.strike(f"{fault}{after}", path="*/results", nth=1)
        found = records_of(pages_by_bulk(made))
    assert set(found) == set(loaded)


class WatchedWire(NetworkWire):
    """The network, with a note of the parts that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.answered = threading.Condition()

    def wait_for(self, count: int) -> None:
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.asked) == count, timeout=20)

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = super().send(request)
        if RESULTS in request.url:
            with self.answered:
                self.asked.append(request.url)
                self.answered.notify_all()
        return answer


@pytest.mark.parametrize("fault", [None, "truncate", "html 200 after", "cut", "status 503"])
def test_the_next_bulk_part_is_under_way_while_one_is_stored_and_none_is_asked_for_twice(
    fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.connectors.salesforce.bulk.PART_ROWS", 100)
    wire = WatchedWire()
    found, pages = dict[str, Record](), 0
    with over_http(wire) as made:
        loaded = made.accounts(300)
        if fault is not None:
            made.strike(fault, path="*/results", nth=2)
        for page in pages_by_bulk(made):
            pages += bool(page.records)
            found |= records_of([page])
            if fault is None and pages:
                wire.wait_for(min(3, pages + 1))
    assert set(found) == set(loaded)
    assert pages == 3
    assert len(set(wire.asked)) == 3
    if fault is None:
        assert len(wire.asked) == 3


# --- the master test


def test_t56_thirty_days_of_increments_equal_one_full_load(world: World, tmp_path: Path) -> None:
    """Edits, merges, deletions, late commits and faults for 30 days; then a fresh mirror by one full load."""
    dice = Dice(56)
    world.pulled()
    for day in range(30):
        _a_day_of_people(world, dice, day)
        _a_day_of_faults(world, dice)
        for _ in range(2):
            world.wait(12 * 60)
            _somebody_saves_late(world, dice)
            world.start()
            for _ in range(4):
                if world.pull().systems[0].error is None:
                    break
            else:
                pytest.fail("four pulls in a row did not end well")
        world.salesforce.faults.clear()
        if day % 7 == 6:
            assert sweep(world.context).systems[0].error is None
    world.wait(30)
    world.pulled()
    sweep(world.context)
    by_increments = mirrored_by_id(world)
    (tmp_path / "fresh").mkdir()
    fresh = World.make(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh.db", world.dataset, only=SALESFORCE)
    fresh.salesforce, fresh.clock = world.salesforce, world.clock
    fresh.start()
    fresh.pulled()
    assert mirrored_by_id(fresh) == by_increments
    fresh.context.close()


def _a_day_of_people(world: World, dice: Dice, day: int) -> None:
    live = world.accounts(SALESFORCE)
    users = [row["Id"] for row in world.salesforce.records("User") if row["IsActive"] and row["UserType"] == "Standard"]
    for number in range(12):
        account = dice.one_of(live)
        late = {"visible_after": dice.whole(1, 590)} if dice.chance(0.3) else {}
        edit(world, account, set={"Name": f"Day {day} number {number}"}, **late)
        world.wait(dice.whole(1, 30))
    edit(world, dice.one_of(live), set={"OwnerId": dice.one_of(users)})
    winner, loser = accounts(world, 2, Website=f"https://day{day}.example")
    world.wait(1)
    if day % 3 == 0:
        edit(world, winner, merge=[loser])
    if day % 4 == 0:
        edit(world, loser if day % 3 else winner, delete=True)
    if day % 5 == 0 and day % 4:
        edit(world, winner, hard_delete=True)


def _somebody_saves_late(world: World, dice: Dice) -> None:
    """What is stamped before the next pull's window ends shows after it."""
    late, name = dice.whole(300, 590), f"Late {dice.whole(1, 10**9)}"
    edit(world, dice.one_of(world.accounts(SALESFORCE)), set={"Name": name}, visible_after=late)
    world.wait(dice.whole(2, 4))


def _a_day_of_faults(world: World, dice: Dice) -> None:
    faults = ["status 503 before", "status 401", "truncate", "drop after", "empty 200", "html 503 before"]
    entries = [
        {"match": {"path": "/services/data/*/query*", "nth": dice.whole(1, 12)}, "fault": dice.one_of(faults)}
        for _ in range(4)
    ]
    world.salesforce.faults.install(entries)
