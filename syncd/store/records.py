"""The mirror's rows: upserts that never go back in time, streaming reads, and the log of owner changes.

Of two versions of a record the one with the later stamp stands; of two with one stamp, the one that came last. A
version that says what the row already says is no change. Knows nothing of cursors or connectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, column, func, select, table, type_coerce, update

from syncd.clock import iso
from syncd.model.plans import OWNER_FIELD
from syncd.model.record_columns import RecordColumns
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store.columns import clean
from syncd.store.moves import tell_moves
from syncd.store.record_rows import NAMES, Fresh, are_clean, cleaned, row_of, stage_of
from syncd.store.stage_entries import note_stages
from syncd.store.tables import owner_changes
from syncd.store.tables import records as _t
from syncd.store.upserts import CHUNK, LISTED, chunks, insert_new, rows_with, upsert

_KEY = ("system", "kind", "id")
_CONTENT = tuple(name for name in NAMES if name not in (*_KEY, "first_seen"))
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
_ALL = (
    select(*_RECORD_COLUMNS)
    .where(_t.c.system == bindparam("of_system"), _t.c.kind == bindparam("of_kind"))
    .order_by(_t.c.id)
)
_LIVE = _ALL.where(_t.c.deleted == False)  # noqa: E712 - SQL
_LAST = select(func.max(_t.c.change_seq))
_LAST_ID = select(func.max(_t.c.id))
_KNOWN_COLUMNS = (
    _t.c.system,
    _t.c.kind,
    _t.c.id,
    type_coerce(_t.c.stamp, Text).label("stamp"),
    _t.c.content_hash,
    _t.c.owner,
    _t.c.deleted,
    _t.c.merged_into,
)


@dataclass(frozen=True, slots=True)
class PageResult:
    """What storing some records did: how many were read, how many changed the mirror, and of those how many newly
    became deleted, how many changed owner, and how many an earlier run should have read."""

    read: int
    changed: int
    deleted: int
    owner_changes: int
    missed: int = 0


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
    """The statements that some records come to; `stages` are those of the open deals that change the mirror."""

    added: list[tuple[object, ...]]
    rows: list[tuple[object, ...]]
    touched: list[dict[str, Any]]
    owners: list[dict[str, Any]]
    stages: list[tuple[str, str, str]]
    deleted: int = 0
    missed: int = 0


def upsert_records(
    conn: Connection,
    incoming: Sequence[Record],
    *,
    now: datetime,
    run_id: str | None,
    settled: datetime | None = None,
    only: tuple[System, Kind] | None = None,
) -> PageResult:
    """Put versions of records into the mirror, and retire those that they say were merged into them.

    Those stamped before `settled` that change the mirror by more than their content (it has an older stamp, or nothing)
    are counted as missed. ValueError for a record of another system or kind than `only`, if that is given.
    """
    if not incoming:
        return PageResult(0, 0, 0, 0)
    writes = _Writes([], [], [], [], [])
    planner = _Planner(writes, last_change(conn), now, run_id, settled)
    newest: Mapping[tuple[System, Kind], Mapping[str, Record]] = {}
    if isinstance(incoming, RecordColumns) and _are_all_newest(incoming.ids):
        _refuse_others({(incoming.system, incoming.kind)}, only)
        _plan_columns(conn, planner, incoming)
    else:
        newest = _newest(incoming)
        _refuse_others(newest.keys(), only)
        _plan_records(conn, planner, newest)
    _execute(conn, writes)
    note_stages(conn, writes.stages)
    tell_moves(conn, writes.owners, now=now, run_id=run_id)
    losers = {
        Ref(record.ref.system, record.ref.kind, clean(loser)): record.ref.id
        for of_kind in newest.values()
        for record in of_kind.values()
        for loser in record.merged_from
    }
    retired = retire(conn, losers, now=now, run_id=run_id) if losers else 0
    return PageResult(
        read=len(incoming),
        changed=len(writes.added) + len(writes.rows) + retired,
        deleted=writes.deleted + retired,
        owner_changes=len(writes.owners),
        missed=writes.missed,
    )


def retire(conn: Connection, winners: Mapping[Ref, str | None], *, now: datetime, run_id: str | None) -> int:
    """Mark live rows as deleted, merged into the id given for each, if any; returns how many there were.

    Stamps stay: a later version that the CRM shows may bring the record back.
    """
    seq = last_change(conn)
    rows: list[tuple[object, ...]] = []
    instant, run = iso(now), cleaned(run_id)
    for batch in chunks(winners):
        for record in _fetch(conn, batch):
            if record.deleted or winners[record.ref] == record.ref.id:
                continue
            seq += 1
            gone = replace(record, deleted=True, merged_into=winners[record.ref] or record.merged_into)
            rows.append(row_of(gone, iso(gone.stamp), gone.content(), seq, instant, run))
    _replace(conn, rows)
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
    query = _ALL if include_deleted else _LIVE
    of = {"of_system": system, "of_kind": kind}
    with conn.execute(query, of, execution_options={"yield_per": CHUNK}) as result:
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
    return conn.execute(_LAST).scalar() or 0


def changed_since(conn: Connection, mark: int) -> Iterator[Ref]:
    """The refs of the rows that changed after the change numbered `mark`, oldest change first, in bounded memory."""
    query = select(_t.c.system, _t.c.kind, _t.c.id).where(_t.c.change_seq > mark).order_by(_t.c.change_seq)
    with conn.execute(query, execution_options={"yield_per": CHUNK}) as result:
        for system, kind, record_id in result:
            yield Ref(system, kind, record_id)


def _refuse_others(found: Set[tuple[System, Kind]], only: tuple[System, Kind] | None) -> None:
    if only is not None and found != {only}:
        raise ValueError(f"a page of {only[0].value} {only[1].value} records holds others")


def _plan_records(
    conn: Connection, planner: _Planner, newest: Mapping[tuple[System, Kind], Mapping[str, Record]]
) -> None:
    for (system, kind), of_kind in newest.items():
        for batch in chunks(of_kind, LISTED):
            known = _known(conn, system, kind, batch)
            if not known:
                planner.add(Fresh.of(system, kind, [of_kind[record_id] for record_id in batch]))
                continue
            for record_id in batch:
                planner.plan(of_kind[record_id], known.get(record_id))


def _plan_columns(conn: Connection, planner: _Planner, incoming: RecordColumns) -> None:
    """The same of records that came by column: those are made that differ from what the mirror holds of them."""
    for start in range(0, len(incoming), LISTED):
        batch = incoming[start : start + LISTED]
        known = _known(conn, batch.system, batch.kind, batch.ids)
        if not known:
            planner.add(Fresh.of_columns(batch))
            continue
        said = zip(map(known.get, batch.ids), batch.stamps, batch.contents(), strict=True)
        differ = [
            place
            for place, (held, stamp, content) in enumerate(said)
            if held is None or held.stamp != stamp or held.content_hash != content[1]
        ]
        for record in batch.chosen(differ):
            planner.plan(record, known.get(record.ref.id))


def _are_all_newest(ids: Sequence[str]) -> bool:
    """Whether these ids are clean and none is there twice."""
    return are_clean(ids) and len({*ids}) == len(ids)


def _newest(incoming: Sequence[Record]) -> dict[tuple[System, Kind], dict[str, Record]]:
    """The records by clean id, of several with one id the newest; of one stamp, the last."""
    refs = [record.ref for record in incoming]
    ids = [ref.id for ref in refs]
    # nearly every page is so, and looking at each record takes longer
    if _are_one_kind(refs) and _are_all_newest(ids):
        return {(refs[0].system, refs[0].kind): dict(zip(ids, incoming, strict=True))}
    newest: dict[tuple[System, Kind], dict[str, Record]] = {}
    for record in incoming:
        ref = record.ref
        of_kind = newest.setdefault((ref.system, ref.kind), {})
        record_id = clean(ref.id)
        if record_id != ref.id:
            record = replace(record, ref=replace(ref, id=record_id))
        held = of_kind.get(record_id)
        if held is None or held.stamp <= record.stamp:
            of_kind[record_id] = record
    return newest


def _are_one_kind(refs: Sequence[Ref]) -> bool:
    """Whether these are of one kind of one system: members are told apart by identity, hashing them is slow."""
    return len({*map(id, [ref.kind for ref in refs])}) == 1 and len({*map(id, [ref.system for ref in refs])}) == 1


def _known(conn: Connection, system: System, kind: Kind, ids: Sequence[str]) -> dict[str, _Known]:
    """What the mirror holds of these records: asked by id alone; others with such an id are left out.

    Nothing is looked for beyond the last id that there is: a load in the order of ids, or the first page of one.
    """
    last = conn.execute(_LAST_ID).scalar()
    if last is None or min(ids) > last:
        return {}
    found = rows_with(conn, _t.c.id, ids, _KNOWN_COLUMNS)
    return {row[2]: _Known(*row[3:]) for row in found if row[0] is system and row[1] is kind}


def _fetch(conn: Connection, refs: Iterable[Ref]) -> list[Record]:
    """The records of these refs, asked by id alone as in `_known`."""
    wanted = set(refs)
    found = rows_with(conn, _t.c.id, sorted({ref.id for ref in wanted}), _RECORD_COLUMNS)
    return [record for record in map(_record, found) if record.ref in wanted]


class _Planner:
    """Decides for each record what it comes to, and numbers the changes."""

    def __init__(self, writes: _Writes, seq: int, now: datetime, run_id: str | None, settled: datetime | None) -> None:
        self._writes = writes
        self._seq = seq
        self._now = now
        self._instant = iso(now)
        self._run_id = run_id
        self._run = cleaned(run_id)
        self._settled = "" if settled is None else iso(settled)

    def add(self, fresh: Fresh) -> None:
        """Add what records come to that the mirror holds none of, as `plan` does."""
        first = self._seq + 1
        self._seq += len(fresh.ids)
        if self._settled:
            self._writes.missed += fresh.missed(self._settled)
        self._writes.added += fresh.rows(first, self._instant, self._run)
        self._writes.stages += fresh.stages

    def plan(self, record: Record, known: _Known | None) -> None:
        """Add what `record` comes to, to the writes; nothing for one that is older, or says what is known."""
        stamp, content = iso(record.stamp), record.content()
        writes = self._writes
        if known is None:
            writes.missed += stamp < self._settled and not record.deleted
            self._seq += 1
            self._note_stage(record, stamp)
            writes.added.append(row_of(record, stamp, content, self._seq, self._instant, self._run))
            return
        if stamp < known.stamp:
            return
        # the index of a CRM may still show the loser of a merge for a while
        if known.merged_into is not None and not record.deleted and stamp == known.stamp:
            return
        if content[1] == known.content_hash:
            if stamp > known.stamp:
                self._writes.touched.append(_touch(record))
            return
        if cleaned(record.owner) != known.owner:
            self._writes.owners.append(_owner_change(record, known.owner, self._now, self._run_id))
        if record.deleted and not known.deleted:
            self._writes.deleted += 1
        self._writes.missed += known.stamp < stamp < self._settled
        self._seq += 1
        self._note_stage(record, stamp)
        self._writes.rows.append(row_of(record, stamp, content, self._seq, self._instant, self._run))

    def _note_stage(self, record: Record, stamp: str) -> None:
        stage = stage_of(record, stamp)
        if stage is not None:
            self._writes.stages.append(stage)


def _execute(conn: Connection, writes: _Writes) -> None:
    if writes.added:
        insert_new(conn, _t, NAMES, writes.added)
    _replace(conn, writes.rows)
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


def _replace(conn: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        values = [dict(zip(NAMES, row, strict=True)) for row in rows]
        conn.execute(upsert(conn, _UNTYPED, _KEY, _CONTENT), values)


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
        "field": OWNER_FIELD,
        "at": record.stamp,
        "old": old,
        "new": record.owner,
        "modified_by": record.modified_by,
        "source": None,
        "told": False,
        "seen_at": now,
        "run_id": run_id,
    }


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
