"""What people do with alerts: taking one, silences, a test of receivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS
from syncd.alerts.bodies import FORMAT
from syncd.alerts.episodes import ended
from syncd.alerts.monitors import MONITORS
from syncd.alerts.receivers.delivery import DeliveryError
from syncd.alerts.receivers.routing import ACKNOWLEDGED, TEST
from syncd.clock import iso
from syncd.errors import InputError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.telling import open_receivers
from syncd.jobs.watching.alert_reading import MOST_SILENCES, alert_document, episode_of, silence_body
from syncd.jobs.watching.watch import enqueue_step, save_step
from syncd.rules.suggestion import did_you_mean
from syncd.store import episodes as store
from syncd.store import ledger

MOST_SILENCED = timedelta(days=90)
"""A silence that outlives the reason for it hides the next trouble."""
TEST_EVENT = "syncd:test"
_LATCHED = frozenset({monitor.name for monitor in MONITORS if monitor.edge} | {BASELINE_FINDINGS})


def acknowledge(context: Context, alert_id: int) -> dict[str, Any]:
    """Say that the caller looks after an alert; one that tells of a change ends with it. Returns its document.

    Raises InputError SYN803 for an id that there is not and SYN804 for an alert that is over.
    """
    now, receivers = context.clock.now(), open_receivers(context)
    with context.store.write() as conn:
        episode = episode_of(conn, alert_id)
        if episode.state == "resolved":
            raise InputError("SYN804", f"alert {alert_id} is over already", hint="`syncd alerts` lists the open ones")
        store.acknowledge(conn, alert_id, context.actor, now)
        facts: Mapping[str, str | int | None] = {"alert": alert_id, "monitor": episode.monitor}
        ledger.append(conn, at=now, event="alert.acknowledged", ref=None, actor=context.actor, run_id=None, facts=facts)
        known = replace(episode, acknowledged_by=context.actor)
        if episode.monitor not in _LATCHED:
            enqueue_step(conn, known, ACKNOWLEDGED, receivers, now)
        else:
            save_step(conn, ended(known, now, episode.monitor != BASELINE_FINDINGS), receivers, now)
    return alert_document(context.store, alert_id)


def silence(
    context: Context, matchers: Mapping[str, str], *, until: datetime, comment: str, starts: datetime | None = None
) -> dict[str, Any]:
    """Silence what falls under all of `matchers` until an instant; returns the silence's document.

    Raises UsageError SYN806 without a matcher and for a monitor that there is not, SYN807 for an end that is not
    after the start, or is more than MOST_SILENCED ahead.
    """
    now = context.clock.now()
    if not matchers:
        raise UsageError("SYN806", "a silence without a matcher would silence everything", hint="write monitor=RepLeft")
    monitor = matchers.get("monitor", "*")
    known = [each.name for each in MONITORS] + [BASELINE_FINDINGS]
    if not any(fnmatchcase(name, monitor) for name in known):
        raise UsageError("SYN806", f"there is no monitor `{monitor[:60]}`", hint=did_you_mean(monitor, known))
    if not max(now, starts or now) < until <= now + MOST_SILENCED:
        raise UsageError(
            "SYN807", f"a silence ends after it starts, and within {MOST_SILENCED.days} days", hint="write --until 4h"
        )
    with context.store.write() as conn:
        number = store.add_silence(
            conn, matchers=matchers, ends_at=until, author=context.actor, comment=comment, now=now, starts_at=starts
        )
        facts: Mapping[str, str | int | None] = {"silence": number, "until": iso(until)}
        ledger.append(conn, at=now, event="alert.silenced", ref=None, actor=context.actor, run_id=None, facts=facts)
        found = next(each for each in store.list_silences(conn, limit=MOST_SILENCES) if each.id == number)
    return silence_body(found, now)


def expire_silence(context: Context, number: int) -> None:
    """End a silence now; what it kept back and still holds is told by the next watch. InputError SYN808 for none."""
    now = context.clock.now()
    with context.store.write() as conn:
        known = {each.id: each for each in store.list_silences(conn, limit=MOST_SILENCES)}
        if number not in known or known[number].ends_at <= now:
            raise InputError(
                "SYN808", f"there is no silence {number} in force", hint="`syncd alerts silence list` lists them"
            )
        store.end_silence(conn, number, now=now)
        facts: Mapping[str, str | int | None] = {"silence": number}
        ledger.append(conn, at=now, event="alert.unsilenced", ref=None, actor=context.actor, run_id=None, facts=facts)


def matchers_of_alert(context: Context, alert_id: int) -> dict[str, str]:
    """The matchers that one alert falls under, and no other of its monitor: InputError SYN803 for an unknown id."""
    with context.store.read() as conn:
        episode = episode_of(conn, alert_id)
    return {"monitor": episode.monitor, **episode.labels}


def send_test(context: Context, name: str | None) -> list[dict[str, Any]]:
    """Send a test notice to one receiver or to all; how each took it. UsageError SYN805 for an unknown name."""
    receivers = open_receivers(context)
    if name is not None and name not in receivers:
        raise UsageError("SYN805", f"there is no receiver {name}", hint="there are " + ", ".join(receivers))
    body = test_body(context)
    results: list[dict[str, Any]] = []
    for receiver in receivers.values() if name is None else [receivers[name]]:
        outcome: dict[str, Any] = {"receiver": receiver.name, "delivered": True, "reason": None, "detail": None}
        try:
            receiver.deliver(body)
        except DeliveryError as error:
            outcome |= {"delivered": False, "reason": error.reason, "detail": error.detail}
        results.append(outcome)
    return results


def test_body(context: Context) -> dict[str, Any]:
    """A notice that tells of nothing."""
    now, token = iso(context.clock.now()), context.entropy.token()
    return {
        "format": FORMAT,
        "kind": TEST,
        "event_id": f"{TEST_EVENT}:{token}:test",
        "dedup_key": f"{TEST_EVENT}:{token}",
        "reason": "test",
        "at": now,
        "id": None,
        "monitor": "Test",
        "severity": "info",
        "state": "resolved",
        "subject": "test",
        "labels": {},
        "summary": f"a test by {context.actor}: nothing is wrong",
        "since": now,
        "started_at": now,
        "fired_at": None,
        "resolved_at": now,
        "acknowledged_by": None,
        "suppressed_by": None,
        "waits_for": None,
        "flapping": False,
        "told_in": None,
        "who": [],
        "money": None,
        "evidence": [],
        "accounts": [],
        "accounts_total": 0,
        "first_command": None,
        "runbook": None,
        "text": f"[info] Test: a test by {context.actor}: nothing is wrong",
    }
