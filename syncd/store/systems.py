"""What is known of each system as a whole: the organization it is bound to, and how fresh its mirror is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.sql.dml import Update

from syncd.errors import ForeignSystemError
from syncd.model.refs import Kind, System
from syncd.store.tables import records, systems
from syncd.store.upserts import upsert

OUTCOMES = ("ok", "incomplete", "failed")


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """How fresh the mirror of one system is.

    `as_of` is the instant up to which it is complete and `complete` whether it ever was; `mapping_revision` is the
    mapping it was read under; `records` counts live records. `last_outcome` is `ok`, `incomplete` or `failed`.
    `native_sync` is the sign that the vendor's own sync with the other CRM is on, None where none was seen.
    """

    as_of: datetime | None
    complete: bool
    mapping_revision: str | None
    records: Mapping[Kind, int]
    last_outcome: str | None
    last_error: str | None
    native_sync: str | None = None


def bind_system(conn: Connection, system: System, account_id: str, *, now: datetime) -> None:
    """Bind the mirror of `system` to an organization or portal id; ForeignSystemError SYN403 if bound to another."""
    bound = bound_account(conn, system)
    if bound is not None and bound != account_id:
        raise ForeignSystemError(
            "SYN403",
            f"the credentials lead to {account_id}, but the mirror holds records of {bound}",
            where=system.value,
            hint="use the credentials of that organization, or run `syncd system rebind` to start an empty mirror",
        )
    if bound is None:
        change_system(conn, system, now=now, account_id=account_id)


def bound_account(conn: Connection, system: System) -> str | None:
    """The organization or portal id that the mirror of `system` is bound to; None before the first pull."""
    return conn.execute(_BOUND, {"of": system}).scalar()


def mark_complete(conn: Connection, system: System, *, as_of: datetime, run_id: str, mapping_revision: str) -> None:
    """Say that the mirror of `system` is complete up to `as_of`, read under this mapping."""
    change_system(
        conn, system, now=as_of, as_of=as_of, complete=True, complete_run=run_id, mapping_revision=mapping_revision
    )


def set_outcome(conn: Connection, system: System, outcome: str, error: str | None, *, now: datetime) -> None:
    """Remember how the last pull of `system` ended: `ok`, `incomplete` or `failed`, and the error's words."""
    if outcome not in OUTCOMES:
        raise ValueError(f"an outcome is one of {', '.join(OUTCOMES)}, not {outcome!r}")
    change_system(conn, system, now=now, last_outcome=outcome, last_error=error)


def set_native_sync(conn: Connection, system: System, sign: str | None, *, now: datetime) -> None:
    """Remember the sign that the vendor's own sync with the other CRM is on; None where there is none."""
    change_system(conn, system, now=now, native_sync=sign)


def native_sync_sign(conn: Connection) -> str | None:
    """The sign of a native sync that any system showed at its last pull."""
    query = select(systems.c.native_sync).where(systems.c.native_sync.is_not(None)).order_by(systems.c.system)
    return conn.execute(query).scalars().first()


_COUNTS = (
    select(records.c.system, records.c.kind, func.count())
    .where(records.c.deleted == False)  # noqa: E712 - SQL
    .group_by(records.c.system, records.c.kind)
    .order_by(records.c.system, records.c.kind)
)
_SYSTEMS = select(systems).order_by(systems.c.system)
_BOUND = select(systems.c.account_id).where(systems.c.system == bindparam("of"))


def mirror_status(conn: Connection, *, counted: bool = True) -> Mapping[System, MirrorStatus]:
    """The status of every system that was ever bound or pulled.

    Counting goes through all records: whoever does not ask for `records` leaves it out, and finds none there.
    """
    counts: dict[System, dict[Kind, int]] = {}
    for system, kind, count in conn.execute(_COUNTS) if counted else ():
        counts.setdefault(system, {})[kind] = count
    return {
        row.system: MirrorStatus(
            as_of=row.as_of,
            complete=row.complete,
            mapping_revision=row.mapping_revision,
            records=counts.get(row.system, {}),
            last_outcome=row.last_outcome,
            last_error=row.last_error,
            native_sync=row.native_sync,
        )
        for row in conn.execute(_SYSTEMS)
    }


def change_system(conn: Connection, system: System, *, now: datetime, **values: Any) -> None:
    """Set columns of the system's row, which is made if it is not there."""
    told = {"changed_at": now, **values}
    changed = _changed(tuple(told))
    new = {"of": system} | {f"new_{name}": value for name, value in told.items()}
    if conn.execute(changed, new).rowcount == 0:
        fresh = {"system": system, "complete": False, "teams_readable": False, "changed_at": now}
        conn.execute(upsert(conn, systems, ("system",)), fresh)
        conn.execute(changed, new)


@cache
def _changed(names: tuple[str, ...]) -> Update:
    """The same statement each time: making one costs as much as running it."""
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(systems).where(systems.c.system == bindparam("of")).values(new)
