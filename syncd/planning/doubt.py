"""Doubt: a write whose answer was lost, and whose record shows the value of before. Was it never done, or put back?

A record that nobody changed since it was compared was not written: the row may be sent again. One that was changed is
judged by the CRM's history of its owners, where it keeps one; where that proves nothing, the row is not sent again, for
that could overrule a person who put the owner back in that very moment (I10). Decides nothing else and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from syncd.connectors.port import OwnerVersion, Reading
from syncd.model.plans import OWNER_FIELD, OutboxRow
from syncd.model.refs import Kind, Ref
from syncd.planning.compare import Standing, compare, named
from syncd.planning.line import Line


def unproved(
    line: Line, rows: Sequence[OutboxRow], stamps: Mapping[int, datetime | None], readings: Mapping[Ref, Reading]
) -> Mapping[int, str]:
    """Rows in doubt, of one system and kind, of which nothing proves that they were not written: a sentence by row id.

    `stamps` holds each record's stamp as the compare before the write read it, by row id; `readings` are those after.
    Asks the CRM only about records that somebody changed meanwhile. Raises CrmError where it cannot be asked.
    """
    changed = [row for row in rows if _changed(row, stamps.get(row.id), readings.get(row.ref))]
    asked = [row for row in changed if row.ref.kind is Kind.ACCOUNT and row.field == OWNER_FIELD]
    histories = line.owner_histories([row.ref for row in asked])
    told = ((row, _told(row, stamps.get(row.id), histories.get(row.ref, ()))) for row in changed)
    return {row.id: text for row, text in told if text is not None}


def _changed(row: OutboxRow, stamp: datetime | None, reading: Reading | None) -> bool:
    """Whether the record shows the value of before under a stamp that is not the compare's."""
    found = compare(row, reading)
    record = reading.record if reading is not None else None
    return found.standing is Standing.AS_PLANNED and record is not None and record.stamp != stamp


def _told(row: OutboxRow, stamp: datetime | None, versions: Sequence[OwnerVersion]) -> str | None:
    """Why the row may have been written; None where the history shows that the owner was not touched."""
    newest = versions[0] if versions else None
    if newest is None or newest.owner != row.old or stamp is None:
        text = f"the answer was lost, and the {row.field} is {named(row.old)} in a record that was changed meanwhile"
        return f"{text}: the write may have been done and put back"
    if newest.at is None or newest.at <= stamp:
        return None
    by = f" by {newest.by}" if newest.by else ""
    return f"the answer was lost, and the {row.field} was put back to {named(row.old)}{by} after the write"
