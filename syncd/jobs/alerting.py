"""What people ask of alerts: a list, one of them with its history, an acknowledgement, a test of the receivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from syncd.alerts.baseline import NAME as BASELINE_FINDINGS
from syncd.alerts.episodes import ended
from syncd.alerts.monitors import MONITORS
from syncd.alerts.notices import FORMAT, episode_body
from syncd.alerts.receivers.delivery import DeliveryError
from syncd.clock import iso
from syncd.errors import InputError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.watch import open_receivers, save_step
from syncd.store import episodes as store
from syncd.store import ledger, runs

TEST_EVENT = "syncd:test"
_OPEN: tuple[store.EpisodeState, ...] = ("pending", "firing")
_LATCHED = frozenset({monitor.name for monitor in MONITORS if monitor.edge} | {BASELINE_FINDINGS})


def alerts_document(context: Context, *, everything: bool = False, limit: int = 200) -> dict[str, Any]:
    """The alerts that are open, or the newest of all, as JSON."""
    with context.store.read() as conn:
        found = store.list_episodes(conn, states=None if everything else _OPEN, limit=limit)
        checked = runs.last_success(conn, "watch")
    return {
        "format": FORMAT,
        "checked_at": iso(checked) if checked else None,
        "alerts": [episode_body(episode) for episode in found],
    }


def alert_document(context: Context, alert_id: int) -> dict[str, Any]:
    """One alert with its evidence and history as JSON; InputError SYN803 for an id that there is not."""
    with context.store.read() as conn:
        episode = _episode(conn, alert_id)
        notices = store.notices(conn, alert_id)
        checked = runs.last_success(conn, "watch")
    told = [
        {
            "receiver": notice.receiver,
            "reason": notice.reason,
            "state": notice.state,
            "attempts": notice.attempts,
            "queued_at": iso(notice.created_at),
            "finished_at": iso(notice.finished_at) if notice.finished_at else None,
            "next_try_at": iso(notice.due_at) if notice.state == "queued" else None,
            "outcome": notice.outcome,
        }
        for notice in notices
    ]
    return {
        "format": FORMAT,
        "checked_at": iso(checked) if checked else None,
        **episode_body(episode),
        "notices": told,
    }


def acknowledge(context: Context, alert_id: int) -> dict[str, Any]:
    """Say that the caller looks after an alert; one that tells of a change ends with it. Returns its document.

    Raises InputError SYN803 for an id that there is not and SYN804 for an alert that is over.
    """
    now, receivers = context.clock.now(), open_receivers(context)
    with context.store.write() as conn:
        episode = _episode(conn, alert_id)
        if episode.state == "resolved":
            raise InputError("SYN804", f"alert {alert_id} is over already", hint="`syncd alerts` lists the open ones")
        store.acknowledge(conn, alert_id, context.actor, now)
        facts: Mapping[str, str | int | None] = {"alert": alert_id, "monitor": episode.monitor}
        ledger.append(conn, at=now, event="alert.acknowledged", ref=None, actor=context.actor, run_id=None, facts=facts)
        if episode.monitor in _LATCHED:
            known = replace(episode, acknowledged_by=context.actor)
            save_step(conn, ended(known, now, episode.monitor != BASELINE_FINDINGS), receivers, now)
    return alert_document(context, alert_id)


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
        "who": [],
        "money": None,
        "evidence": [],
        "accounts": [],
        "accounts_total": 0,
        "first_command": None,
        "runbook": None,
    }


def _episode(conn: Connection, alert_id: int) -> store.Episode:
    found = next((episode for episode in store.list_episodes(conn) if episode.id == alert_id), None)
    if found is None:
        raise InputError("SYN803", f"there is no alert {alert_id}", hint="`syncd alerts list --all` lists them")
    return found
