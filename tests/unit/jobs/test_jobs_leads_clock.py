"""The clock of leads: first touch in working hours, taken away once, then told; what alerts, status and explain say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from jobs_world import SALESFORCE, World
from leads_world import LeadsWorld

from syncd.cli.main import cli
from syncd.errors import RefusedError, UsageError
from syncd.jobs.answers.lead_explaining import explain_lead_ref
from syncd.jobs.watching.status import status
from syncd.jobs.watching.watch import watch
from syncd.model.refs import Kind, Ref
from syncd.report.lead_text import render_lead
from syncd.report.status_text import status_text
from syncd.store import episodes
from syncd.store.leads import LeadState

Make = Callable[..., World]
SQLITE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
SLA = "sla: {first_touch: 30min, hours: business, then: reassign}"


def firing(leads: LeadsWorld) -> dict[str, str]:
    watch(leads.world.context)
    with leads.world.context.store.read() as conn:
        found = [each for each in episodes.open_episodes(conn) if each.state == "firing"]
    names = ("LeadUnrouted", "SlaBreached")
    return {f"{each.monitor} {each.subject}": each.summary for each in found if each.monitor in names}


def test_an_untouched_lead_is_taken_away_once_and_then_told(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA)
    ref = leads.lead()
    leads.later()
    assert leads.owner(ref) == leads.reps[0]
    assert leads.later(29).document["changes"] == []
    assert leads.later(2).document["changes"] != []
    assert leads.owner(ref) == leads.reps[1]
    track = leads.track(ref)
    assert (track.state, track.breached_at, track.reassigned_at) == (LeadState.ASSIGNED, None, track.clock_from)
    assert firing(leads) == {}
    leads.later(31)
    assert leads.later().document["changes"] == []
    assert leads.owner(ref) == leads.reps[1]
    assert list(firing(leads)) == [f"SlaBreached {leads.reps[1]}"]
    leads.edit(ref, Status="Working - Contacted", LastActivityDate="2026-11-20")
    leads.later()
    assert leads.track(ref).state is LeadState.TOUCHED
    assert firing(leads) == {}


@SQLITE
def test_a_touch_stops_the_clock_and_a_status_may_be_one(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA, leads='touched = ["Working - Contacted"]\n')
    called, worked = leads.lead(), leads.lead()
    leads.later()
    leads.edit(called, LastActivityDate="2026-11-20")
    leads.edit(worked, Status="Working - Contacted")
    leads.later(40)
    assert {leads.track(ref).state for ref in (called, worked)} == {LeadState.TOUCHED}
    assert [leads.owner(ref) for ref in (called, worked)] == list(leads.reps[:2])


@SQLITE
def test_an_activity_before_the_lead_was_given_is_no_touch(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA)
    ref = leads.lead(LastActivityDate="2026-11-19")
    leads.later()
    leads.later(31)
    assert leads.owner(ref) == leads.reps[1]


@SQLITE
def test_nights_and_weekends_do_not_count(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA)
    ref = leads.lead()
    leads.world.clock.advance(timedelta(hours=5, minutes=50))  # Friday 16:50 in Berlin
    leads.world.pulled()
    leads.look()
    due = leads.track(ref).due_at
    assert due is not None
    assert due.isoformat() == "2026-11-23T08:20:01+00:00" or due.isoformat().startswith("2026-11-23T08:2")
    leads.later(60 * 48)
    assert leads.owner(ref) == leads.reps[0]


@SQLITE
def test_a_night_that_is_an_hour_short_takes_no_hour_from_the_rep(make_world: Make) -> None:
    night = 'sla: {first_touch: 4h, hours: "22:00-06:00 Europe/Berlin", then: reassign}'
    leads = LeadsWorld.make(make_world, sla=night)
    clock = leads.world.clock
    clock.advance(datetime(2027, 3, 27, 22, 0, tzinfo=UTC) - clock.now())  # 23:00 in Berlin; at 02:00 it is 03:00
    leads.world.pulled()
    ref = leads.lead()
    leads.look()
    first = leads.owner(ref)
    assert first == leads.reps[0]
    assert minute(leads.track(ref).due_at) == "2027-03-28T02:00"
    leads.later(3.5 * 60)
    assert leads.owner(ref) == first, "the wall clock says that five and a half hours are over; four were not worked"
    leads.later(31)
    assert leads.owner(ref) == leads.reps[1]
    assert minute(leads.track(ref).due_at)[:13] == "2027-03-28T22"  # what the night lacks comes the night after
    leads.later(19 * 60)
    assert firing(leads) == {}
    leads.later(2 * 60)
    assert list(firing(leads)) == [f"SlaBreached {leads.reps[1]}"]


def minute(at: datetime | None) -> str:
    """An instant to the minute."""
    assert at is not None
    return at.isoformat()[:16]


@SQLITE
def test_a_lead_that_a_person_gave_is_told_and_not_taken_away(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA)
    ref = leads.lead(OwnerId=leads.user(leads.reps[2]))
    leads.later()
    leads.later(40)
    assert leads.owner(ref) == leads.reps[2]
    assert list(firing(leads)) == [f"SlaBreached {leads.reps[2]}"]


@SQLITE
def test_a_lead_that_nobody_takes_is_told_until_somebody_does(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, steps="[{match: account}, {territory: true}]")
    ref = leads.lead(Country="Switzerland")
    leads.later()
    assert firing(leads) == {}, "not before it has waited for five minutes"
    leads.later(6)
    told = firing(leads)
    assert list(told) == ["LeadUnrouted leads"]
    assert told["LeadUnrouted leads"].startswith("1 lead waits for somebody, the longest for")
    assert "assigns nobody" in leads.track(ref).text or leads.track(ref).reason == "unrouted"
    leads.edit(ref, OwnerId=leads.user(leads.reps[1]))
    leads.later()
    assert firing(leads) == {}


@SQLITE
def test_status_says_how_leads_stand_and_how_soon_they_were_given(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, steps="[{match: account}, {pool: inbound}]")
    for _ in range(4):
        leads.lead()
        leads.later()
    document = status(leads.world.context.settings, leads.world.context.store, clock=leads.world.clock)
    known = document["leads"]
    assert (known["waiting"], known["running"], known["overdue"]) == (0, 4, 0)
    assert known["speed"]["leads"] == 4
    assert 59 <= known["speed"]["p50_seconds"] <= known["speed"]["p95_seconds"] <= 65
    assert "half in" in status_text(document)


@SQLITE
def test_explain_tells_a_lead_of_the_mirror_from_its_values_to_its_clock(make_world: Make) -> None:
    leads = LeadsWorld.make(make_world, sla=SLA)
    ref = leads.lead(Email="jo@gmail.com", Country="Germany")
    with pytest.raises(UsageError, match="SYN571"):
        explain_lead_ref(leads.world.context, ref)
    leads.later(dry_run=True)
    before = render_lead(explain_lead_ref(leads.world.context, ref))
    assert f"goes to  {leads.reps[0]}" in before
    leads.later()
    document = explain_lead_ref(leads.world.context, ref)
    assert document["lead"]["email"] == "jo@gmail.com"
    assert document["standing"]["state"] == "assigned"
    assert document["sla"]["due_at"] is not None
    assert [each["to"] for each in document["written"]] == [leads.reps[0]]
    text = render_lead(document)
    for words in ("runs until", "Written", "given", "first touch within 30min", "country: Germany", "would go to"):
        assert words in text


@SQLITE
def test_explain_of_a_lead_says_that_leads_are_not_read(make_world: Make) -> None:
    world = make_world(only=SALESFORCE)
    world.pulled()
    with pytest.raises(RefusedError, match="SYN570"):
        explain_lead_ref(world.context, Ref(SALESFORCE, Kind.LEAD, "00Q000000000001AAA"))


@SQLITE
def test_the_command_line_shows_a_look_and_a_lead(make_world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    leads = LeadsWorld.make(make_world, mode="observe")
    ref = leads.lead(Email="jo@gmail.com")
    leads.later()
    for name, value in leads.world.environ.items():
        monkeypatch.setenv(name, value)
    config = ["--config", str(leads.world.folder / "config.toml")]
    shown = CliRunner().invoke(cli, [*config, "explain", str(ref)])
    assert shown.exit_code == 0, shown.output
    assert "jo@gmail.com" in shown.output
