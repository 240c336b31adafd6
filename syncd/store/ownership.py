"""Owners as syncd knows them: the baseline, what it wrote, what others changed, what was applied, what was refused.

All of it but what was applied is kept by record and field: the owner, or a role whose holder a field names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Text, and_, bindparam, case, delete, func, literal, select, type_coerce
from sqlalchemy.sql.dml import Update

from syncd.model.plans import OWNER_FIELD, Slot, held_name
from syncd.model.refs import Kind, Ref
from syncd.store.columns import Instant
from syncd.store.tables import adoptions, owner_marks, records, users
from syncd.store.tables import applied as applied_table
from syncd.store.tables import blocked as blocked_table
from syncd.store.tables import owner_changes as change_table
from syncd.store.upserts import chunks, upsert
from syncd.store.versions import APPLIED, MARKS, raise_version

SOURCES = ("adopted", "first-seen", "written", "expected")


@dataclass(frozen=True, slots=True)
class OwnerMark:
    """The owner id that a record is known to have had, and how: `adopted`, `first-seen`, `written` or `expected`."""

    owner: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """A change of owner that a pull saw: `at` is the record's stamp, `seen_at` when the mirror learnt of it.

    `modified_by` is the user who did it, `source` by what means, as far as the CRM tells. `field` is the role whose
    holder changed, where it is not the owner. `taken_back` are a write of syncd and the undo that took it back.
    """

    at: datetime
    old: str | None
    new: str | None
    seen_at: datetime
    modified_by: str | None = None
    source: str | None = None
    field: str = OWNER_FIELD
    taken_back: bool = False


def back_and_forth(changes: Sequence[OwnerChange], since: datetime, most: int) -> tuple[OwnerChange, ...]:
    """The changes of one record after an instant, where they are more than `most` and came back to an owner it had.

    Else none. `changes` come oldest first. What syncd wrote and an undo took back is no fight: it does not count.
    """
    recent = tuple(change for change in changes if change.at > since and not change.taken_back)
    held = [recent[0].old, *(change.new for change in recent)] if recent else []
    return recent if len(recent) > most and len(set(held)) < len(held) else ()


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """What was last applied to a company in a role: the territory's path and the owner's e-mail.

    `rates_as_of` dates the table of rates it was decided by, `amounts` is the hash of the raw amounts then.
    """

    territory: str | None
    owner: str | None
    at: datetime
    pack_revision: str
    rates_as_of: date | None = None
    amounts: str | None = None


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """A change that the CRM refused for good: its words, and until when it is not planned again."""

    new_owner: str | None
    code: str
    message: str
    until: datetime
    rule_text: str


def adopt_all(conn: Connection, *, now: datetime, run_id: str | None) -> Mapping[str, int]:
    """Make every live account's present owner its mark; returns how many, by what is known of the owner.

    Reasons: `owner-active`, `owner-inactive`, `owner-unknown` (no such user was read), `no-owner`.
    """
    reason = case(
        (records.c.owner.is_(None), "no-owner"),
        (users.c.id.is_(None), "owner-unknown"),
        (users.c.active == True, "owner-active"),  # noqa: E712 - SQL
        else_="owner-inactive",
    ).label("reason")
    owner = and_(users.c.system == records.c.system, users.c.id == records.c.owner)
    live = and_(records.c.kind == Kind.ACCOUNT, records.c.deleted == False)  # noqa: E712 - SQL
    source = records.outerjoin(users, owner)
    query = select(reason, func.count()).select_from(source).where(live).group_by(reason).order_by(reason)
    counts: dict[str, int] = dict(conn.execute(query).all())
    ref = type_coerce(records.c.system, Text) + ":" + type_coerce(records.c.kind, Text) + ":" + records.c.id
    marked = (ref, literal(OWNER_FIELD), records.c.kind, records.c.owner, literal("adopted"), literal(now, Instant))
    names = ["ref", "field", "kind", "owner", "source", "at"]
    statement = upsert(conn, owner_marks, _MARK_KEY, ("owner", "source", "at"))
    conn.execute(statement.from_select(names, select(*marked).where(live)))
    raise_version(conn, MARKS)
    conn.execute(adoptions.insert(), {"at": now, "run_id": run_id, "counts": counts})
    return counts


def adopt_roles(conn: Connection, roles: Collection[str], *, now: datetime) -> int:
    """Make the present holder of each role in every live account's field the mark of that field; returns how many.

    An account of a system that has no field for a role gets a mark of nobody, which costs nothing and means nothing.
    """
    live = select(records.c.system, records.c.id, records.c.fields).where(
        records.c.kind == Kind.ACCOUNT,
        records.c.deleted == False,  # noqa: E712 - SQL
    )
    marked: dict[Slot, tuple[str | None, str]] = {}
    for system, record_id, fields in conn.execute(live) if roles else ():
        ref = Ref(system, Kind.ACCOUNT, record_id)
        marked |= {(ref, role): (fields.get(held_name(role)), "adopted") for role in roles}
    set_marks(conn, marked, now=now)
    return len(marked)


def adopted_at(conn: Connection) -> datetime | None:
    """When the present owners were last adopted as the baseline; None before the first time."""
    return conn.execute(select(func.max(adoptions.c.at))).scalar()


_MARK_KEY = ("ref", "field")


def marks(conn: Connection, kind: Kind = Kind.ACCOUNT, field: str = OWNER_FIELD) -> Mapping[Ref, OwnerMark]:
    """The mark of every record of `kind` that has one for a field, its owner's where none is named."""
    rows = conn.execute(_MARKS, {"of_kind": kind, "of_field": field})
    return {ref: OwnerMark(owner, source, at) for ref, owner, source, at in rows}


_MARKS = select(owner_marks.c.ref, owner_marks.c.owner, owner_marks.c.source, owner_marks.c.at).where(
    owner_marks.c.kind == bindparam("of_kind"), owner_marks.c.field == bindparam("of_field")
)


def set_mark(
    conn: Connection, ref: Ref, owner: str | None, source: str, *, now: datetime, field: str = OWNER_FIELD
) -> None:
    """Set the mark of one record; ValueError for a source that there is not."""
    set_marks(conn, {(ref, field): (owner, source)}, now=now)


def set_marks(conn: Connection, marked: Mapping[Slot, tuple[str | None, str]], *, now: datetime) -> None:
    """Set the marks of fields of records, each an owner and a source; ValueError for a source that there is not."""
    for _, source in marked.values():
        if source not in SOURCES:
            raise ValueError(f"a mark's source is one of {', '.join(SOURCES)}, not {source!r}")
    rows = [
        {"ref": ref, "field": field, "kind": ref.kind, "owner": owner, "source": source, "at": now}
        for (ref, field), (owner, source) in marked.items()
    ]
    if rows:
        conn.execute(upsert(conn, owner_marks, _MARK_KEY, ("owner", "source", "at")), rows)
        raise_version(conn, MARKS)


def owner_changes(
    conn: Connection, refs: Iterable[Ref] | None = None, field: str = OWNER_FIELD
) -> Mapping[Ref, OwnerChange]:
    """The latest change of owner, or of a role's holder, that was seen of each record, or of each of `refs`."""
    found: dict[Ref, OwnerChange] = {}
    for batch in [None] if refs is None else chunks(refs):
        asked = {"of_field": field} if batch is None else {"of_field": field, "refs": batch}
        for row in conn.execute(_NEWEST_CHANGES if batch is None else _NEWEST_CHANGES_OF, asked):
            found[row.ref] = _change(row)
    return found


_LATEST = (
    select(func.max(change_table.c.seq))
    .where(change_table.c.field == bindparam("of_field"))
    .group_by(change_table.c.ref)
)
_NEWEST_CHANGES = select(change_table).where(change_table.c.seq.in_(_LATEST))
_NEWEST_CHANGES_OF = select(change_table).where(
    change_table.c.seq.in_(_LATEST.where(change_table.c.ref.in_(bindparam("refs", expanding=True))))
)


def owner_history(conn: Connection, ref: Ref) -> tuple[OwnerChange, ...]:
    """Every change of owner, and of the holders of roles, of one record that was seen, oldest first."""
    query = select(change_table).where(change_table.c.ref == ref).order_by(change_table.c.seq)
    return tuple(map(_change, conn.execute(query)))


def _change(row: Row[*tuple[Any, ...]]) -> OwnerChange:
    return OwnerChange(row.at, row.old, row.new, row.seen_at, row.modified_by, row.source, row.field)


def untold_changes(conn: Connection, since: datetime, limit: int) -> Mapping[int, tuple[Ref, OwnerChange]]:
    """The newest changes of accounts seen since an instant of which nobody asked yet who made them, by sequence."""
    query = (
        select(change_table)
        .where(
            change_table.c.told == False,  # noqa: E712 - SQL
            change_table.c.seen_at > since,
            change_table.c.field == OWNER_FIELD,
        )
        .order_by(change_table.c.seq.desc())
        .limit(limit)
    )
    return {row.seq: (row.ref, _change(row)) for row in conn.execute(query) if row.ref.kind is Kind.ACCOUNT}


def tell_change(conn: Connection, seq: int, *, by: str | None = None, source: str | None = None) -> None:
    """Say who made a change and by what means, as far as the CRM knows; nobody asks again."""
    told = {name: value for name, value in (("by", by), ("means", source)) if value is not None}
    conn.execute(_told(*told), {"of": seq, **told})


@cache
def _told(*names: str) -> Update:
    """The same statement each time: making one costs as much as running it."""
    columns = {"by": "modified_by", "means": "source"}
    values: dict[str, Any] = {"told": True} | {columns[name]: bindparam(name) for name in names}
    return change_table.update().where(change_table.c.seq == bindparam("of")).values(values)


def add_change(conn: Connection, ref: Ref, change: OwnerChange, *, run_id: str | None = None) -> None:
    """Write down a change that no pull saw happen, told by the CRM's own history, or one of a role's holder."""
    values = {
        "ref": ref,
        "field": change.field,
        "at": change.at,
        "old": change.old,
        "new": change.new,
        "modified_by": change.modified_by,
        "source": change.source,
        "told": True,
        "seen_at": change.seen_at,
        "run_id": run_id,
    }
    conn.execute(change_table.insert().values(values))


def set_applied(conn: Connection, role: str, rows: Mapping[str, AppliedRow]) -> None:
    """Remember what was applied to companies, by key, in a role."""
    if not rows:
        return
    values = ("territory", "owner", "at", "pack_revision", "rates_as_of", "amounts")
    told = [
        {"company": company, "role": role} | {name: getattr(row, name) for name in values}
        for company, row in rows.items()
    ]
    conn.execute(upsert(conn, applied_table, ("company", "role"), values), told)
    raise_version(conn, APPLIED)


def applied(conn: Connection) -> Mapping[str, Mapping[str, AppliedRow]]:
    """What was last applied, by company and role."""
    found: dict[str, dict[str, AppliedRow]] = {}
    for row in conn.execute(_APPLIED):
        found.setdefault(row.company, {})[row.role] = AppliedRow(
            row.territory, row.owner, row.at, row.pack_revision, row.rates_as_of, row.amounts
        )
    return found


_APPLIED = select(applied_table).order_by(applied_table.c.company, applied_table.c.role)


def set_blocked(
    conn: Connection,
    slot: Slot,
    new_owner: str | None,
    code: str,
    message: str,
    until: datetime,
    rule_text: str,
) -> None:
    """Remember that the CRM refused to give a field this value; a field of a record has one refusal, the last."""
    row = {
        "ref": slot[0],
        "field": slot[1],
        "new_owner": new_owner,
        "code": code,
        "message": message,
        "until": until,
        "rule_text": rule_text,
    }
    names = ("new_owner", "code", "message", "until", "rule_text")
    conn.execute(upsert(conn, blocked_table, ("ref", "field"), names), row)


def blocked(conn: Connection, *, now: datetime | None = None) -> Mapping[Slot, BlockedRow]:
    """Every remembered refusal; with `now`, those that still stand."""
    query = select(blocked_table)
    if now is not None:
        query = query.where(blocked_table.c.until > now)
    return {
        (row.ref, row.field): BlockedRow(row.new_owner, row.code, row.message, row.until, row.rule_text)
        for row in conn.execute(query)
    }


def clear_blocked(conn: Connection, slots: Iterable[Slot]) -> None:
    """Forget the refusals of fields of records, where there are any."""
    by_field: dict[str, list[Ref]] = {}
    for ref, field in slots:
        by_field.setdefault(field, []).append(ref)
    for field, refs in by_field.items():
        for batch in chunks(refs):
            conn.execute(delete(blocked_table).where(blocked_table.c.ref.in_(batch), blocked_table.c.field == field))
