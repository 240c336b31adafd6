"""Alert episodes and silences, and what each monitor last saw of its subjects. Notices are in `notices`.

An episode is one firing spell of one fingerprint; a fingerprint has at most one that is not resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update

from syncd.errors import StorageError
from syncd.store.notices import Notice, claim_notices, enqueue_notice, finish_notice, notices
from syncd.store.tables import episodes, monitor_baselines, monitor_states
from syncd.store.tables import silences as silence_table
from syncd.store.upserts import chunks, upsert

__all__ = [
    "Episode",
    "EpisodeState",
    "Notice",
    "Silence",
    "acknowledge",
    "add_silence",
    "baseline_key",
    "baseline_keys",
    "claim_notices",
    "end_silence",
    "enqueue_notice",
    "finish_notice",
    "get_episode",
    "list_episodes",
    "list_silences",
    "monitor_memory",
    "monitor_state",
    "notices",
    "open_episodes",
    "save_episode",
    "save_monitor_state",
    "silences",
]

EpisodeState = Literal["pending", "firing", "resolved"]

_NEXT: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"pending", "firing", "resolved"}),
    "firing": frozenset({"firing", "resolved"}),
    "resolved": frozenset({"resolved"}),
}


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing spell; `id` is None until it is saved. `fired_at` is None for one that cleared while pending."""

    id: int | None
    fingerprint: str
    monitor: str
    subject: str
    labels: Mapping[str, str]
    severity: str
    state: EpisodeState
    started_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    summary: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence: alerts whose labels equal all of `matchers` are not sent between its two instants."""

    id: int
    matchers: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str


def open_episodes(conn: Connection) -> tuple[Episode, ...]:
    """Every episode that is pending or firing, oldest first."""
    query = select(episodes).where(episodes.c.state.in_(["pending", "firing"])).order_by(episodes.c.id)
    return tuple(_episode(row) for row in conn.execute(query).mappings())


def list_episodes(
    conn: Connection, *, states: Iterable[EpisodeState] | None = None, limit: int | None = None
) -> tuple[Episode, ...]:
    """Episodes in some states or in any, newest first."""
    query = select(episodes).order_by(episodes.c.started_at.desc(), episodes.c.id.desc()).limit(limit)
    if states is not None:
        query = query.where(episodes.c.state.in_(list(states)))
    return tuple(_episode(row) for row in conn.execute(query).mappings())


def get_episode(conn: Connection, id: int) -> Episode | None:  # noqa: A002 - as `acknowledge`
    """One episode, None for an id that there is not."""
    row = conn.execute(select(episodes).where(episodes.c.id == id)).mappings().one_or_none()
    return None if row is None else _episode(row)


def save_episode(conn: Connection, episode: Episode) -> Episode:
    """Save a new episode, or the next state of one; returns it with its id.

    Raises StorageError SYN611 where the fingerprint has an open episode already, or the step is not pending → firing →
    resolved; SYN616 for an id that there is not.
    """
    values = {
        "fingerprint": episode.fingerprint,
        "monitor": episode.monitor,
        "subject": episode.subject,
        "labels": dict(episode.labels),
        "severity": episode.severity,
        "state": episode.state,
        "started_at": episode.started_at,
        "fired_at": episode.fired_at,
        "resolved_at": episode.resolved_at,
        "summary": episode.summary,
        "detail": dict(episode.detail),
        "acknowledged_by": episode.acknowledged_by,
    }
    if episode.id is not None:
        _check_step(conn, episode.id, episode.state)
        conn.execute(update(episodes).where(episodes.c.id == episode.id).values(values))
        return episode
    others = select(episodes.c.id).where(
        episodes.c.fingerprint == episode.fingerprint, episodes.c.state.in_(["pending", "firing"])
    )
    if episode.state != "resolved" and conn.execute(others).first():
        raise StorageError("SYN611", f"{episode.monitor} of {episode.subject} has an open episode already")
    created = conn.execute(episodes.insert().returning(episodes.c.id), values | {"acknowledged_at": None}).scalar_one()
    return replace(episode, id=created)


def acknowledge(conn: Connection, id: int, who: str, now: datetime) -> None:  # noqa: A002 - the interface's word
    """Say that somebody looks after an episode. StorageError SYN616 for an id that there is not."""
    statement = update(episodes).where(episodes.c.id == id).values(acknowledged_by=who, acknowledged_at=now)
    if conn.execute(statement).rowcount != 1:
        raise _unknown(id)


def monitor_state(conn: Connection, monitor: str) -> Mapping[str, str]:
    """What a monitor last saw of each of its subjects."""
    return dict(conn.execute(_OF_MONITOR, {"of": monitor}).all())


_OF_MONITOR = select(monitor_states.c.subject, monitor_states.c.state).where(
    monitor_states.c.monitor == bindparam("of")
)


def monitor_memory(conn: Connection, monitors: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """What each of several monitors last saw of each of its subjects, empty for one that never ran."""
    found: dict[str, dict[str, str]] = {monitor: {} for monitor in monitors}
    table = monitor_states.c
    query = select(table.monitor, table.subject, table.state).where(table.monitor.in_(list(found)))
    for monitor, subject, state in conn.execute(query):
        found[monitor][subject] = state
    return found


def baseline_keys(conn: Connection) -> Mapping[str, str]:
    """The key that each monitor's state was saved under, of those that ever ran."""
    query = select(monitor_baselines.c.monitor, monitor_baselines.c.baseline_key)
    return dict(conn.execute(query).all())


def save_monitor_state(conn: Connection, monitor: str, baseline_key: str, states: Mapping[str, str]) -> None:
    """Replace what a monitor saw, and the key of the baseline that it was seen under; only differences are written."""
    conn.execute(
        upsert(conn, monitor_baselines, ("monitor",), ("baseline_key",)),
        {"monitor": monitor, "baseline_key": baseline_key},
    )
    known = monitor_state(conn, monitor)
    for batch in chunks(sorted(known.keys() - states.keys())):
        conn.execute(
            delete(monitor_states).where(monitor_states.c.monitor == monitor, monitor_states.c.subject.in_(batch))
        )
    changed = [
        {"monitor": monitor, "subject": subject, "state": state}
        for subject, state in states.items()
        if known.get(subject) != state
    ]
    if changed:
        conn.execute(upsert(conn, monitor_states, ("monitor", "subject"), ("state",)), changed)


def baseline_key(conn: Connection, monitor: str) -> str | None:
    """The key that the monitor's state was saved under; None for a monitor that never ran."""
    query = select(monitor_baselines.c.baseline_key).where(monitor_baselines.c.monitor == monitor)
    return conn.execute(query).scalar()


def silences(conn: Connection, now: datetime) -> tuple[Silence, ...]:
    """The silences in force at `now`."""
    query = select(silence_table).where(silence_table.c.starts_at <= now, silence_table.c.ends_at > now)
    return tuple(
        Silence(row.id, row.matchers, row.starts_at, row.ends_at, row.author, row.comment)
        for row in conn.execute(query.order_by(silence_table.c.id))
    )


def list_silences(conn: Connection, *, limit: int) -> tuple[Silence, ...]:
    """The newest silences, over or not, newest first."""
    query = select(silence_table).order_by(silence_table.c.id.desc()).limit(limit)
    return tuple(
        Silence(row.id, row.matchers, row.starts_at, row.ends_at, row.author, row.comment)
        for row in conn.execute(query)
    )


def add_silence(
    conn: Connection,
    *,
    matchers: Mapping[str, str],
    ends_at: datetime,
    author: str,
    comment: str,
    now: datetime,
    starts_at: datetime | None = None,
) -> int:
    """Add a silence, from `starts_at` or now on; returns its id. ValueError for one that ends before it starts."""
    start = starts_at or now
    if ends_at <= start or not matchers:
        raise ValueError("a silence has matchers and ends after it starts")
    values = {
        "matchers": dict(matchers),
        "starts_at": start,
        "ends_at": ends_at,
        "author": author,
        "comment": comment,
        "created_at": now,
    }
    return conn.execute(silence_table.insert().returning(silence_table.c.id), values).scalar_one()


def end_silence(conn: Connection, id: int, *, now: datetime) -> None:  # noqa: A002 - as `acknowledge`
    """End a silence at `now`. StorageError SYN616 for one that is not in force or to come."""
    statement = update(silence_table).where(silence_table.c.id == id, silence_table.c.ends_at > now)
    if conn.execute(statement.values(ends_at=now)).rowcount != 1:
        raise StorageError("SYN616", f"there is no silence {id} in force")


def _episode(row: RowMapping) -> Episode:
    return Episode(**{name: value for name, value in row.items() if str(name) != "acknowledged_at"})


def _check_step(conn: Connection, episode_id: int, state: str) -> None:
    stored = conn.execute(select(episodes.c.state).where(episodes.c.id == episode_id)).scalar()
    if stored is None:
        raise _unknown(episode_id)
    if state not in _NEXT[stored]:
        raise StorageError("SYN611", f"episode {episode_id} is {stored} and cannot become {state}")


def _unknown(episode_id: int) -> StorageError:
    return StorageError("SYN616", f"there is no episode {episode_id}", hint="see `syncd alerts list`")
