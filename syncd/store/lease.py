"""The lease: one holder at a time may write to a CRM, and the epoch that fences off a holder who lost it unawares.

Taken over only after it ran out, each time with a higher epoch. What carries the epoch of an earlier holder is
refused. A lease that was not given back is taken over for reading at once and for writing only when any call of the
earlier holder has ended. Both databases keep it as one row; on PostgreSQL a daemon's advisory lock stands before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, exists, select, update

from syncd.clock import iso
from syncd.errors import LeaseHeldError
from syncd.store.tables import leases
from syncd.store.upserts import upsert

DAEMON = ":daemon"
"""How the name of a holder ends whose child processes may outlive it for the length of one call."""
SETTLE = timedelta(seconds=20)
"""How long nothing is written after a lease was taken from a holder who did not give it back: the deadline of a call
that writes (15 s) and 5 s. A call that was under way has ended then, and a read tells what it did."""

_ONLY = 1


@dataclass(frozen=True, slots=True)
class _Stored:
    epoch: int
    holder: str | None
    until: datetime
    writes_from: datetime | None


_NEVER = _Stored(0, None, datetime(1970, 1, 1, tzinfo=UTC), None)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write until `until`, under `epoch`, but not before `writes_from` (None: at once)."""

    epoch: int
    holder: str
    until: datetime
    writes_from: datetime | None = field(default=None, compare=False)


def acquire(
    conn: Connection,
    holder: str,
    *,
    now: datetime,
    ttl: timedelta,
    gone: Callable[[str], bool] | None = None,
    unmoved: int | None = None,
) -> Lease:
    """Take the lease until `now + ttl`, with a new epoch, if it is free or ran out.

    `gone` may say of the present holder that it certainly lives no more; then it is taken over at once. `unmoved` is
    an epoch that the caller, by its own monotonic clock, saw stand without a renewal for longer than a lease lasts: it
    has run out, whatever the wall clocks of two machines say. Raises LeaseHeldError SYN701 naming the holder
    otherwise, also where the holder has the same name.
    """
    seen = _stored(conn)
    if seen is _NEVER:
        fresh = {"id": _ONLY, "holder": None, "epoch": 0, "until": now, "writes_from": None}
        conn.execute(upsert(conn, leases, ("id",)), fresh)
        seen = _stored(conn)
    is_gone = seen.holder is not None and gone is not None and gone(seen.holder)
    if seen.holder is not None and seen.until > now and not is_gone and unmoved != seen.epoch:
        raise _held(seen.holder, seen.until)
    writes_from = _writes_from(seen, now, is_gone=is_gone)
    taken = {"seen": seen.epoch, "by": holder, "to": now + ttl, "writing": writes_from}
    if conn.execute(_TAKEN, taken).rowcount != 1:
        other = _stored(conn)
        raise _held(other.holder or "another process", other.until)
    return Lease(seen.epoch + 1, holder, now + ttl, writes_from)


def _writes_from(seen: _Stored, now: datetime, *, is_gone: bool) -> datetime | None:
    """When the next holder may write first: at once after a lease that was given back or whose process is dead.

    A daemon's children live on for one call after it, and a holder who may live is somewhere on the other side of a
    clock of its own. A wait that an earlier holder did not sit out is not forgotten.
    """
    waits = [seen.writes_from] if seen.writes_from is not None and seen.writes_from > now else []
    if seen.holder is not None and (not is_gone or seen.holder.endswith(DAEMON)):
        ended = min(seen.until, now) if not is_gone else now
        waits.append(ended + SETTLE)
    return max((wait for wait in waits if wait > now), default=None)


def renew(conn: Connection, lease: Lease, *, now: datetime, ttl: timedelta) -> Lease:
    """Keep the lease until `now + ttl`, never shorter than it stands.

    Raises LeaseHeldError SYN702 if it ran out or was taken over: then it must be acquired anew, and what is in doubt
    read back.
    """
    until = max(lease.until, now + ttl)
    statement = update(leases).where(leases.c.holder == lease.holder, is_held(lease.epoch, now)).values(until=until)
    if conn.execute(statement).rowcount != 1:
        raise _lost(conn, lease.epoch)
    return Lease(lease.epoch, lease.holder, until, lease.writes_from)


def release(conn: Connection, lease: Lease) -> None:
    """Give the lease back, so that another may take it at once; nothing happens if it is no longer ours."""
    conn.execute(_RELEASED, {"seen": lease.epoch, "by": lease.holder})


def current(conn: Connection) -> Lease | None:
    """The lease as it stands, also one that ran out and that nobody took over; None if it is free."""
    row = _stored(conn)
    return None if row.holder is None else Lease(row.epoch, row.holder, row.until, row.writes_from)


def require_newest(conn: Connection, epoch: int) -> None:
    """Raise LeaseHeldError SYN702 where another took the lease after `epoch`: the fence before every commit.

    Unlike `require` it lets a holder finish whose lease ran out and that nobody took over.
    """
    if _newest(conn) != epoch:
        raise _lost(conn, epoch)


def require_writing(conn: Connection, epoch: int, *, now: datetime) -> None:
    """Raise LeaseHeldError SYN702 unless the lease of `epoch` stands, SYN720 before it may write."""
    require(conn, epoch, now=now)
    from_ = _stored(conn).writes_from
    if from_ is not None and from_ > now:
        raise LeaseHeldError(
            "SYN720",
            f"writes wait until {iso(from_)}: a call of the earlier holder may still be under way",
            hint="nothing to do: rows stay approved, and the next run writes them",
        )


def require(conn: Connection, epoch: int, *, now: datetime) -> None:
    """Raise LeaseHeldError SYN702 unless the lease of `epoch` still stands."""
    if not _holds(conn, epoch, now):
        raise _lost(conn, epoch)


def is_held(epoch: int | BindParameter[int], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition that the lease of `epoch` still stands, for the WHERE of a statement that must be fenced."""
    return exists().where(
        leases.c.id == _ONLY, leases.c.epoch == epoch, leases.c.holder.is_not(None), leases.c.until > now
    )


_NEWEST = select(leases.c.epoch).where(leases.c.id == _ONLY)
_NEWEST_TEXT = f"SELECT epoch FROM {leases.name} WHERE id = {_ONLY}"
_ROW = select(leases).where(leases.c.id == _ONLY)
_IS_HELD = select(is_held(bindparam("epoch"), bindparam("now")))
_HOLDER_TEXT = f"SELECT until FROM {leases.name} WHERE id = {_ONLY} AND epoch = ? AND holder IS NOT NULL"
_TAKEN = (
    update(leases)
    .where(leases.c.id == _ONLY, leases.c.epoch == bindparam("seen"))
    .values(
        holder=bindparam("by"),
        epoch=leases.c.epoch + 1,
        until=bindparam("to"),
        writes_from=bindparam("writing"),
    )
)
_RELEASED = (
    update(leases).where(leases.c.epoch == bindparam("seen"), leases.c.holder == bindparam("by")).values(holder=None)
)
"""Before every commit and call one of them is asked, and making a statement costs more than running it."""


def _newest(conn: Connection) -> int | None:
    """The epoch of the newest lease. Every write asks; on SQLite all but a twentieth of that would be SQLAlchemy's."""
    if conn.dialect.name != "sqlite":
        return conn.execute(_NEWEST).scalar()
    driver: Any = conn.connection.driver_connection
    row = driver.execute(_NEWEST_TEXT).fetchone()
    return None if row is None else row[0]


def _holds(conn: Connection, epoch: int, now: datetime) -> bool:
    """Whether the lease of `epoch` stands; asked before every page and call, and as quickly as `_newest`."""
    if conn.dialect.name != "sqlite":
        return bool(conn.execute(_IS_HELD, {"epoch": epoch, "now": now}).scalar())
    driver: Any = conn.connection.driver_connection
    row = driver.execute(_HOLDER_TEXT, (epoch,)).fetchone()
    return row is not None and row[0] > iso(now)


def _stored(conn: Connection) -> _Stored:
    row = conn.execute(_ROW).one_or_none()
    return _NEVER if row is None else _Stored(row.epoch, row.holder, row.until, row.writes_from)


def _held(holder: str, until: datetime) -> LeaseHeldError:
    return LeaseHeldError(
        "SYN701",
        f"{holder} holds the lease until {iso(until)}",
        hint="is the daemon running? see `syncd status`; if that process is gone, wait until then",
    )


def _lost(conn: Connection, epoch: int) -> LeaseHeldError:
    row = _stored(conn)
    whose = f"{row.holder} holds epoch {row.epoch} until {iso(row.until)}" if row.holder else "nobody holds it now"
    return LeaseHeldError(
        "SYN702", f"the lease of epoch {epoch} is lost: {whose}", hint="nothing was written; see `syncd status`"
    )
