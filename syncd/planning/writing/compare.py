"""Compare before write: what a fresh reading of a record says of a row that wants to change a field of it. Pure.

The same judgement serves before a write, after a lost answer, and after a crash: only what follows from it differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncd.connectors.port import Reading
from syncd.model.plans import OutboxRow, held_value


class Standing(StrEnum):
    """How a record stands to a row: still as planned, already as wanted, changed by somebody, or gone."""

    AS_PLANNED = "as-planned"
    AS_WANTED = "as-wanted"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The standing of one row's record, the value its field holds now, and a sentence for the receipt."""

    standing: Standing
    value: str | None
    text: str


def compare(row: OutboxRow, reading: Reading | None) -> Comparison:
    """How the record stands to the row; a reading that is missing counts as gone."""
    record = reading.record if reading is not None else None
    if record is None or record.deleted:
        winner = record.merged_into if record is not None else None
        text = f"the record was merged into {winner}" if winner else "the record is gone"
        return Comparison(Standing.GONE, None, text)
    value = held_value(record, row.field)
    if value == row.new:
        return Comparison(Standing.AS_WANTED, value, f"the {row.field} is {named(row.new)}")
    if value == row.old:
        return Comparison(Standing.AS_PLANNED, value, f"the {row.field} is still {named(row.old)}")
    text = f"the {row.field} is {named(value)}; the plan expected {named(row.old)}"
    return Comparison(Standing.CHANGED, value, text)


def named(value: str | None) -> str:
    """A value in a sentence: an empty field is held by nobody."""
    return value or "nobody"
