"""The mirror's rows: upserts that never go back in time, streaming reads, and the log of owner changes.

Of two versions of a record the one with the later stamp stands; of two with one stamp, the one that came last. A
version that says what the row already says is no change. Knows nothing of cursors or connectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, column, func, select, table, type_coerce, update

from syncd.clock import iso
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store.columns import clean, to_json
from syncd.store.lookup import domain_key, name_key
from syncd.store.tables import owner_changes
from syncd.store.tables import records as _t
from syncd.store.upserts import CHUNK, chunks, upsert

_KEY = ("system", "kind", "id")
_CONTENT = (
    "stamp",
    "owner",
    "account",
    "deleted",
    "merged_into",
    "merged_from",
    "modified_by",
    "fields",
    "content_hash",
    "change_seq",
    "changed_at",
    "run_id",
    "name_key",
    "domain",
)
_UNTYPED = table(_t.name, *(column(each.name) for each in _t.columns))
"""The table without its column types, for bulk writes: converting value by value takes longer than SQLite does."""
_RECORD_COLUMNS = (
    _t.c.system,
    _t.c.kind,
    _t.c.id,
    _t.c.stamp,
    _t.c.fields,
    _t.c.owner,
    _t.c.account,
    _t.c.deleted,
    _t.c.merged_into,
    _t.c.merged_from,
    _t.c.modified_by,
)


@dataclass(frozen=True, slots=True)
class PageResult:
    """What storing some records did: how many were read, how many changed the mirror, and of those how many newly
    became deleted and how many changed owner."""

    read: int
    changed: int
    deleted: int
    owner_changes: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What the mirror holds of a record, as far as a newer version is compared with it."""

    stamp: str
    content_hash: str
    owner: str | None
    deleted: bool
    merged_into: str | None


@dataclass(slots=True)
class _Writes:
    """The statements that some records come to."""

    rows: list[dict[str, Any]]
    touched: list[dict[str, Any]]
    owners: list[dict[str, Any]]
    deleted: int = 0


def upsert_records(conn: Connection, incoming: Sequence[Record], *, now: datetime, run_id: str | None) -> PageResult:
    """Put versions of records into the mirror, and retire those that they say were merged into them."""
    newest: dict[Ref, Record] = {}
    for record in map(_with_clean_id, incoming):
        held = newest.get(record.ref)
        if held is None or held.stamp <= record.stamp:
            newest[record.ref] = record
    writes = _Writes([], [], [])
    seq = last_change(conn)
    for batch in chunks(newest.values()):
        known = _known(conn, batch)
        for record in batch:
            if _plan_write(record, known.get(record.ref), seq + 1, writes, now, run_id):
                seq += 1
    _execute(conn, writes)
    losers = {
        Ref(record.ref.system, record.ref.kind, clean(loser)): record.ref.id
        for record in newest.values()
        for loser in record.merged_from
    }
    retired = retire(conn, losers, now=now, run_id=run_id) if losers else 0
    return PageResult(len(incoming), len(writes.rows) + retired, writes.deleted + retired, len(writes.owners))


def retire(conn: Connection, winners: Mapping[Ref, str | None], *, now: datetime, run_id: str | None) -> int:
    """Mark live rows as deleted, merged into the id given for each, if any; returns how many there were.

    Stamps stay: a later version that the CRM shows may bring the record back.
    """
    seq = last_change(conn)
    rows: list[dict[str, Any]] = []
    for batch in chunks(winners):
        for record in _fetch(conn, batch):
            if record.deleted or winners[record.ref] == record.ref.id:
                continue
            seq += 1
            gone = replace(record, deleted=True, merged_into=winners[record.ref] or record.merged_into)
            rows.append(_row(gone, iso(gone.stamp), gone.content_hash(), seq, now, run_id))
    if rows:
        conn.execute(upsert(conn, _UNTYPED, _KEY, _CONTENT), rows)
    return len(rows)


def get_record(conn: Connection, ref: Ref) -> Record | None:
    """The record as the mirror holds it, deleted ones too; None for one that was never seen."""
    found = _fetch(conn, [ref])
    return found[0] if found else None


def get_records(conn: Connection, refs: Iterable[Ref]) -> Mapping[Ref, Record]:
    """The records that the mirror holds of these, deleted ones too."""
    return {record.ref: record for batch in chunks(refs) for record in _fetch(conn, batch)}


def records(conn: Connection, system: System, kind: Kind, *, include_deleted: bool = False) -> Iterator[Record]:
    """The records of one kind ordered by id, in bounded memory."""
    query = select(*_RECORD_COLUMNS).where(_t.c.system == system, _t.c.kind == kind).order_by(_t.c.id)
    if not include_deleted:
        query = query.where(_t.c.deleted == False)  # noqa: E712 - SQL
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        yield from map(_record, result)


def records_of_account(conn: Connection, refs: Iterable[Ref], kind: Kind = Kind.OPPORTUNITY) -> tuple[Record, ...]:
    """The live records of `kind` that belong to the accounts `refs` (for accounts: their children), sorted by ref."""
    by_system: dict[System, set[str]] = {}
    for ref in refs:
        by_system.setdefault(ref.system, set()).add(ref.id)
    found: list[Record] = []
    for system, ids in by_system.items():
        for batch in chunks(sorted(ids)):
            query = select(*_RECORD_COLUMNS).where(
                _t.c.system == system,
                _t.c.kind == kind,
                _t.c.account.in_(batch),
                _t.c.deleted == False,  # noqa: E712 - SQL
            )
            found += map(_record, conn.execute(query))
    return tuple(sorted(found, key=lambda record: record.ref))


def last_change(conn: Connection) -> int:
    """The number of the newest change of the mirror, 0 for an empty one. It only grows."""
    return conn.execute(select(func.max(_t.c.change_seq))).scalar() or 0


def changed_since(conn: Connection, mark: int) -> Iterator[Ref]:
    """The refs of the rows that changed after the change numbered `mark`, oldest change first, in bounded memory."""
    query = select(_t.c.system, _t.c.kind, _t.c.id).where(_t.c.change_seq > mark).order_by(_t.c.change_seq)
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for system, kind, record_id in result:
            yield Ref(system, kind, record_id)


def _with_clean_id(record: Record) -> Record:
    cleaned = clean(record.ref.id)
    return record if cleaned == record.ref.id else replace(record, ref=replace(record.ref, id=cleaned))


def _known(conn: Connection, batch: Sequence[Record]) -> dict[Ref, _Known]:
    known: dict[Ref, _Known] = {}
    for (system, kind), ids in _by_kind(record.ref for record in batch).items():
        query = select(
            _t.c.id,
            type_coerce(_t.c.stamp, Text),
            _t.c.content_hash,
            _t.c.owner,
            _t.c.deleted,
            _t.c.merged_into,
        ).where(_t.c.system == system, _t.c.kind == kind, _t.c.id.in_(ids))
        for record_id, stamp, content_hash, owner, deleted, merged_into in conn.execute(query):
            known[Ref(system, kind, record_id)] = _Known(stamp, content_hash, owner, deleted, merged_into)
    return known


def _fetch(conn: Connection, refs: Iterable[Ref]) -> list[Record]:
    found: list[Record] = []
    for (system, kind), ids in _by_kind(refs).items():
        query = select(*_RECORD_COLUMNS).where(_t.c.system == system, _t.c.kind == kind, _t.c.id.in_(ids))
        found += map(_record, conn.execute(query))
    return found


def _by_kind(refs: Iterable[Ref]) -> dict[tuple[System, Kind], list[str]]:
    ids: dict[tuple[System, Kind], list[str]] = {}
    for ref in refs:
        ids.setdefault((ref.system, ref.kind), []).append(ref.id)
    return ids


def _plan_write(
    record: Record, known: _Known | None, seq: int, writes: _Writes, now: datetime, run_id: str | None
) -> bool:
    """Add what `record` comes to, to `writes`; returns whether it changes the row, which takes the number `seq`."""
    stamp = iso(record.stamp)
    content_hash = record.content_hash()
    if known is not None:
        if stamp < known.stamp:
            return False
        # the index of a CRM may still show the loser of a merge for a while
        if known.merged_into is not None and not record.deleted and stamp == known.stamp:
            return False
        if content_hash == known.content_hash:
            if stamp > known.stamp:
                writes.touched.append(_touch(record))
            return False
        if _cleaned(record.owner) != known.owner:
            writes.owners.append(_owner_change(record, known.owner, now, run_id))
        if record.deleted and not known.deleted:
            writes.deleted += 1
    writes.rows.append(_row(record, stamp, content_hash, seq, now, run_id))
    return True


def _execute(conn: Connection, writes: _Writes) -> None:
    if writes.rows:
        conn.execute(upsert(conn, _UNTYPED, _KEY, _CONTENT), writes.rows)
    if writes.touched:
        statement = (
            update(_t)
            .where(
                _t.c.system == bindparam("key_system"),
                _t.c.kind == bindparam("key_kind"),
                _t.c.id == bindparam("key_id"),
            )
            .values(stamp=bindparam("new_stamp"), modified_by=bindparam("new_modified_by"))
        )
        conn.execute(statement, writes.touched)
    if writes.owners:
        conn.execute(owner_changes.insert(), writes.owners)


def _touch(record: Record) -> dict[str, Any]:
    return {
        "key_system": record.ref.system,
        "key_kind": record.ref.kind,
        "key_id": record.ref.id,
        "new_stamp": record.stamp,
        "new_modified_by": record.modified_by,
    }


def _owner_change(record: Record, old: str | None, now: datetime, run_id: str | None) -> dict[str, Any]:
    return {
        "ref": record.ref,
        "at": record.stamp,
        "old": old,
        "new": record.owner,
        "modified_by": record.modified_by,
        "source": None,
        "told": False,
        "seen_at": now,
        "run_id": run_id,
    }


def _row(record: Record, stamp: str, content_hash: str, seq: int, now: datetime, run_id: str | None) -> dict[str, Any]:
    """The record as `_UNTYPED` takes it: what the column types would make of it, once instead of for every value."""
    account = record.ref.kind is Kind.ACCOUNT
    instant = iso(now)
    return {
        "system": record.ref.system.value,
        "kind": record.ref.kind.value,
        "id": record.ref.id,
        "stamp": stamp,
        "owner": _cleaned(record.owner),
        "account": _cleaned(record.account),
        "deleted": record.deleted,
        "merged_into": _cleaned(record.merged_into),
        "merged_from": to_json(list(record.merged_from)) if record.merged_from else None,
        "modified_by": _cleaned(record.modified_by),
        "fields": to_json(dict(record.fields)),
        "content_hash": content_hash,
        "change_seq": seq,
        "first_seen": instant,
        "changed_at": instant,
        "run_id": _cleaned(run_id),
        "name_key": _cleaned(name_key(record.fields)) if account else None,
        "domain": _cleaned(domain_key(record.fields)) if account else None,
    }


def _cleaned(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _record(row: Row[*tuple[Any, ...]]) -> Record:
    system, kind, record_id, stamp, fields, owner, account, deleted, merged_into, merged_from, modified_by = row
    return Record(
        Ref(system, kind, record_id),
        stamp,
        fields,
        owner,
        account,
        deleted,
        merged_into,
        tuple(merged_from or ()),
        modified_by,
    )
