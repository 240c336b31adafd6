"""Rows of Bulk by column: what every record has is there and sound, or the row is named."""

from __future__ import annotations

import pytest

from syncd.clock import parse_instant
from syncd.connectors.salesforce import DEFAULT_MAPPING
from syncd.connectors.salesforce.bulkrows import BulkRows
from syncd.connectors.salesforce.mapping import columns_of
from syncd.errors import BadDataError
from syncd.model.refs import Kind

ROWS = BulkRows(columns_of(DEFAULT_MAPPING, Kind.ACCOUNT), {})
USUAL = "2026-11-20T10:00:00.000Z"


def row(number: int = 1, **cells: str) -> list[str]:
    """The cells of an account, empty but for what every record has."""
    told = {
        "Id": f"001Sb000000000{number}IAA",
        "SystemModstamp": USUAL,
        "OwnerId": "005Sb0000000001IAA",
        "IsDeleted": "false",
        **cells,
    }
    return [told.get(name, "") for name in ROWS.columns]


@pytest.mark.parametrize(
    "stamp",
    [
        USUAL,
        "2026-11-20T10:00:00.000+0000",
        "2026-11-20T11:00:00.000+01:00",
        "2026-11-20 10:00:00.000Z",
        "2026-11-20T10:00:00Z",
    ],
)
def test_a_stamp_is_the_instant_that_it_names_however_it_is_spelled(stamp: str) -> None:
    found = ROWS.records([row(1), row(2, SystemModstamp=stamp)])
    assert [*found.stamps] == [USUAL, USUAL]
    assert found[1].stamp == parse_instant(USUAL)


@pytest.mark.parametrize(
    "stamp", ["", "2026-02-30T10:00:00.000Z", "2026-11-20T24:00:00.000Z", "2026-11-20T10:00:00.000"]
)
def test_a_row_whose_stamp_is_none_is_named(stamp: str) -> None:
    with pytest.raises(BadDataError, match=r"001Sb0000000002IAA.*SystemModstamp") as caught:
        ROWS.records([row(1), row(2, SystemModstamp=stamp)])
    assert caught.value.code == "SYN421"


@pytest.mark.parametrize(("column", "cell"), [("Id", ""), ("Id", "none"), ("IsDeleted", "maybe"), ("OwnerId", "x")])
def test_a_row_that_lacks_what_every_record_has_is_refused(column: str, cell: str) -> None:
    with pytest.raises(BadDataError, match=column):
        ROWS.records([row(1), row(2, **{column: cell})])


def test_no_rows_are_no_records() -> None:
    assert [*ROWS.records([])] == []
