from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from jobs_world import HUBSPOT, NOW, SALESFORCE, World

from syncd.connectors.wire import HttpResponse
from syncd.errors import AuthError, ConfigError, CursorLostError, ExitCode, LeaseHeldError, RefusedError, RetryableError
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.pulling.pull import delayed_pass
from syncd.jobs.pulling.sweeping import sweep
from syncd.model.refs import Kind, System
from syncd.sandbox.hubspot import HubspotPortal
from syncd.sandbox.salesforce import SalesforceOrg
from syncd.store import mirror, ownership, runs
from tests.inprocess import Trouble, path_has

ACCOUNT = Kind.ACCOUNT
KINDS = (Kind.ACCOUNT, Kind.OPPORTUNITY)
LOST = HttpResponse(400, {}, b'[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]')
LOCATOR = "/query/0r8"
USER_PAGES = 2
"""Pages of users after the first, of four each."""


def small_pages(world: World) -> None:
    world.salesforce.model.cursors.page_limit = 4
    world.hubspot.quirks.short_pages = 4


def test_a_first_pull_ends_equal_to_both_systems(world: World) -> None:
    report = world.pulled()
    world.assert_equal()
    assert report.exit_code == 0
    for system in System:
        status = world.status(system)
        assert status.complete
        assert status.as_of is not None
        assert timedelta(0) < NOW - status.as_of <= timedelta(minutes=1)
        assert {world.cursor(system, kind).through for kind in KINDS} == {status.as_of}


def test_a_second_pull_of_an_unchanged_world_changes_nothing(world: World) -> None:
    world.pulled()
    with world.context.store.read() as conn:
        before = mirror.last_change(conn)
    world.wait()
    report = world.pulled()
    assert [(one.changed, one.deleted, one.owner_changes) for one in report.systems] == [(0, 0, 0)] * 2
    with world.context.store.read() as conn:
        assert mirror.last_change(conn) == before
        assert len(runs.runs(conn, 10, "link")) == 1


def test_a_character_that_no_database_keeps_is_named_with_its_field(world: World, log: io.StringIO) -> None:
    world.pulled()
    ours, theirs = world.account(SALESFORCE), world.account(HUBSPOT)
    world.edit_salesforce(ours.id, BillingCity="Ber\0lin")
    world.edit_hubspot(theirs.id, city="Ber\0lin")
    world.wait()
    world.pulled()
    said = [json.loads(line) for line in log.getvalue().splitlines() if "record.character_lost" in line]
    assert {(one["ref"], one["field"]) for one in said} == {(str(ours), "city"), (str(theirs), "city")}
    with world.context.store.read() as conn:
        record = mirror.get_record(conn, theirs)
    assert record is not None
    assert record.fields["city"] == "Ber\ufffdlin"


def test_what_the_overlap_reads_again_is_no_change(world: World) -> None:
    world.pulled()
    account = world.account(SALESFORCE)
    world.wait(3)
    world.edit_salesforce(account.id, Name="Renamed")
    world.wait(3)
    assert world.pulled().systems[0].changed == 1
    world.wait(3)
    again = world.pulled().systems[0]
    assert (again.read > 0, again.changed) == (True, 0)
    world.assert_equal()


def test_deleted_records_and_changed_owners_come_with_the_next_pull(world: World) -> None:
    world.pulled()
    world.wait(20)
    first, second = world.account(SALESFORCE, 0), world.account(SALESFORCE, 1)
    owner = next(user["Id"] for user in world.salesforce.records("User") if user["Email"] == world.reps[3])
    world.salesforce.edit({"object": "Account", "id": first.id, "delete": True})
    world.edit_salesforce(second.id, OwnerId=owner)
    world.hubspot.edit({"object": "companies", "id": world.account(HUBSPOT).id, "delete": True})
    world.wait(20)
    before = len(world.mirrored(SALESFORCE, ACCOUNT)), len(world.mirrored(HUBSPOT, ACCOUNT))
    salesforce, hubspot = world.pulled().systems
    assert (salesforce.deleted > 0, hubspot.deleted) == (True, 1)
    assert salesforce.owner_changes == 1
    after = len(world.mirrored(SALESFORCE, ACCOUNT)), len(world.mirrored(HUBSPOT, ACCOUNT))
    assert after == (before[0] - 1, before[1] - 1)
    world.assert_equal()


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("point", ["pull.before_page", "pull.page_stored", "store.before_commit"])
def test_a_pull_that_dies_goes_on_at_the_next_page(
    world: World, crash_at: Callable[[str, int], type[BaseException]], point: str, number: int
) -> None:
    small_pages(world)
    crash = crash_at(point, number + (4 if point == "store.before_commit" else 0))
    with pytest.raises(crash):
        world.pull()
    stored = len(world.mirrored(SALESFORCE, ACCOUNT))
    cursor = world.cursor(SALESFORCE, ACCOUNT)
    assert (cursor.resume is not None) == (stored > 0)
    assert cursor.through is None
    world.start()
    report = world.pulled()
    world.assert_equal()
    total = sum(len(world.truth(SALESFORCE, kind)) for kind in KINDS)
    assert report.systems[0].changed == total - stored
    queries = [request.url for request in world.wire(SALESFORCE).requests("/query")]
    if stored:
        first = next(url for url in queries if "User" not in url and "Organization" not in url)
        assert LOCATOR in first


def test_a_resumed_window_is_read_on_to_the_present(world: World) -> None:
    small_pages(world)
    world.trouble(SALESFORCE, LOCATOR, skip=USER_PAGES)
    assert world.pull(systems=[SALESFORCE]).systems[0].outcome == "incomplete"
    world.wait(600)
    world.edit_salesforce(world.account(SALESFORCE).id, Name="Changed in between")
    world.wait(20)
    world.start()
    world.pulled()
    world.assert_equal()
    as_of = world.status(SALESFORCE).as_of
    assert as_of is not None
    assert world.clock.now() - as_of <= timedelta(minutes=1, seconds=5)


def test_an_early_end_is_incomplete_keeps_the_cursor_and_lets_the_other_system_go_on(world: World) -> None:
    small_pages(world)
    world.trouble(SALESFORCE, LOCATOR, skip=USER_PAGES + 1)
    report = world.pull()
    salesforce, hubspot = report.systems
    assert (salesforce.outcome, hubspot.outcome) == ("incomplete", "ok")
    assert isinstance(salesforce.error, RetryableError)
    assert report.exit_code is ExitCode.CRM
    assert "incomplete" in salesforce.line()
    assert not world.status(SALESFORCE).complete
    assert world.status(SALESFORCE).last_outcome == "incomplete"
    assert world.cursor(SALESFORCE, ACCOUNT).resume is not None
    assert world.status(HUBSPOT).complete
    with world.context.store.read() as conn:
        assert runs.runs(conn, 1, "pull")[0].outcome == "incomplete"
        assert runs.last_success(conn, "pull") is None


def test_a_system_that_cannot_be_reached_has_failed(world: World) -> None:
    world.pulled()
    world.start()
    world.trouble(HUBSPOT, "/")
    salesforce, hubspot = world.pull().systems
    assert (salesforce.outcome, hubspot.outcome) == ("ok", "failed")
    assert world.status(HUBSPOT).complete
    assert world.status(HUBSPOT).last_outcome == "failed"


def test_refused_credentials_are_a_failure_in_the_middle_too(world: World) -> None:
    small_pages(world)
    denied = HttpResponse(403, {}, b'[{"errorCode": "API_DISABLED_FOR_ORG", "message": "no API"}]')
    world.trouble(SALESFORCE, LOCATOR, denied, skip=USER_PAGES)
    one = world.pull(systems=[SALESFORCE]).systems[0]
    assert one.outcome == "failed"
    assert isinstance(one.error, AuthError)


def test_a_used_up_allowance_ends_a_pull_as_incomplete(world: World) -> None:
    world.salesforce.model.api_limit = 60
    reports = [world.pull(systems=[SALESFORCE]).systems[0] for _ in range(4)]
    assert reports[0].outcome == "ok"
    assert (reports[-1].outcome, reports[-1].error and reports[-1].error.code) == ("incomplete", "SYN415")


def test_the_allowance_of_the_day_is_one_for_all_processes(world: World) -> None:
    world.salesforce.model.api_limit = 60
    calls = []
    for _ in range(4):
        calls.append(world.pull(systems=[SALESFORCE]).systems[0].calls)
        world.start()
    assert calls[0] > 3
    assert calls[1:] == [3, 3, 3], "what it takes to sign in and to be told the allowance"
    world.wait(24 * 60)
    world.start()
    assert world.pull(systems=[SALESFORCE]).systems[0].outcome == "ok"


def test_lost_page_cursors_restart_the_slice(world: World) -> None:
    small_pages(world)
    world.trouble(SALESFORCE, LOCATOR, LOST, times=1, skip=USER_PAGES + 1)
    world.pulled()
    world.assert_equal()


def test_page_cursors_that_are_always_lost_end_the_pull(world: World) -> None:
    small_pages(world)
    world.trouble(SALESFORCE, LOCATOR, LOST, skip=USER_PAGES)
    one = world.pull(systems=[SALESFORCE]).systems[0]
    assert one.outcome == "incomplete"
    assert isinstance(one.error, CursorLostError)


def test_rows_newer_than_the_window_do_not_move_the_cursor(world: World) -> None:
    def edit() -> None:
        world.wait(2)
        world.edit_salesforce(last, Name="Later than asked for")

    small_pages(world)
    last = sorted(world.truth(SALESFORCE, ACCOUNT))[-1]
    world.wire(SALESFORCE).add(Trouble(path_has(LOCATOR), during=edit))
    world.pulled()
    assert world.cursor(SALESFORCE, ACCOUNT).through <= NOW - timedelta(minutes=1)
    world.wait()
    world.pulled()
    world.assert_equal()


def test_a_server_clock_that_steps_back_does_not_stop_pulling(world: World) -> None:
    world.pulled()
    through = world.cursor(SALESFORCE, ACCOUNT).through
    world.clock.set(NOW - timedelta(seconds=3))
    world.pulled()
    assert world.cursor(SALESFORCE, ACCOUNT).through == through
    world.pulled(full=True)
    assert world.cursor(SALESFORCE, ACCOUNT).through == through


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_local_clock_reads_the_same(make_world: Callable[..., World], hours: int) -> None:
    world = make_world(skew=timedelta(hours=hours))
    report = world.pulled()
    assert any("clock is 60 min" in note for note in report.systems[0].notes)
    world.assert_equal()
    delayed_pass(world.context)
    with world.context.store.read() as conn:
        through = mirror.get_cursor(conn, HUBSPOT, ACCOUNT, lane="delayed").through
    assert through is not None
    assert abs(through - (NOW - timedelta(hours=1))) < timedelta(minutes=1)
    world.start(skew=timedelta(0))
    world.wait()
    world.edit_hubspot(world.account(HUBSPOT).id, name="Renamed")
    world.wait()
    assert world.pulled().systems[0].notes == []
    assert delayed_pass(world.context).systems[0].error is None
    world.assert_equal()
    assert world.cursor(HUBSPOT, ACCOUNT).through <= world.clock.now()


def test_full_reads_everything_again(world: World) -> None:
    first = world.pulled().systems[0].read
    world.wait(60)
    assert world.pulled().systems[0].read == 0
    world.wait(60)
    full = world.pulled(full=True).systems[0]
    assert (full.read, full.changed) == (first, 0)


def test_a_full_pull_that_ended_early_is_gone_on_with(world: World) -> None:
    small_pages(world)
    world.pulled()
    world.wait()
    world.trouble(SALESFORCE, LOCATOR, skip=USER_PAGES)
    world.pull(systems=[SALESFORCE], full=True)
    world.start()
    read = world.pulled(systems=[SALESFORCE]).systems[0].read
    total = sum(len(world.truth(SALESFORCE, kind)) for kind in KINDS)
    assert total - 12 <= read <= total


def test_a_mapping_that_no_pack_can_be_read_with_is_refused_before_anything_is_read(world: World) -> None:
    world.pulled()
    world.start(extra='[salesforce.fields.account]\nplot = "Site"')
    with pytest.raises(ConfigError, match="SYN108 the field 'plot' has no type"):
        world.pulled()
    with world.context.store.read() as conn:
        assert [run.outcome for run in runs.runs(conn, 9, "pull")] == ["ok"]


def test_another_field_mapping_reads_everything_again_and_is_incomplete_until_then(world: World) -> None:
    small_pages(world)
    for account in world.salesforce.records("Account"):
        world.edit_salesforce(account["Id"], Site="Mill Lane")
    world.wait(60)
    world.pulled()
    world.adopt()
    world.wait(600)
    world.start(extra='[salesforce.fields.account]\nsite = {field = "Site", type = "text"}')
    with pytest.raises(RefusedError, match="SYN550 no complete mirror of salesforce and hubspot yet"):
        make_plan(world.context)
    trouble = world.trouble(SALESFORCE, LOCATOR, skip=USER_PAGES)
    assert world.pull().systems[0].outcome == "incomplete"
    assert not world.status(SALESFORCE).complete
    with pytest.raises(RefusedError, match="SYN550 no complete mirror of salesforce yet"):
        make_plan(world.context)
    trouble.times = 0
    read = world.pulled().systems[0].read
    total = sum(len(world.truth(SALESFORCE, kind)) for kind in KINDS)
    assert total - 12 <= read < total, "the walk is gone on with, not begun again"
    assert {one.fields["site"] for one in world.mirrored(SALESFORCE, ACCOUNT).values()} == {"Mill Lane"}
    world.assert_equal()
    assert make_plan(world.context)["summary"]["evaluated"] > 0


def test_another_organization_is_refused_by_every_kind_of_pull(world: World) -> None:
    world.pulled()
    held = world.mirrored(SALESFORCE, ACCOUNT), world.mirrored(HUBSPOT, ACCOUNT)
    world.salesforce = SalesforceOrg(clock=world.clock, organization_id="00D000000000042EAA")
    world.salesforce.base_url = "https://acme.my.salesforce.com"
    world.hubspot = HubspotPortal(clock=world.clock, portal_id=4242)
    world.wait(24 * 60)
    world.start()
    reports = [world.pull(), sweep(world.context)]
    for report in reports:
        assert [one.error and one.error.code for one in report.systems] == ["SYN403", "SYN403"]
        assert report.exit_code is ExitCode.CRM
    assert delayed_pass(world.context).systems[0].error is not None
    assert (world.mirrored(SALESFORCE, ACCOUNT), world.mirrored(HUBSPOT, ACCOUNT)) == held


def test_the_delayed_pass_finds_what_the_search_index_showed_late(world: World) -> None:
    world.pulled()
    company = world.account(HUBSPOT).id
    world.hubspot.quirks.record_lag[f"companies/{company}"] = 40 * 60.0
    world.wait()
    world.edit_hubspot(company, name="Shown late")
    for _ in range(4):
        world.wait(25)
        world.pulled()
    assert world.mirrored(HUBSPOT, ACCOUNT)[company].fields["name"] != "Shown late"
    assert delayed_pass(world.context).systems[0].changed == 1
    world.assert_equal()
    assert delayed_pass(world.context).systems[0].changed == 0


def test_a_sweep_marks_what_is_gone_for_good(world: World) -> None:
    world.pulled()
    gone = world.account(HUBSPOT).id
    world.hubspot.quirks.hidden.add(f"companies/{gone}")
    world.wait()
    report = sweep(world.context)
    assert report.systems[1].deleted == 1
    assert gone not in world.mirrored(HUBSPOT, ACCOUNT)


@pytest.mark.parametrize(
    ("system", "path", "rows"),
    [(SALESFORCE, "q=SELECT+Id+FROM+Account", "records"), (HUBSPOT, "properties=hs_object_id&", "results")],
)
def test_a_sweep_deletes_nothing_that_its_list_alone_lacks(world: World, system: System, path: str, rows: str) -> None:
    """Seeds 70212 and 70678: a page of the list was an older answer, and ten live records were marked deleted."""
    world.pulled()
    held = world.mirrored(system, ACCOUNT)
    gone = world.account(HUBSPOT).id
    world.hubspot.quirks.hidden.add(f"companies/{gone}")

    def shortened(answer: HttpResponse) -> HttpResponse:
        document = json.loads(answer.body)
        document[rows] = document[rows][:-3]
        return replace(answer, body=json.dumps(document).encode())

    world.wire(system).add(Trouble(path_has(path), after=shortened, times=1))
    world.wait()
    report = sweep(world.context)
    assert world.mirrored(system, ACCOUNT).keys() == held.keys() - {gone}
    of_system = next(each for each in report.systems if each.system is system)
    assert any("the list of account records lacked 3 that are there" in note for note in of_system.notes)
    assert sum(each.deleted for each in report.systems) == 1


def test_a_sweep_that_would_delete_too_much_stops(world: World) -> None:
    world.pulled()
    held = world.mirrored(HUBSPOT, ACCOUNT)
    for company in sorted(held)[:11]:
        world.hubspot.quirks.hidden.add(f"companies/{company}")
    world.wait()
    report = sweep(world.context)
    assert report.systems[1].error is not None
    assert report.systems[1].error.code == "SYN404"
    assert report.exit_code is ExitCode.GUARD
    assert world.mirrored(HUBSPOT, ACCOUNT) == held
    with world.context.store.read() as conn:
        assert runs.last_success(conn, "sweep") is None


def test_teams_that_cannot_be_read_are_noted(world: World) -> None:
    world.pulled()
    world.start()
    world.trouble(SALESFORCE, "AccountTeamMember")
    report = world.pulled()
    assert "account teams cannot be read" in report.systems[0].notes[-1]
    with world.context.store.read() as conn:
        assert not mirror.teams(conn, SALESFORCE).readable


def test_a_lost_lease_ends_the_pull_and_the_run_is_no_success(world: World) -> None:
    def lost() -> None:
        raise LeaseHeldError("SYN702", "the lease of epoch 1 is lost")

    with pytest.raises(LeaseHeldError):
        world.pull(check=lost)
    assert world.mirrored(SALESFORCE, ACCOUNT) == {}
    with world.context.store.read() as conn:
        run = runs.runs(conn, 1, "pull")[0]
    assert (run.outcome, run.summary["error"]) == ("failed", "SYN702 the lease of epoch 1 is lost")


def test_a_bug_is_never_recorded_as_a_success(world: World) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.pull(check=bug)
    with world.context.store.read() as conn:
        assert runs.runs(conn, 1, "pull")[0].outcome == "failed"


def test_linking_and_marking_that_a_dead_process_owed_are_done_by_the_next(
    world: World, crash_at: Callable[[str, int], type[BaseException]]
) -> None:
    world.pulled()
    world.adopt()
    new = world.salesforce.load("Account", [{"Name": "New", "Website": "new.example"}])[0]
    world.wait()
    crash = crash_at("pull.page_stored", 1)
    with pytest.raises(crash):
        world.pull()
    world.start()
    world.wait()
    report = world.pulled()
    assert report.systems[0].changed == 0
    with world.context.store.read() as conn:
        assert {ref.id: mark.source for ref, mark in ownership.marks(conn).items()}[new] == "first-seen"
