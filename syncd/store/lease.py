"""The lease: one holder at a time may write to a CRM, and the epoch that fences off a holder who lost it unawares.

Taken over only after it ran out, each time with a higher epoch. What carries the epoch of an earlier holder is
refused. Both databases keep it as one row; a dedicated connection with an advisory lock may stand before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, select, update

from syncd.clock import iso
from syncd.errors import LeaseHeldError
from syncd.store.tables import leases
from syncd.store.upserts import upsert

_ONLY = 1


@dataclass(frozen=True, slots=True)
class _Stored:
    epoch: int
    holder: str | None
    until: datetime


_NEVER = _Stored(0, None, datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write until `until`, under `epoch`."""

    epoch: int
    holder: str
    until: datetime


def acquire(
    conn: Connection,
    holder: str,
    *,
    now: datetime,
    ttl: timedelta,
    gone: Callable[[str], bool] | None = None,
) -> Lease:
    """Take the lease until `now + ttl`, with a new epoch, if it is free or ran out.

    `gone` may say of the present holder that it certainly lives no more; then it is taken over at once. Raises
    LeaseHeldError SYN701 naming the holder otherwise, also where the holder has the same name.
    """
    conn.execute(upsert(conn, leases, ("id",)), {"id": _ONLY, "holder": None, "epoch": 0, "until": now})
    seen = _stored(conn)
    if seen.holder is not None and seen.until > now and not (gone is not None and gone(seen.holder)):
        raise _held(seen.holder, seen.until)
    statement = (
        update(leases)
        .where(leases.c.id == _ONLY, leases.c.epoch == seen.epoch)
        .values(holder=holder, epoch=leases.c.epoch + 1, until=now + ttl)
    )
    if conn.execute(statement).rowcount != 1:
        other = _stored(conn)
        raise _held(other.holder or "another process", other.until)
    return Lease(seen.epoch + 1, holder, now + ttl)


def renew(conn: Connection, lease: Lease, *, now: datetime, ttl: timedelta) -> Lease:
    """Keep the lease until `now + ttl`, never shorter than it stands.

    Raises LeaseHeldError SYN702 if it ran out or was taken over: then it must be acquired anew, and what is in doubt
    read back.
    """
    until = max(lease.until, now + ttl)
    statement = update(leases).where(leases.c.holder == lease.holder, is_held(lease.epoch, now)).values(until=until)
    if conn.execute(statement).rowcount != 1:
        raise _lost(conn, lease.epoch)
    return Lease(lease.epoch, lease.holder, until)


def release(conn: Connection, lease: Lease) -> None:
    """Give the lease back, so that another may take it at once; nothing happens if it is no longer ours."""
    statement = update(leases).where(leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
    conn.execute(statement.values(holder=None))


def current(conn: Connection) -> Lease | None:
    """The lease as it stands, also one that ran out and that nobody took over; None if it is free."""
    row = _stored(conn)
    return None if row.holder is None else Lease(row.epoch, row.holder, row.until)


def require(conn: Connection, epoch: int, *, now: datetime) -> None:
    """Raise LeaseHeldError SYN702 unless the lease of `epoch` still stands."""
    if not conn.execute(select(is_held(epoch, now))).scalar():
        raise _lost(conn, epoch)


def is_held(epoch: int, now: datetime) -> ColumnElement[bool]:
    """The condition that the lease of `epoch` still stands, for the WHERE of a statement that must be fenced."""
    return exists().where(
        leases.c.id == _ONLY, leases.c.epoch == epoch, leases.c.holder.is_not(None), leases.c.until > now
    )


def _stored(conn: Connection) -> _Stored:
    row = conn.execute(select(leases).where(leases.c.id == _ONLY)).one_or_none()
    return _NEVER if row is None else _Stored(row.epoch, row.holder, row.until)


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
