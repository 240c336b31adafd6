"""Notices: what is to be told of an episode or a plan, to which receiver and why; told once, tried until it is.

Queuing is part of the caller's transaction, so that a notice exists exactly if its transition does. Sending is at
least once: a claim that is never finished, because its process died, comes up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, exists, select, update

from syncd.errors import StorageError
from syncd.store.tables import notices as notice_table
from syncd.store.upserts import upsert

CLAIM_STANDS_FOR = timedelta(minutes=5)
"""After this long a claimed notice counts as not sent."""
_OPEN = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice; `state` is `queued`, `sending`, `sent` or `failed`, `attempts` counts the claims.

    `topic` is what it is about: `episode:12`, or `plan:` and an id, which has no episode.
    """

    id: int
    topic: str
    episode_id: int | None
    receiver: str
    reason: str
    sequence: int
    body: Mapping[str, Any]
    state: str
    created_at: datetime
    due_at: datetime
    attempts: int
    finished_at: datetime | None
    outcome: str | None


def enqueue_notice(
    conn: Connection,
    episode_id: int,
    receiver: str,
    reason: str,
    body: Mapping[str, Any],
    *,
    now: datetime,
    sequence: int = 0,
    due_at: datetime | None = None,
) -> bool:
    """Queue a notice; False, and nothing changed, if this episode, receiver, reason and sequence has one already."""
    values = {"topic": f"episode:{episode_id}", "episode_id": episode_id, "receiver": receiver, "reason": reason}
    return _enqueue(conn, {**values, "sequence": sequence}, body, now, due_at)


def enqueue_message(
    conn: Connection,
    topic: str,
    receiver: str,
    reason: str,
    body: Mapping[str, Any],
    *,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    """Queue a notice of something else than an episode; False, and nothing changed, if there is one already."""
    values = {"topic": topic, "episode_id": None, "receiver": receiver, "reason": reason, "sequence": 0}
    return _enqueue(conn, values, body, now, due_at)


def _enqueue(
    conn: Connection, values: Mapping[str, Any], body: Mapping[str, Any], now: datetime, due_at: datetime | None
) -> bool:
    row = {
        **values,
        "body": dict(body),
        "state": "queued",
        "created_at": now,
        "due_at": due_at or now,
        "attempts": 0,
        "finished_at": None,
        "outcome": None,
    }
    statement = upsert(conn, notice_table, ("topic", "receiver", "reason", "sequence"))
    return conn.execute(statement.returning(notice_table.c.id), row).first() is not None


_EARLIER = notice_table.alias("earlier")
_BEHIND = exists().where(
    _EARLIER.c.topic == notice_table.c.topic,
    _EARLIER.c.receiver == notice_table.c.receiver,
    _EARLIER.c.id < notice_table.c.id,
    _EARLIER.c.state.in_(_OPEN),
    _EARLIER.c.due_at > bindparam("now"),
)
_DUE = (
    select(notice_table.c.id)
    .where(notice_table.c.state.in_(_OPEN), notice_table.c.due_at <= bindparam("now"), ~_BEHIND)
    .order_by(notice_table.c.id)
    .limit(bindparam("most", type_=Integer))
)
"""Every watch asks, and making a statement costs more than running it."""


def claim_notices(
    conn: Connection, *, now: datetime, limit: int, stands_for: timedelta = CLAIM_STANDS_FOR
) -> tuple[Notice, ...]:
    """Take the notices that are due, oldest first, to send them: they are nobody else's for `stands_for`.

    One waits while its receiver has not taken an earlier one about the same: told of an end before the beginning, a
    receiver would keep the beginning open for ever.
    """
    ids = list(conn.execute(_DUE, {"now": now, "most": limit}).scalars())
    if not ids:
        return ()
    mine = notice_table.c.id.in_(ids)
    conn.execute(
        update(notice_table)
        .where(mine)
        .values(state="sending", attempts=notice_table.c.attempts + 1, due_at=now + stands_for)
    )
    rows = conn.execute(select(notice_table).where(mine).order_by(notice_table.c.id)).mappings()
    return tuple(Notice(**row) for row in rows)


def finish_notice(
    conn: Connection,
    id: int,  # noqa: A002 - the interface's word
    *,
    ok: bool,
    reason: str | None,
    now: datetime,
    retry_at: datetime | None = None,
) -> None:
    """Say how sending went: sent; else due again at `retry_at`, or failed for good without one. `reason` says why.

    Raises StorageError SYN611 for a notice that is not being sent.
    """
    if not ok and retry_at is not None:
        values: dict[str, Any] = {"state": "queued", "due_at": retry_at, "outcome": reason}
    else:
        values = {"state": "sent" if ok else "failed", "finished_at": now, "outcome": reason}
    statement = update(notice_table).where(notice_table.c.id == id, notice_table.c.state == "sending").values(values)
    if conn.execute(statement).rowcount != 1:
        raise StorageError("SYN611", f"notice {id} is not being sent")


def notices(conn: Connection, episode_id: int) -> tuple[Notice, ...]:
    """Every notice of an episode, oldest first."""
    query = select(notice_table).where(notice_table.c.episode_id == episode_id).order_by(notice_table.c.id)
    return tuple(Notice(**row) for row in conn.execute(query).mappings())


def told_reasons(conn: Connection, topics: Iterable[str], reason: str) -> frozenset[str]:
    """Those of the topics that any receiver has been, or will be, told of for a reason."""
    wanted = list(topics)
    query = select(notice_table.c.topic).where(notice_table.c.topic.in_(wanted), notice_table.c.reason == reason)
    return frozenset(conn.execute(query).scalars()) if wanted else frozenset()
