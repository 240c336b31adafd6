"""Records by column are the records: one by one, in parts, by their content and by their texts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.clock import iso, parse_instant
from syncd.model.record_columns import RecordColumns, texts_of
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System

_ODD = st.text(st.sampled_from(list('ab%é"\\\x00\x1f\x7f\n\u2028\ud83c{}:, ')), max_size=4)
_CELL = st.none() | st.just("") | _ODD
_STAMP = st.datetimes().map(lambda at: iso(parse_instant(f"{at.isoformat()}Z")))


@st.composite
def columns(draw: st.DrawFn) -> RecordColumns:
    """Some rows of some fields: full, partly filled and empty ones."""
    size = draw(st.integers(0, 4))

    def column(cell: st.SearchStrategy[str | None] = _CELL) -> list[str | None]:
        return draw(st.lists(cell, min_size=size, max_size=size))

    names = draw(st.lists(_ODD.filter(bool), max_size=4, unique=True))
    return RecordColumns(
        System.SALESFORCE,
        Kind.ACCOUNT,
        [f"001-{number}" for number in range(size)],
        draw(st.lists(_STAMP, min_size=size, max_size=size)),
        column(),
        column(),
        draw(st.lists(st.booleans(), min_size=size, max_size=size)),
        column(),
        column(),
        {name: column(draw(st.sampled_from([_CELL, _ODD.filter(bool)]))) for name in names},
    )


def one_by_one(held: RecordColumns) -> list[Record]:
    """The same records, each put together by itself."""
    return [
        Record(
            Ref(held.system, held.kind, held.ids[row]),
            parse_instant(held.stamps[row]),
            {name: text for name, cells in held.fields.items() if (text := cells[row])},
            held.owners[row],
            held.accounts[row],
            held.deleted[row],
            held.merged_into[row],
            (),
            held.modified_by[row],
        )
        for row in range(len(held))
    ]


@given(columns())
def test_columns_say_what_their_records_say(held: RecordColumns) -> None:
    records = one_by_one(held)
    assert list(held) == records
    assert held.contents() == [record.content() for record in records]
    assert sorted(texts_of(held)) == sorted(texts_of(records))


@given(columns(), st.integers(0, 4), st.integers(0, 4))
def test_a_part_of_columns_is_the_part_of_their_records(held: RecordColumns, first: int, last: int) -> None:
    records = one_by_one(held)
    part = held[first:last]
    assert isinstance(part, RecordColumns)
    assert (list(part), len(part)) == (records[first:last], len(records[first:last]))
    if records:
        assert (held[-1], held[0]) == (records[-1], records[0])
    with pytest.raises(IndexError):
        held[len(held)]


@pytest.mark.parametrize("empty", [(), ("",), (None,)])
def test_records_of_whose_fields_nothing_is_filled_have_none(empty: Sequence[str | None]) -> None:
    at = iso(parse_instant("2026-11-20T10:00:00Z"))
    size = len(empty)
    fields = {"name": empty} if empty else {}
    rest = ([None] * max(size, 1),) * 2
    held = RecordColumns(System.SALESFORCE, Kind.TASK, ["1"], [at], [None], [None], [False], *rest, fields)
    assert (held[0].fields, held.contents()[0][0]) == ({}, "{}")
