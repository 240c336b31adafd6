"""Episodes as pure values: fingerprints, keys, and each step from pending to resolved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.alerts.episodes import Round, dedup_key, fingerprint, transitions
from syncd.alerts.options import Handling
from syncd.alerts.view import Condition, Signal
from syncd.model.refs import System
from syncd.store.episodes import Episode

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LEVEL = Handling("Level", "ticket", "docs/runbooks/level.md")
LATCHED = Handling("Edge", "ticket", "docs/runbooks/edge.md", latched=True)


def signal(condition: Condition = Condition.FIRING, *, summary: str = "it is so", **labels: str) -> Signal:
    return Signal("subject", labels or {"account": "1"}, summary, {"evidence": [summary]}, condition)


def step(rules: Handling, *signals: Signal, known: tuple[Episode, ...] = (), minutes: int = 0):  # type: ignore[no-untyped-def]
    around = Round(NOW + timedelta(minutes=minutes))
    return transitions({rules.monitor: signals}, known, around, {rules.monitor: rules}).steps


def opened(rules: Handling, **changes: object) -> Episode:
    from dataclasses import replace

    (first,) = step(rules, signal())
    return replace(first.episode, id=7, **changes)  # type: ignore[arg-type]


def test_a_fingerprint_is_the_monitor_and_its_labels_in_any_order() -> None:
    one = fingerprint("M", {"a": "1", "b": "2"})
    assert one == fingerprint("M", {"b": "2", "a": "1"})
    assert len({one, fingerprint("N", {"a": "1", "b": "2"}), fingerprint("M", {"a": "1", "b": "3"})}) == 3


def test_the_key_tells_episodes_of_one_fingerprint_apart_and_is_short() -> None:
    episode = opened(LEVEL)
    assert dedup_key(episode) == f"syncd:{episode.fingerprint}:7"
    assert len(dedup_key(episode)) < 255


def test_a_condition_fires_at_once_and_is_told_once() -> None:
    (first,) = step(LEVEL, signal())
    assert (first.episode.state, first.reason) == ("firing", "fired")
    assert step(LEVEL, signal(), known=(first.episode,)) == ()


def test_what_moves_is_refreshed_and_told_to_nobody() -> None:
    (changed,) = step(LEVEL, signal(summary="worse"), known=(opened(LEVEL),))
    assert (changed.episode.summary, changed.reason) == ("worse", None)
    assert changed.episode.detail["runbook"] == LEVEL.runbook


def test_two_signals_with_one_fingerprint_are_one_episode() -> None:
    assert len(step(LEVEL, signal(), signal(summary="again"))) == 1


@pytest.mark.parametrize("said", [(), (signal(Condition.CLEAR),)])
def test_a_condition_that_is_over_is_resolved_and_told(said: tuple[Signal, ...]) -> None:
    (over,) = step(LEVEL, *said, known=(opened(LEVEL),))
    assert (over.episode.state, over.reason) == ("resolved", "resolved")


@pytest.mark.parametrize("rules", [LEVEL, LATCHED])
def test_what_is_not_known_changes_nothing(rules: Handling) -> None:
    assert step(rules, signal(Condition.HOLDING), known=(opened(rules),)) == ()
    assert step(rules, signal(Condition.HOLDING)) == ()


def test_a_monitor_that_was_not_asked_leaves_its_episodes_alone() -> None:
    assert transitions({}, (opened(LEVEL),), Round(NOW), {}).steps == ()


def test_what_never_fired_is_never_told_as_over() -> None:
    pending = opened(LEVEL, state="pending", fired_at=None)
    (over,) = step(LEVEL, known=(pending,))
    assert (over.episode.state, over.reason) == ("resolved", None)


def test_a_change_stays_open_until_somebody_takes_it() -> None:
    assert step(LATCHED, known=(opened(LATCHED),), minutes=10_000) == ()
    (fresher,) = step(LATCHED, signal(summary="again"), known=(opened(LATCHED),))
    assert (fresher.episode.summary, fresher.reason) == ("again", None)
    (over,) = step(LATCHED, known=(opened(LATCHED, acknowledged_by="mei"),))
    assert (over.episode.state, over.reason) == ("resolved", "resolved")


def test_waiting_and_keeping() -> None:
    patient = Handling("Level", "ticket", "r", waits=timedelta(minutes=10), keeps=timedelta(minutes=10))
    (first,) = step(patient, signal())
    assert (first.episode.state, first.reason) == ("pending", None)
    assert [each.reason for each in step(patient, signal(), known=(first.episode,), minutes=9)] == []
    (fired,) = step(patient, signal(), known=(first.episode,), minutes=10)
    assert (fired.episode.state, fired.reason) == ("firing", "fired")
    (kept,) = step(patient, known=(fired.episode,), minutes=11)
    assert (kept.episode.state, kept.reason) == ("firing", None)
    (back,) = step(patient, signal(), known=(kept.episode,), minutes=12)
    assert "clear_since" not in back.episode.detail
    (over,) = step(patient, known=(kept.episode,), minutes=21)
    assert over.reason == "resolved"


def test_a_stale_source_mutes_what_was_read_from_it() -> None:
    stale = Signal("salesforce", {"system": "salesforce"}, "stale")
    churned = Signal("Acme", {"account": "1"}, "churned", systems=frozenset({System.SALESFORCE}))
    other = Signal("Beta", {"account": "2"}, "churned", systems=frozenset({System.HUBSPOT}))
    rules = {name: Handling(name, "ticket", "r") for name in ("SourceStale", "AccountChurned")}
    found = transitions({"SourceStale": (stale,), "AccountChurned": (churned, other)}, (), Round(NOW), rules)
    assert [each.episode.subject for each in found.steps] == ["salesforce", "Beta"]
