"""Compare before write: what a fresh reading of a record says of a row that wants to change its owner. Pure.

The same judgement serves before a write, after a lost answer, and after a crash: only what follows from it differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncd.connectors.port import Reading
from syncd.model.plans import OutboxRow


class Standing(StrEnum):
    """How a record stands to a row: still as planned, already as wanted, changed by somebody, or gone."""

    AS_PLANNED = "as-planned"
    AS_WANTED = "as-wanted"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The standing of one row's record, the owner it holds now, and a sentence for the receipt."""

    standing: Standing
    owner: str | None
    text: str


def compare(row: OutboxRow, reading: Reading | None) -> Comparison:
    """How the record stands to the row; a reading that is missing counts as gone."""
    record = reading.record if reading is not None else None
    if record is None or record.deleted:
        winner = record.merged_into if record is not None else None
        text = f"the record was merged into {winner}" if winner else "the record is gone"
        return Comparison(Standing.GONE, None, text)
    owner = record.owner
    if owner == row.new:
        return Comparison(Standing.AS_WANTED, owner, f"the owner is {row.new}")
    if owner == row.old:
        return Comparison(Standing.AS_PLANNED, owner, f"the owner is still {row.old or 'nobody'}")
    text = f"the owner is {owner or 'nobody'}; the plan expected {row.old or 'nobody'}"
    return Comparison(Standing.CHANGED, owner, text)
