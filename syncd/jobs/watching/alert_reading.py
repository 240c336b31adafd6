"""Reading alerts and silences: one question to the store each, asked by commands, the daemon and the console alike.

Imports no monitor, no receiver and no connector: `syncd alerts` is asked by somebody who was just woken.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.alerts.bodies import FORMAT, episode_body
from syncd.clock import iso
from syncd.errors import InputError
from syncd.store import episodes, runs
from syncd.store.engine import Store

MOST_SILENCES = 1000
_OPEN: tuple[episodes.EpisodeState, ...] = ("pending", "firing")


def alerts_document(store: Store, *, everything: bool = False, limit: int = 200) -> dict[str, Any]:
    """The alerts that are open, or the newest of all, as JSON."""
    with store.read() as conn:
        found = episodes.list_episodes(conn, states=None if everything else _OPEN, limit=limit)
        checked = _checked_at(conn)
    return {"format": FORMAT, "checked_at": checked, "alerts": [episode_body(episode) for episode in found]}


def alert_document(store: Store, alert_id: int) -> dict[str, Any]:
    """One alert with its evidence and history as JSON; InputError SYN803 for an id that there is not."""
    with store.read() as conn:
        episode = episode_of(conn, alert_id)
        notices = episodes.notices(conn, alert_id)
        checked = _checked_at(conn)
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
    return {"format": FORMAT, "checked_at": checked, **episode_body(episode), "notices": told}


def silences_document(store: Store, *, now: datetime, everything: bool = False) -> dict[str, Any]:
    """The silences in force and to come, or the newest of all, as JSON."""
    with store.read() as conn:
        found = episodes.list_silences(conn, limit=MOST_SILENCES)
    shown = [each for each in found if everything or each.ends_at > now]
    return {"format": FORMAT, "silences": [silence_body(each, now) for each in shown]}


def silence_body(each: episodes.Silence, now: datetime) -> dict[str, Any]:
    """A silence as documents show it, and whether it is in force."""
    state = "pending" if each.starts_at > now else "active" if each.ends_at > now else "expired"
    return {
        "id": each.id,
        "state": state,
        "matchers": dict(each.matchers),
        "starts_at": iso(each.starts_at),
        "ends_at": iso(each.ends_at),
        "author": each.author,
        "comment": each.comment,
    }


def episode_of(conn: Connection, alert_id: int) -> episodes.Episode:
    """The alert of that id; InputError SYN803 for an id that there is not."""
    found = episodes.get_episode(conn, alert_id)
    if found is None:
        raise InputError("SYN803", f"there is no alert {alert_id}", hint="`syncd alerts list --all` lists them")
    return found


def _checked_at(conn: Connection) -> str | None:
    checked = runs.last_success(conn, "watch")
    return iso(checked) if checked else None
