"""A page that comes by column leaves in the mirror what the same records leave that come one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select
from store_builders import LIVE, REP, SF

from syncd.clock import iso
from syncd.model.cursors import Page
from syncd.model.record_columns import RecordColumns
from syncd.model.records import Record
from syncd.model.refs import Kind
from syncd.store import mirror, tables
from syncd.store.engine import Store
from syncd.store.mirror import PageResult
from tests.databases import NOW

ACCOUNTS: Mapping[str, Sequence[str | None]] = {
    "name": ["Łódź  Works", "Acme \x00 GmbH", " ", None],
    "domain": [None, "acme.example", "", "not a host"],
    "website": ["https://www.lodz.example/", "other.example", "HTTP://Third.example:80/x", None],
    "industry": ["Banking", "Banking", "Banking", "Banking"],
}
DEALS: Mapping[str, Sequence[str | None]] = {
    "name": ["one", "two", "three", "four"],
    "stage": ["Prospecting", "Proposal \ud83c", "Closed Won", None],
    "is_closed": ["false", None, "true", "false"],
    "is_won": ["false", "false", "true", None],
}


def columns(kind: Kind, fields: Mapping[str, Sequence[str | None]], ids: Sequence[str]) -> RecordColumns:
    stamps = [iso(NOW + timedelta(minutes=minute)) for minute in (0, -100, 5, -90)]
    owners, gone = [REP, None, "005\x00", REP], [False, True, False, False]
    nobody: Sequence[str | None] = [None] * 4
    return RecordColumns(SF, kind, ids, stamps, owners, nobody, gone, [None, ids[0], None, None], nobody, fields)


def left_by(
    store: Store, page: Sequence[Record], kind: Kind, before: Sequence[Record]
) -> tuple[PageResult, list[Any], list[Any]]:
    """What storing a page over what was there says and leaves: rows of the mirror, and the stages of deals."""
    with store.write() as conn:
        for table in (tables.records, tables.stage_entries, tables.owner_changes, tables.cursors):
            conn.execute(delete(table))
        mirror.record_reading(conn, before, now=NOW, run_id="before")
        cursor = replace(LIVE, kind=kind)
        result = mirror.store_page(conn, Page(page, None), cursor, now=NOW, run_id="run", settled=NOW)
        return result, _rows(conn, tables.records), _rows(conn, tables.stage_entries)


def _rows(conn: Connection, table: Any) -> list[Any]:
    return sorted(conn.execute(select(table)), key=str)


@pytest.mark.parametrize(("kind", "fields"), [(Kind.ACCOUNT, ACCOUNTS), (Kind.OPPORTUNITY, DEALS)])
@pytest.mark.parametrize(
    ("ids", "known"),
    [
        (("id-1", "id-2", "id-3", "id-4"), ()),
        (("id-1", "id-2", "id-3", "id-4"), ("id-0",)),
        (("id-1", "id-2", "id-3", "id-4"), ("id-2", "id-3")),
        (("id-1", "id-2", "id-2", "id-4"), ()),
        (("id-1", "id\x00", "id-é", "id-4"), ()),
    ],
    ids=["an empty mirror", "others", "some of them", "one of them twice", "ids that no database holds"],
)
def test_a_page_by_column_leaves_what_its_records_leave(
    store: Store, kind: Kind, fields: Mapping[str, Sequence[str | None]], ids: Sequence[str], known: Sequence[str]
) -> None:
    page = columns(kind, fields, ids)
    before = [replace(page[0], ref=replace(page[0].ref, id=each), fields={"name": "before"}) for each in known]
    found = left_by(store, page, kind, before)
    assert found == left_by(store, list(page), kind, before)
    assert found[0].missed == 1
    assert len(found[1]) == len({*ids, *known})


@pytest.mark.parametrize(("kind", "fields"), [(Kind.ACCOUNT, ACCOUNTS), (Kind.OPPORTUNITY, DEALS)])
def test_what_the_mirror_holds_already_is_compared_by_stamp_and_content(
    store: Store, kind: Kind, fields: Mapping[str, Sequence[str | None]]
) -> None:
    page = columns(kind, fields, ("id-1", "id-2", "id-3", "id-4"))
    hour, other = timedelta(hours=1), {"name": "other"}
    same, older, newer, edited = page
    held = [
        same,
        replace(older, stamp=older.stamp + hour, fields=other),
        replace(newer, stamp=newer.stamp - hour),
        replace(edited, fields=other),
    ]
    found = left_by(store, page, kind, held)
    assert found == left_by(store, list(page), kind, held)
    result, rows, _ = found
    assert (result.read, result.changed) == (4, 1), "one moved its stamp alone, one is older, one is the same"
    at = {row.id: row for row in rows}
    assert [at[each].stamp for each in page.ids[2:]] == [newer.stamp, edited.stamp]
    assert at["id-4"].run_id == "run"


def test_a_page_by_column_of_another_kind_than_the_cursors_is_refused(store: Store) -> None:
    page = columns(Kind.ACCOUNT, ACCOUNTS, ("id-1", "id-2", "id-3", "id-4"))
    with pytest.raises(ValueError, match="holds others"), store.write() as conn:
        mirror.store_page(conn, Page(page, None), replace(LIVE, kind=Kind.OPPORTUNITY), now=NOW, run_id="run")
