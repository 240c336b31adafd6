"""The life of alerts: flapping, silences, inhibition, working hours, digests, and what happens after a long stop."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alerts_world import HS, NOW, PACK, SF, World, account, receiver, user, won

from syncd.alerts import flapping
from syncd.alerts.episodes import Round, Transition, transitions
from syncd.alerts.options import Handling
from syncd.alerts.view import Condition, Signal
from syncd.clock import ManualClock
from syncd.errors import InputError, UsageError
from syncd.jobs.watching.alert_reading import alert_document, alerts_document, silences_document
from syncd.jobs.watching.alerting import acknowledge, expire_silence, silence
from syncd.model.refs import System
from syncd.store.engine import Store
from syncd.store.episodes import Episode, Silence

AT_WORK = PACK.replace('["00:00-24:00"]', '["Mon-Fri 08:00-18:00"]')
LEVEL = Handling("Level", "ticket", "r")


class Watched:
    """One condition, looked at again and again, with what is told of it."""

    def __init__(self, rules: Handling = LEVEL) -> None:
        self.rules = rules
        self.now = NOW
        self.open: tuple[Episode, ...] = ()
        self.histories: dict[str, str] = {}
        self.told: list[str] = []

    def see(self, firing: bool, *, silences: tuple[Silence, ...] = (), working: bool = True) -> list[str]:
        self.now += timedelta(minutes=1)
        condition = Condition.FIRING if firing else Condition.CLEAR
        around = Round(self.now, working=working, silences=silences, histories=self.histories)
        said = Signal("it", {"account": "1"}, "it is so", condition=condition)
        outcome = transitions({self.rules.monitor: (said,)}, self.open, around, {self.rules.monitor: self.rules})
        self.histories = dict(outcome.histories)
        steps = {step.episode.fingerprint: step for step in outcome.steps}
        known = [steps.pop(each.fingerprint, Transition(each)).episode for each in self.open]
        made = [replace(step.episode, id=len(self.told) + 1) for step in steps.values()]
        self.open = tuple(each for each in (*known, *made) if each.state != "resolved")
        told = [step.reason for step in outcome.steps if step.reason]
        self.told += told
        return told


def test_what_comes_and_goes_is_told_as_flapping_once_and_then_no_more() -> None:
    watched = Watched()
    for number in range(60):
        watched.see(number % 2 == 0)
    assert watched.told.count("flapping") == 1
    assert watched.told.index("flapping") == len(watched.told) - 1
    assert len(watched.told) <= 12
    (episode,) = watched.open
    assert episode.detail["flapping"] is True
    calm = [watched.see(False) for _ in range(30)]
    assert [told for told in calm if told] == [["resolved"]]
    assert watched.open == ()
    assert watched.histories == {}


def test_what_flaps_and_stays_fires_on_without_another_notice() -> None:
    watched = Watched()
    for number in range(60):
        watched.see(number % 2 == 0)
    before = list(watched.told)
    for _ in range(40):
        watched.see(True)
    (episode,) = watched.open
    assert "flapping" not in episode.detail
    assert watched.told == before
    assert watched.see(False) == ["resolved"]


def test_a_single_change_does_not_flap_and_is_forgotten() -> None:
    watched = Watched()
    told = [watched.see(number >= 5) for number in range(60)]
    assert [each for each in told if each] == [["fired"]]
    assert watched.histories == {}


@pytest.mark.parametrize(("bits", "share"), [("0" * 21, 0.0), ("01" * 10 + "0", 1.0)])
def test_the_share_of_change_is_none_or_all(bits: str, share: float) -> None:
    assert flapping.change_share(bits) == pytest.approx(share)


def test_a_newer_change_weighs_more() -> None:
    assert flapping.change_share("0" * 20 + "1") > flapping.change_share("0" + "1" * 20)


def hush(**matchers: str) -> tuple[Silence, ...]:
    return (Silence(7, matchers, NOW, NOW + timedelta(days=1), "mei", "known"),)


@pytest.mark.parametrize(
    "matchers", [{"monitor": "Level"}, {"monitor": "Lev*"}, {"account": "1", "severity": "ticket"}, {"subject": "i?"}]
)
def test_a_silenced_alert_is_told_when_the_silence_is_over(matchers: dict[str, str]) -> None:
    watched = Watched()
    assert watched.see(True, silences=hush(**matchers)) == []
    assert watched.see(True, silences=hush(**matchers)) == []
    (episode,) = watched.open
    assert episode.detail["suppressed_by"] == "silence 7"
    assert watched.see(True) == ["fired"]
    assert "suppressed_by" not in watched.open[0].detail
    assert watched.see(True) == []
    assert watched.see(False) == ["resolved"]


def test_what_was_over_before_its_silence_was_is_told_to_nobody() -> None:
    watched = Watched()
    watched.see(True, silences=hush(monitor="Level"))
    assert watched.see(False, silences=hush(monitor="Level")) == []
    assert watched.see(True, silences=hush(monitor="Other")) == ["fired"]


def test_the_end_of_what_was_told_is_told_through_a_silence() -> None:
    watched = Watched()
    watched.see(True)
    watched.see(True, silences=hush(monitor="Level"))
    assert watched.see(False, silences=hush(monitor="Level")) == ["resolved"]


@pytest.mark.parametrize("matchers", [{"monitor": "Other"}, {"account": "2"}, {"rep": "1"}])
def test_a_silence_of_something_else_keeps_nothing_back(matchers: dict[str, str]) -> None:
    assert Watched().see(True, silences=hush(**matchers)) == ["fired"]


def test_outside_working_hours_an_alert_about_data_waits_and_a_page_does_not() -> None:
    watched = Watched(replace(LEVEL, in_hours=True))
    assert watched.see(True, working=False) == []
    assert watched.open[0].detail["waits_for"] == "working hours"
    assert watched.see(True) == ["fired"]
    assert "waits_for" not in watched.open[0].detail
    assert Watched(replace(LEVEL, in_hours=True, severity="page")).see(True, working=False) == ["fired"]


def test_the_packs_labels_stand_in_the_alert_and_are_no_part_of_what_it_is() -> None:
    watched, labelled = Watched(), Watched(replace(LEVEL, labels={"team": "revops"}))
    watched.see(True)
    labelled.see(True)
    assert labelled.open[0].labels == {"account": "1", "team": "revops"}
    assert labelled.open[0].fingerprint == watched.open[0].fingerprint
    assert labelled.see(True, silences=hush(team="revops")) == []


@pytest.fixture
def told(tmp_path: Path, store: Store, clock: ManualClock) -> World:
    """A world with one file receiver."""
    return World.make(tmp_path, store, clock, config=receiver("first", tmp_path / "first.jsonl"))


def lines(world: World) -> list[dict]:  # type: ignore[type-arg]
    path = world.folder / "first.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def begin(world: World, count: int = 3) -> None:
    world.users(user("anna"), user("ben"))
    world.put(*(account(number) for number in range(count)))
    world.pulled()
    world.watch()


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_a_customer_lost_at_night_is_told_of_in_the_morning(told: World) -> None:
    told.pack(AT_WORK)
    told.clock.set(at(19, 16))
    begin(told)
    told.clock.set(at(19, 20))
    told.put(account(1, type="Former Customer"))
    told.later(0)
    assert told.watch().fired == 0
    (episode,) = told.episodes("AccountChurned")
    assert (episode.state, alert_document(told.context.store, episode.id or 0)["waits_for"]) == (
        "pending",
        "working hours",
    )
    told.clock.set(at(20, 1))
    told.later(0)
    told.watch()
    told.clock.set(at(20, 6))
    told.later(0)
    told.watch()
    assert lines(told) == []
    told.clock.set(at(20, 8))
    told.later(0)
    assert told.watch().fired == 1
    assert [body["monitor"] for body in lines(told)] == ["AccountChurned"]


def test_a_night_of_waiting_does_not_read_the_book_every_minute(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from syncd.jobs.watching import outlook

    told.pack(AT_WORK)
    told.clock.set(at(19, 16))
    begin(told)
    told.clock.set(at(19, 20))
    told.put(account(1, type="Former Customer"))
    told.later(0)
    told.watch()
    read: list[int] = []
    original = outlook.read_book
    monkeypatch.setattr(outlook, "read_book", lambda *given: (read.append(1), original(*given))[1])
    for _ in range(10):
        told.later(1)
        told.watch()
    assert read == []


def test_a_page_opens_at_any_hour(tmp_path: Path, store: Store, clock: ManualClock) -> None:
    world = World.make(tmp_path, store, clock, config='mode = "apply"\n', pack=AT_WORK)
    clock.set(at(19, 22))
    begin(world)
    world.later(16, SF)
    world.watch()
    assert [(each.monitor, each.severity) for each in world.episodes(states=["firing"])] == [("SourceStale", "page")]


def test_many_alerts_of_one_monitor_at_once_are_told_in_one_digest(told: World) -> None:
    rows = "\n".join(f",r{number}@example.com,2026-12,1000," for number in range(60))
    told.more_pack("quotas: {file: quotas.csv}\nmonitors: {AttainmentAbove: false}\n")
    told.file("quotas.csv", f"territory,rep,period,quota,currency\n{rows}\n")
    begin(told)
    for day in range(1, 8):
        told.clock.set(datetime(2026, 12, day, 4, 47, tzinfo=UTC))
        told.later(0)
        told.watch()
        told.clock.set(datetime(2026, 12, day, 9, tzinfo=UTC))
        told.later(0)
        told.watch()
    assert len(told.firing("AttainmentBelow")) == 60
    digests = [body for body in lines(told) if body["subject"] == "AttainmentBelow"]
    assert [body["severity"] for body in digests] == ["ticket"]
    assert "60 alerts AttainmentBelow began at once" in digests[0]["summary"]
    assert not [body for body in lines(told) if body["monitor"] == "AttainmentBelow"]
    told.clock.set(datetime(2026, 12, 7, 12, tzinfo=UTC))
    told.later(0)
    before = len(lines(told))
    told.watch()
    assert len(lines(told)) == before


def test_a_week_after_a_stop_there_is_one_digest_and_no_false_stale_source(told: World) -> None:
    begin(told, 5)
    told.clock.advance(timedelta(days=7))
    told.watch()
    assert told.firing() == []
    told.put(account(1, type="Former Customer"), account(2, type="Former Customer"))
    told.users(user("anna", active=False), user("ben"))
    told.later(4)
    told.watch()
    told.later(5)
    told.watch()
    assert [(body["monitor"], body["subject"], body["severity"]) for body in lines(told)] == [
        ("BaselineFindings", "catch-up", "ticket")
    ]
    assert "2 AccountChurned" in lines(told)[0]["summary"]
    assert lines(told)[0]["ended"] == []
    assert told.firing("AccountChurned", "RepLeft") == [
        "AccountChurned Company 1",
        "AccountChurned Company 2",
        "RepLeft anna@example.com",
    ]
    told.put(account(3, type="Former Customer"))
    told.later(5)
    told.watch()
    assert [body["monitor"] for body in lines(told)][1:] == ["AccountChurned"]


def test_a_source_that_stays_dead_after_a_stop_is_told(told: World) -> None:
    begin(told)
    told.clock.advance(timedelta(days=7))
    told.watch()
    told.later(16, HS)
    told.watch()
    assert told.firing() == ["BaselineFindings catch-up", "SourceStale salesforce"]
    assert [body["severity"] for body in lines(told)] == ["ticket"]


def each_minute(world: World, minutes: int, *systems: System) -> None:
    """Watches a minute apart, over mirrors of some systems that a pull has just read."""
    for _ in range(minutes):
        world.later(1, *systems)
        world.watch()


def test_a_stop_of_twenty_minutes_makes_no_source_stale_until_a_pull_had_its_time(told: World) -> None:
    begin(told)
    each_minute(told, 3)
    told.clock.advance(timedelta(minutes=20))
    told.watch()
    each_minute(told, 14, HS)
    assert told.firing() == []
    each_minute(told, 2, HS)
    assert told.firing() == ["SourceStale salesforce"]


def test_a_source_that_was_stale_before_a_stop_stays_so(told: World) -> None:
    begin(told)
    each_minute(told, 17, HS)
    assert told.firing() == ["SourceStale salesforce"]
    told.clock.advance(timedelta(minutes=20))
    told.watch()
    assert told.firing() == ["SourceStale salesforce"]


def test_where_watches_are_rare_a_stale_source_is_told_by_each_of_them(told: World) -> None:
    begin(told)
    for _ in range(4):
        told.clock.advance(timedelta(minutes=40))
        told.watch()
        assert told.firing() == ["SourceStale hubspot", "SourceStale salesforce"]


def test_what_a_baseline_told_of_is_open_and_its_end_is_told_to_nobody(told: World) -> None:
    told.put(account(9, country="Japan"))
    begin(told)
    assert told.firing() == ["BaselineFindings baseline", "Unassigned rest"]
    (alert,) = [each for each in alerts_document(told.context.store)["alerts"] if each["monitor"] == "Unassigned"]
    assert alert["told_in"] == "baseline"
    told.put(account(9, country="Germany"))
    told.later(1)
    told.watch()
    assert told.firing() == ["BaselineFindings baseline"]
    assert [body["monitor"] for body in lines(told)] == ["BaselineFindings"]


def test_silences_keep_notices_back_until_they_end(told: World) -> None:
    begin(told)
    made = silence(
        told.context, {"monitor": "AccountChurned"}, until=told.clock.now() + timedelta(hours=1), comment="x"
    )
    assert (made["state"], made["author"], made["comment"]) == ("active", "uid:7", "x")
    told.put(account(1, type="Former Customer"))
    told.later(5)
    assert told.watch().fired == 0
    (alert,) = alerts_document(told.context.store)["alerts"]
    assert alert["suppressed_by"] == f"silence {made['id']}"
    told.later(20)
    told.watch()
    assert lines(told) == []
    expire_silence(told.context, made["id"])
    assert silences_document(told.context.store, now=told.context.clock.now())["silences"] == []
    assert [
        each["state"]
        for each in silences_document(told.context.store, now=told.context.clock.now(), everything=True)["silences"]
    ] == ["expired"]
    told.later(1)
    assert told.watch().fired == 1
    assert [body["reason"] for body in lines(told)] == ["fired"]
    with pytest.raises(InputError, match="SYN808"):
        expire_silence(told.context, made["id"])


def test_an_alert_that_was_taken_while_silenced_is_told_to_nobody(told: World) -> None:
    begin(told)
    silence(told.context, {"rep": "*"}, until=told.clock.now() + timedelta(hours=1), comment="x")
    told.users(user("anna", active=False), user("ben"))
    told.later(5)
    told.watch()
    (alert,) = [each for each in alerts_document(told.context.store)["alerts"] if each["monitor"] == "RepLeft"]
    acknowledge(told.context, alert["id"])
    told.later(90)
    told.watch()
    assert "RepLeft" not in {body["monitor"] for body in lines(told)}


@pytest.mark.parametrize(
    ("matchers", "hours", "code"),
    [
        ({}, 1, "SYN806"),
        ({"monitor": "RepLft"}, 1, "SYN806"),
        ({"rep": "a"}, -1, "SYN807"),
        ({"rep": "a"}, 9999, "SYN807"),
    ],
)
def test_a_silence_that_hides_everything_or_ends_never_is_refused(
    world: World, matchers: dict[str, str], hours: int, code: str
) -> None:
    with pytest.raises(UsageError, match=code):
        silence(world.context, matchers, until=world.clock.now() + timedelta(hours=hours), comment="x")


def test_a_notice_says_in_words_what_who_how_much_since_when_and_what_first(told: World) -> None:
    begin(told)
    told.put(won(1, account(1), 5000, "2026-10-01"))
    told.users(user("anna", active=False), user("ben"))
    told.later(5)
    told.watch()
    (body,) = [body for body in lines(told) if body["monitor"] == "RepLeft"]
    text = body["text"].splitlines()
    assert text[0] == "[ticket] RepLeft anna@example.com: fired"
    assert text[2:] == [
        "who: anna@example.com",
        "money: 0 USD (open pipeline of their accounts)",
        "accounts: 3",
        "since: 2026-11-20T10:05:00.000Z, still going on",
        "first: syncd leaver anna@example.com",
        "runbook: docs/runbooks/rep-left.md",
    ]
