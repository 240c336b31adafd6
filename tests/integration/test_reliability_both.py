"""The tests of reliability.md 1.4 that say the same of both CRMs, and bad input, on both databases.

Beside the halves of each CRM: tests/README.md lists which test holds which number.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.retry import RetryPolicy
from syncd.connectors.wire import HttpRequest, HttpResponse, NetworkWire
from syncd.entropy import SeededEntropy
from syncd.errors import AuthError, CrmError, RateLimitedError, RetryableError, SchemaError
from syncd.jobs.pulling.pull import delayed_pass
from syncd.jobs.pulling.sweeping import sweep
from syncd.model.cursors import Cursor, Window
from syncd.model.records import Record
from syncd.model.refs import Kind, System
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.sandbox.server import serve
from syncd.store import mirror
from syncd.store.cursors import restart_cursor
from tests.contract.worlds import WORLDS, HubspotWorld, SalesforceWorld, records_of
from tests.contract.worlds import World as ContractWorld
from tests.databases import DIALECTS
from tests.dying import crash_at
from tests.inprocess import InProcessWire, Trouble, path_has
from tests.integration.mirrored import empty_mirror, machine_in
from tests.simulation.dice import Dice
from tests.unit.jobs.jobs_world import HUBSPOT, SALESFORCE, World

ACCOUNT, DEAL = Kind.ACCOUNT, Kind.OPPORTUNITY
BOTH = [pytest.param(system, id=system.value) for system in System]
OBJECT = {SALESFORCE: "Account", HUBSPOT: "companies"}
DEALS = {SALESFORCE: "Opportunity", HUBSPOT: "deals"}
NAME = {SALESFORCE: "Name", HUBSPOT: "name"}
CHANGES = {SALESFORCE: "FROM+Account+WHERE", HUBSPOT: "/objects/companies"}
FIRST_LOAD = {SALESFORCE: "FROM+Account+WHERE", HUBSPOT: "/objects/companies?"}
USED = {SALESFORCE: ("Account.Industry", "Industry"), HUBSPOT: ("companies.industry", "industry")}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BOTH)
def world(request: pytest.FixtureRequest, dialect: str, tmp_path: Path) -> Iterator[World]:
    """Each CRM with few accounts, and a mirror of it that is still empty, once on each database."""
    with empty_mirror(dialect, tmp_path, request.param) as made:
        yield made


@pytest.fixture(params=BOTH)
def light(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite alone, where the database does not matter."""
    with empty_mirror("sqlite", tmp_path, request.param) as made:
        yield made


@pytest.fixture(params=BOTH)
def crm(request: pytest.FixtureRequest) -> ContractWorld:
    """Each CRM with a connector, in process and without a mirror."""
    made: ContractWorld = WORLDS[request.param]()
    made.wire = InProcessWire.to(made.face)
    return made


def system_of(world: World) -> System:
    assert world.only is not None
    return world.only


def face(world: World) -> Any:
    return world.salesforce if world.only is SALESFORCE else world.hubspot


def load(world: World, count: int, **values: Any) -> tuple[str, ...]:
    name = NAME[system_of(world)]
    rows = [{name: f"Account {number}", **values} for number in range(count)]
    found: tuple[str, ...] = face(world).load(OBJECT[system_of(world)], rows)
    return found


def rename(world: World, record: str, name: str) -> None:
    edit = world.edit_salesforce if world.only is SALESFORCE else world.edit_hubspot
    edit(record, **{NAME[system_of(world)]: name})


def gone(world: World) -> None:
    """A mapped field of accounts is removed."""
    field = USED[system_of(world)][1]
    face(world).edit({"object": OBJECT[system_of(world)], "hide" if world.only is SALESFORCE else "undefine": field})


def new_deal(world: World) -> str:
    if world.only is HUBSPOT:
        before = world.truth(HUBSPOT, DEAL)
        world.hubspot.edit({"object": "deals", "create": {"dealname": "d"}})
        (fresh,) = world.truth(HUBSPOT, DEAL).keys() - before.keys()
        return fresh
    row = {"Name": "d", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    (made,) = world.salesforce.load("Opportunity", [row])
    return made


def equal(world: World) -> None:
    """The mirror holds what the CRM holds, and what was to go wrong went wrong."""
    assert world.wire(system_of(world)).unmet() == []
    for kind in (ACCOUNT, DEAL):
        held = world.mirrored(system_of(world), kind).items()
        seen = {key: (one.fields.get("name"), one.owner) for key, one in held}
        assert seen == world.truth(system_of(world), kind), kind


def cursor(world: World, kind: Kind = ACCOUNT) -> Cursor:
    found: Cursor = world.cursor(system_of(world), kind)
    return found


def spelled(world: World, old: bytes, new: bytes) -> None:
    """From now on answers say `new` for `old`."""

    def other(answer: HttpResponse) -> HttpResponse:
        return replace(answer, body=answer.body.replace(old, new))

    world.wire(system_of(world)).add(Trouble(path_has(CHANGES[system_of(world)]), after=other, times=None))


# --- cursor and time


@pytest.mark.parametrize("spelling", ["2026-03-04T05:06:07.000+0000", "2026-03-04T05:06:07Z", "2026-03-04T05:06:07.0Z"])
@pytest.mark.parametrize("more", ["2026-03-04T05:06:07.000000Z", "2026-03-04T06:06:07.000+01:00"])
def test_t10_every_spelling_of_an_instant_is_one_value(light: World, spelling: str, more: str) -> None:
    one = "CreatedDate" if light.only is SALESFORCE else "createdate"
    (known,) = load(light, 1, **{one: "2026-03-04T05:06:07.000Z"})
    light.wait(30)
    light.pulled()
    first = light.mirrored(system_of(light), ACCOUNT)[known].fields["created_at"]
    for way in (spelling, more):
        for written in (b"2026-03-04T05:06:07.000+0000", b"2026-03-04T05:06:07.000Z"):
            spelled(light, written, way.encode())
        assert light.pulled(full=True).systems[0].changed == 0, way
        light.start()
    assert first == "2026-03-04T05:06:07.000Z"


@pytest.mark.parametrize("part", ["through", "window"])
def test_t11_a_cursor_in_the_future_is_a_finding_and_everything_is_read_again(world: World, part: str) -> None:
    world.pulled()
    ahead = world.clock.now() + timedelta(days=1500)
    held = cursor(world)
    with world.context.store.write() as conn:
        if part == "through":
            mirror.set_cursor(conn, replace(held, through=ahead))
        else:
            mirror.set_cursor(conn, replace(held, window=Window(held.through, ahead)))
    world.wait(60)
    rename(world, world.accounts(system_of(world))[0], "Changed meanwhile")
    world.wait(20)
    world.start()
    one = world.pulled().systems[0]
    assert any("SYN439" in note and "account" in note for note in one.notes)
    equal(world)
    through = cursor(world).through
    assert through is not None
    assert through <= world.clock.now()
    world.wait(5)
    world.start()
    assert [note for note in world.pulled().systems[0].notes if "SYN439" in note] == [], "once is enough"


def test_t11_a_read_again_that_breaks_off_is_gone_on_with(world: World) -> None:
    world.pulled()
    ahead = replace(cursor(world), through=world.clock.now() + timedelta(days=9))
    with world.context.store.write() as conn:
        mirror.set_cursor(conn, ahead)
    rename(world, world.accounts(system_of(world))[0], "Changed")
    world.wait(20)
    world.start()
    world.trouble(system_of(world), FIRST_LOAD[system_of(world)])
    assert world.pull().systems[0].error is not None
    assert cursor(world).through is None, "nobody takes the old place for a good one"
    world.start()
    world.pulled()
    equal(world)


def test_t11_a_cursor_of_the_delayed_pass_in_the_future_does_not_silence_it(tmp_path: Path) -> None:
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        world.pulled()
        ahead = Cursor(HUBSPOT, ACCOUNT, "delayed", through=world.clock.now() + timedelta(days=9))
        with world.context.store.write() as conn:
            mirror.set_cursor(conn, ahead)
        world.wait(120)
        one = delayed_pass(world.context).systems[0]
        assert any("SYN439" in note for note in one.notes)
        assert one.read >= len(world.accounts(HUBSPOT))


def test_t11_only_a_cursor_that_has_read_nothing_may_go_back(light: World) -> None:
    light.pulled()
    held = cursor(light)
    with light.context.store.write() as conn, pytest.raises(ValueError, match="nothing"):
        restart_cursor(conn, held)


@pytest.mark.parametrize("number", [1, 2])
def test_t12_a_crash_between_two_pages_leaves_no_gap_and_no_second_change(light: World, number: int) -> None:
    load(light, 250)
    light.wait(30)
    light.salesforce.model.cursors.page_limit = 50
    light.start()
    with pytest.raises(crash_at("pull.page_stored", number)):
        light.pull()
    light.start()
    held = len(light.mirrored(system_of(light), ACCOUNT))
    assert 0 < held < 250
    total = sum(len(light.truth(system_of(light), kind)) for kind in (ACCOUNT, DEAL))
    assert light.pulled().systems[0].changed == total - held
    equal(light)


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(hours=-1)])
def test_t07_a_wrong_local_clock_asks_the_same_and_reads_the_same(light: World, skew: timedelta) -> None:
    light.pulled()
    light.wait(60)
    rename(light, light.accounts(system_of(light))[0], "Changed")
    light.wait(20)
    light.start(skew=skew)
    light.pulled()
    through = cursor(light).through
    assert through is not None
    assert timedelta(0) < light.clock.now() - through < timedelta(minutes=6)
    equal(light)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Pacific/Apia"])
def test_t08_the_machines_zone_changes_no_question(light: World, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    light.clock.set(datetime(2026, 11, 22, 6, 30, tzinfo=UTC))
    light.start()
    light.pulled()
    here = [(one.method, one.url, one.body) for one in light.wire(system_of(light)).sent]
    with machine_in(zone, monkeypatch):
        light.start()
        light.pulled(full=True)
    there = [(one.method, one.url, one.body) for one in light.wire(system_of(light)).sent]
    assert there == here


def test_t09_a_date_keeps_its_day(light: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = new_deal(light)
    day = {"CloseDate": "2026-03-29"} if light.only is SALESFORCE else {"closedate": "2026-03-29T00:00:00.000Z"}
    face(light).edit({"object": DEALS[system_of(light)], "id": deal, "set": day})
    light.wait(30)
    with machine_in("Pacific/Apia", monkeypatch):
        light.pulled()
    held = light.mirrored(system_of(light), DEAL)[deal].fields["close_date"]
    assert held == "2026-03-29" if light.only is SALESFORCE else held.startswith("2026-03-29T00:00:00")


def test_t01_t06_what_shows_late_and_what_is_newer_than_asked_is_not_lost(tmp_path: Path) -> None:
    """HubSpot's late commit is its index: hits come late, and the store has them newer than asked."""
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        world.pulled()
        company = world.accounts(HUBSPOT)[0]
        world.hubspot.quirks.record_lag[f"companies/{company}"] = 9 * 60.0 + 59
        world.wait(30)
        rename(world, company, "Late")
        world.wait(5)
        assert world.pulled().systems[0].changed == 0
        world.wait(6)
        rename(world, company, "Newer than asked")
        world.pulled()
        through = cursor(world).through
        assert through is not None
        assert through < world.clock.now()
        world.wait(12)
        world.pulled()
        equal(world)


def test_t23_a_page_that_expired_restarts_the_slice_and_not_the_sync(tmp_path: Path) -> None:
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        load(world, 450)
        world.wait(30)
        body = b'{"status":"error","message":"invalid paging cursor","category":"VALIDATION_ERROR"}'
        world.wire(HUBSPOT).add(Trouble(path_has("after="), before=HttpResponse(400, {}, body), skip=1))
        world.pulled()
        lists = world.wire(HUBSPOT).requests("archived=false", "GET")
        begun = [request.url.partition("?")[0].rsplit("/", 1)[1] for request in lists if "after=" not in request.url]
        assert (begun.count("companies"), begun.count("deals")) == (2, 1)
        equal(world)


# --- volume


def test_t26_pages_stream_and_none_is_kept(crm: ContractWorld) -> None:
    """The figure is `make bench-load`'s; here: however many rows, no more are alive than a few pages have."""
    crm.accounts(5_000)
    most = read = 0
    for page in crm.reader().changes(ACCOUNT, crm.everything()):
        read += len(page.records)
        if read % 1000 < 200:
            most = max(most, sum(type(each) is Record for each in gc.get_objects()))
    assert read >= 5_000
    assert most <= 4_100


def test_t27_a_query_that_takes_too_long_is_asked_in_halves_down_to_a_minute_and_then_said(tmp_path: Path) -> None:
    with empty_mirror("sqlite", tmp_path, SALESFORCE) as world:
        load(world, 40)
        world.wait(30)
        slow = HttpResponse(400, {}, b'[{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running."}]')
        trouble = Trouble(_rows_of_accounts, before=slow, times=3)
        world.wire(SALESFORCE).add(trouble)
        world.pulled()
        assert trouble.struck == 3
        equal(world)
        world.wait(60)
        world.start()
        world.wire(SALESFORCE).add(Trouble(_rows_of_accounts, before=slow, times=None))
        before = cursor(world).through
        one = world.pull().systems[0]
        assert "even for one minute" in str(one.error)
        assert cursor(world).through == before


def _rows_of_accounts(request: HttpRequest) -> bool:
    return "/queryAll" in request.url and "FROM+Account+WHERE" in request.url and "COUNT" not in request.url


# --- payload and schema


def test_t31_a_mapped_field_that_is_gone_stops_its_object_alone(world: World) -> None:
    world.pulled()
    held = world.mirrored(system_of(world), ACCOUNT)
    gone(world)
    world.wait(60)
    rename(world, sorted(held)[0], "Not read now")
    deal = new_deal(world)
    world.wait(20)
    world.start()
    before = cursor(world)
    one = world.pull().systems[0]
    assert one.error is not None
    assert (one.outcome, one.error.code) == ("incomplete", "SYN405")
    assert USED[system_of(world)][0] in str(one.error)
    assert system_of(world).value in str(one.error)
    assert world.mirrored(system_of(world), ACCOUNT) == held, "never read as empty"
    assert cursor(world) == before, "its cursor stays"
    assert deal in world.mirrored(system_of(world), DEAL), "the other object goes on"
    assert world.status(system_of(world)).last_outcome == "incomplete"
    assert "SYN405" in str(world.status(system_of(world)).last_error)
    swept = sweep(world.context).systems[0]
    assert swept.error is None or swept.error.code in ("SYN405", "SYN406"), "a sweep does not end in a bare error"


@pytest.mark.parametrize("what", [ACCOUNT, DEAL])
def test_t32_an_object_that_may_not_be_described_is_a_refusal_and_no_empty_schema(light: World, what: Kind) -> None:
    light.pulled()
    held = light.mirrored(system_of(light), what)
    name = (OBJECT if what is ACCOUNT else DEALS)[system_of(light)]
    path = f"/sobjects/{name}/describe" if light.only is SALESFORCE else f"/properties/{name}"
    body = b'[{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]'
    if light.only is HUBSPOT:
        body = b'{"status":"error","category":"MISSING_SCOPES","message":"missing scopes"}'
    light.start()
    light.trouble(system_of(light), path, HttpResponse(403, {}, body))
    one = light.pull().systems[0]
    assert isinstance(one.error, AuthError | SchemaError)
    assert light.mirrored(system_of(light), what) == held


def test_t33_a_stamp_that_the_object_does_not_have_stops_before_anything_is_read(light: World) -> None:
    stamp = "SystemModstamp" if light.only is SALESFORCE else "hs_lastmodifieddate"
    hidden = {"hide": stamp} if light.only is SALESFORCE else {"undefine": stamp}
    face(light).edit({"object": OBJECT[system_of(light)], **hidden})
    one = light.pull().systems[0]
    assert one.error is not None
    assert one.error.code == "SYN405"
    assert stamp in str(one.error)
    assert light.mirrored(system_of(light), ACCOUNT) == {}
    assert cursor(light).through is None


@pytest.mark.parametrize("name", ["Łódź 🏭", "شركة الأمل", 'O\'Brien "x"; DROP', "a" * 255, "\u202eevil", "NA", "null"])
def test_t34_odd_names_are_stored_unchanged(world: World, name: str) -> None:
    known = load(world, 1)[0]
    rename(world, known, name)
    world.wait(30)
    world.pulled()
    assert world.mirrored(system_of(world), ACCOUNT)[known].fields["name"] == name


def test_t34_half_a_surrogate_pair_and_a_nul_stop_nothing(world: World) -> None:
    known, second = load(world, 2)
    world.wait(30)

    def spoiled(answer: HttpResponse) -> HttpResponse:
        half = answer.body.replace(b'"Account 0"', b'"half \\ud83c pair"')
        return replace(answer, body=half.replace(b'"Account 1"', b'"nul \\u0000 byte"'))

    world.wire(system_of(world)).add(Trouble(path_has(CHANGES[system_of(world)]), after=spoiled, times=None))
    world.pulled()
    found = world.mirrored(system_of(world), ACCOUNT)
    assert found[known].fields["name"].startswith("half ")
    assert found[second].fields["name"] == "nul \ufffd byte"


# --- limits and errors


def limited(crm: ContractWorld, header: str | None) -> HttpResponse:
    headers = {} if header is None else {"Retry-After": header}
    if crm.system is HUBSPOT:
        return HttpResponse(429, headers, b'{"policyName":"TEN_SECONDLY_ROLLING","message":"slow down"}')
    return HttpResponse(429, headers, b'[{"errorCode": "TOO_MANY_REQUESTS", "message": "slow down"}]')


@pytest.mark.parametrize("header", [None, "0", "7", "Fri, 20 Nov 2026 10:00:20 GMT", "86400"])
def test_t41_a_rate_limit_is_waited_for_as_told_within_a_minute_or_ends_the_run(
    crm: ContractWorld, header: str | None
) -> None:
    known = crm.accounts(5)
    crm.inner.add(Trouble(path_has(CHANGES[crm.system]), before=limited(crm, header)))
    before = crm.clock.monotonic()
    try:
        assert set(records_of(crm.reader().changes(ACCOUNT, crm.everything()))) == set(known)
    except RateLimitedError:
        assert header == "86400", "only what no run can wait for ends it"
    waited = crm.clock.monotonic() - before
    assert waited <= 61
    if header == "7":
        assert waited >= 7


@pytest.mark.parametrize("status", [500, 502, 503, 504, 406, 408, 420, 530, 409, 423])
def test_t44_each_status_has_its_class_and_is_asked_again_within_bounds(crm: ContractWorld, status: int) -> None:
    crm.accounts(3)
    crm.inner.add(Trouble(path_has(CHANGES[crm.system]), before=HttpResponse(status, {}, b""), times=None))
    before = crm.clock.monotonic()
    with pytest.raises(CrmError) as caught:
        list(crm.reader().changes(ACCOUNT, crm.everything()))
    assert len(crm.inner.requests(CHANGES[crm.system])) <= 6
    assert crm.clock.monotonic() - before < 130
    if status in (500, 502, 503, 504, 408):
        assert isinstance(caught.value, RetryableError)
        assert len(crm.inner.requests(CHANGES[crm.system])) > 1


@pytest.mark.parametrize("system", BOTH)
@pytest.mark.parametrize("fault", ["timeout 30 before", "stall 30", "drip 0.02"])
def test_t45_a_server_that_says_nothing_or_a_byte_at_a_time_is_cut_at_the_deadline(system: System, fault: str) -> None:
    made: ContractWorld = WORLDS[system]()
    made.accounts(3)
    with serve(made.face) as server:
        made.face.base_url, wire = server.url, NetworkWire(deadline=0.5)
        made.wire = wire
        made.strike(fault, path="/services/data/*/query*" if system is SALESFORCE else "/crm/v3/objects/companies")
        with pytest.raises(RetryableError) as caught:
            list(once(made).ids(ACCOUNT))
        wire.close()
    assert caught.value.code == "SYN411"


def once(made: ContractWorld) -> Any:
    """A reader that makes one attempt."""
    assert isinstance(made, SalesforceWorld | HubspotWorld)
    policy = RetryPolicy(made.clock, SeededEntropy(1), attempts=1)
    return type(made.reader())(made.access(), made.mapping, **made._ports(), policy=policy)  # type: ignore[arg-type]


def test_t47_another_app_that_eats_the_day_stops_our_reads_and_not_our_writes(light: World) -> None:
    light.pulled()
    if light.only is SALESFORCE:
        light.salesforce.edit({"limits": {"api": 15_000, "by_others": 14_200}})
    else:
        head = {"X-HubSpot-RateLimit-Daily": "650000", "X-HubSpot-RateLimit-Daily-Remaining": "20000"}

        def told(answer: HttpResponse) -> HttpResponse:
            return replace(answer, headers={**answer.headers, **head})

        light.wire(HUBSPOT).add(Trouble(after=told, times=None))
    light.wait(10)
    if light.only is SALESFORCE:
        light.start()
    one = light.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN416")
    account = light.accounts(system_of(light))[0]
    (read,) = light.context.reader(system_of(light)).read(ACCOUNT, [account]).values()
    assert read.record is not None, "what a write compares with comes out of the reserve"


def test_t48_a_full_pull_that_finds_what_increments_missed_says_so_and_mends_it(tmp_path: Path) -> None:
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        world.pulled()
        world.wait(30)
        (missed,) = load(world, 1)
        world.hubspot.quirks.record_lag[f"companies/{missed}"] = 9 * 3600.0
        for _ in range(3):
            world.wait(120)
            world.pulled()
        assert missed not in world.mirrored(HUBSPOT, ACCOUNT)
        one = world.pull(full=True).systems[0]
        assert (one.outcome, one.error and one.error.code) == ("incomplete", "SYN437")
        equal(world)
        world.pulled(full=True)


def test_t49_another_organization_is_refused(light: World) -> None:
    light.pulled()
    held = light.mirrored(system_of(light), ACCOUNT)
    light.salesforce = SalesforceOrg(clock=light.clock, organization_id="00D000000000042EAA")
    light.salesforce.base_url = "https://acme--sandbox.sandbox.my.salesforce.com"
    light.hubspot = HubspotPortal(clock=light.clock, portal_id=4242)
    light.start()
    one = light.pull().systems[0]
    assert (one.outcome, one.error and one.error.code) == ("failed", "SYN403")
    assert light.mirrored(system_of(light), ACCOUNT) == held


@pytest.mark.parametrize(
    ("error", "description"),
    [
        ("invalid_grant", "user hasn't approved this consumer"),
        ("invalid_grant", "user is not allowed to use the API Auth"),
        ("unsupported_grant_type", "SOAP login is off in this org"),
        ("inactive_user", "user is inactive"),
        ("invalid_client", "invalid client credentials"),
    ],
)
def test_t52_a_login_that_is_not_allowed_is_said_once_and_not_tried_again(error: str, description: str) -> None:
    made = SalesforceWorld()
    made.wire = InProcessWire.to(made.face)
    body = json.dumps({"error": error, "error_description": description}).encode()
    made.inner.add(Trouble(path_has("/oauth2/token"), before=HttpResponse(400, {}, body), times=None))
    with pytest.raises(AuthError) as caught:
        made.reader().identify()
    assert (caught.value.code, description in str(caught.value)) == ("SYN401", True)
    assert len(made.inner.sent) == 1
    assert caught.value.hint


@pytest.mark.parametrize("system", BOTH)
def test_t55_a_retry_after_of_a_day_sleeps_nowhere_in_the_client_library(system: System) -> None:
    made: ContractWorld = WORLDS[system]()
    made.accounts(3)
    with serve(made.face) as server:
        made.face.base_url, wire = server.url, NetworkWire()
        made.wire = wire
        path = "/services/data/*/query*" if system is SALESFORCE else "/crm/v3/objects/companies"
        made.strike("status 429", path=path, times=1, then={"headers": {"Retry-After": "86400"}})
        before = made.clock.monotonic()
        with suppress(RateLimitedError):
            list(made.reader().ids(ACCOUNT))
        wire.close()
    assert made.clock.monotonic() - before <= 61


# --- bad input: what no CRM should say, and what to say of it


@pytest.mark.parametrize("bad", ["id", "stamp", "owner", "deleted"])
def test_an_id_that_is_none_or_a_stamp_that_is_none_names_record_and_field_and_moves_no_cursor(
    world: World, bad: str
) -> None:
    system = system_of(world)
    known = load(world, 1)[0]
    world.wait(30)
    columns = {
        SALESFORCE: {"id": "Id", "stamp": "SystemModstamp", "owner": "OwnerId", "deleted": "IsDeleted"},
        HUBSPOT: {"id": "id", "stamp": "hs_lastmodifieddate", "owner": "hubspot_owner_id", "deleted": "archived"},
    }
    column = columns[system][bad]
    nonsense: Any = {"id": {"no": "id"}, "stamp": "soon", "owner": ["x"], "deleted": "maybe"}[bad]

    def spoiled(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        for row in document.get("records") or document.get("results") or ():
            if known in (row.get("Id"), row.get("id")):
                place = row["properties"] if system is HUBSPOT and bad in ("stamp", "owner") else row
                place[column] = nonsense
        return replace(answer, body=json.dumps(document).encode())

    world.wire(system).add(Trouble(path_has(FIRST_LOAD[system]), after=spoiled, times=None))
    deal = new_deal(world)
    world.wait(30)
    one = world.pull().systems[0]
    assert one.error is not None
    assert one.error.code == "SYN421"
    assert system.value in str(one.error)
    if (bad, system) == ("id", HUBSPOT):
        assert "{'no': 'id'} for an id, which is none" in str(one.error)
    else:
        assert OBJECT[system] in str(one.error)
        assert f"{column} cannot be" in str(one.error)
    if bad != "id":
        assert known in str(one.error)
    assert cursor(world).through is None, "the cursor stays"
    assert deal in world.mirrored(system, DEAL), "the other object goes on"
    world.start()
    world.pulled()
    equal(world)


def test_a_custom_field_that_the_crm_does_not_know_is_named_with_its_object(light: World) -> None:
    light.start(extra=f'[{system_of(light).value}.fields.account]\nseats = {{field = "Seets__c", type = "number"}}')
    one = light.pull().systems[0]
    assert one.error is not None
    assert one.error.code == "SYN405"
    assert f"{OBJECT[system_of(light)]}.Seets__c" in str(one.error)
    assert light.mirrored(system_of(light), ACCOUNT) == {}
    assert light.mirrored(system_of(light), DEAL), "deals do not use it"


def test_a_picklist_value_nobody_offers_is_kept_as_it_is(light: World) -> None:
    (known,) = load(light, 1)
    light.wait(30)
    field = USED[system_of(light)][1]

    def odd(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        for row in document.get("records") or document.get("results") or ():
            if known in (row.get("Id"), row.get("id")):
                (row["properties"] if light.only is HUBSPOT else row)[field] = "No such value"
        return replace(answer, body=json.dumps(document).encode())

    light.wire(system_of(light)).add(Trouble(path_has(FIRST_LOAD[system_of(light)]), after=odd, times=None))
    light.pulled()
    assert light.mirrored(system_of(light), ACCOUNT)[known].fields["industry"] == "No such value"


def test_a_revoked_token_ends_the_pull_without_a_storm_and_moves_no_cursor(world: World) -> None:
    world.pulled()
    before = cursor(world)
    world.wait(30)
    world.start()
    body = b'{"error": "invalid_client", "error_description": "revoked"}' if world.only is SALESFORCE else b"{}"
    world.wire(system_of(world)).add(Trouble(before=HttpResponse(401, {}, body), times=None))
    one = world.pull().systems[0]
    assert isinstance(one.error, AuthError)
    assert one.outcome == "failed"
    assert len(world.wire(system_of(world)).sent) <= 3
    assert cursor(world) == before


def test_a_page_of_html_with_200_is_no_rows_for_nobody_and_moves_no_cursor(world: World) -> None:
    world.pulled()
    before = cursor(world)
    world.wait(60)
    rename(world, world.accounts(system_of(world))[0], "Changed")
    deal = new_deal(world)
    world.wait(20)
    world.start()
    page = HttpResponse(200, {"Content-Type": "text/html"}, b"<html>Scheduled maintenance</html>")
    world.trouble(system_of(world), CHANGES[system_of(world)], page)
    one = world.pull().systems[0]
    assert one.error is not None
    assert one.error.code in ("SYN421", "SYN412")
    assert cursor(world) == before
    assert deal in world.mirrored(system_of(world), DEAL), "the other object goes on"
    world.start()
    world.pulled()
    equal(world)


# --- the cost of nothing


@pytest.mark.parametrize(("system", "most"), [(SALESFORCE, 8), (HUBSPOT, 12)])
def test_an_idle_increment_keeps_to_its_calls_and_the_day_to_six_thousand(
    tmp_path: Path, system: System, most: int
) -> None:
    with empty_mirror("sqlite", tmp_path, system) as world:
        if system is SALESFORCE:
            account, user = world.accounts(SALESFORCE)[0], world.salesforce.records("User")[0]["Id"]
            world.salesforce.load("AccountTeamMember", [{"AccountId": account, "UserId": user}])
        world.wait(30)
        world.start()
        world.pulled()
        delayed = counted = 0
        for _ in range(3):
            world.wait(5)
            world.start()
            one = world.pulled().systems[0]
            assert one.calls <= most, [request.url.split("?")[0] for request in world.wire(system).sent]
            counted = max(counted, one.calls)
        if system is HUBSPOT:
            world.start()
            delayed = delayed_pass(world.context).systems[0].calls
        schedule = world.context.settings.schedule
        day = timedelta(days=1)
        assert (day / schedule.pull) * counted + 24 * delayed <= 6_000


# --- the master test, for HubSpot (Salesforce's stands in its half)


def test_t56_thirty_days_of_increments_equal_one_full_load(tmp_path: Path) -> None:
    dice = Dice(56)
    with empty_mirror("sqlite", tmp_path, HUBSPOT) as world:
        world.pulled()
        world.hubspot.edit({"configure": {"index_lag": 40.0, "index_lag_varies": True}})
        for day in range(30):
            _a_day_of_people(world, dice, day)
            _a_day_of_faults(world, dice)
            for _ in range(1 + day % 2):
                world.wait(12 * 60)
                world.start()
                if not any(world.pull().systems[0].error is None for _ in range(5)):
                    pytest.fail("five pulls in a row did not end well")
            world.hubspot.faults.clear()
            delayed_pass(world.context)
            if day % 7 == 6:
                assert sweep(world.context).systems[0].error is None
        world.wait(30)
        world.pulled()
        assert sweep(world.context).systems[0].error is None
        found = _hashes(world)
        (tmp_path / "fresh").mkdir()
        fresh = World.make(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh.db", world.dataset, only=HUBSPOT)
        fresh.hubspot, fresh.clock = world.hubspot, world.clock
        fresh.start()
        fresh.pulled()
        assert _hashes(fresh) == found
        fresh.context.close()


def _hashes(world: World) -> dict[str, str]:
    return {key: one.content_hash() for kind in (ACCOUNT, DEAL) for key, one in world.mirrored(HUBSPOT, kind).items()}


def _a_day_of_people(world: World, dice: Dice, day: int) -> None:
    live = world.accounts(HUBSPOT)
    owners = [row["id"] for row in world.hubspot.records("owners") if not row.get("archived")]
    for number in range(6):
        rename(world, dice.one_of(live), f"Day {day} number {number}")
        world.wait(dice.whole(1, 30))
    world.edit_hubspot(dice.one_of(live), hubspot_owner_id=dice.one_of(owners))
    first, second = load(world, 2, domain=f"day{day}.example")
    world.wait(1)
    if day % 3 == 0:
        world.hubspot.edit({"object": "companies", "id": first, "merge": [second]})
    elif day % 4 == 0:
        world.hubspot.edit({"object": "companies", "id": first, "delete": True})
    elif day % 5 == 0:
        world.hubspot.edit({"object": "companies", "id": first, "hard_delete": True})


def _a_day_of_faults(world: World, dice: Dice) -> None:
    faults = ["status 503 before", "status 429 SECONDLY", "truncate", "drop after", "empty 200", "html 503 before"]
    world.hubspot.faults.install(
        [
            {"match": {"path": "/crm/v3/objects/*", "nth": dice.whole(1, 12)}, "fault": dice.one_of(faults)}
            for _ in range(4)
        ]
    )
