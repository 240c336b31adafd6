"""Doubt: a write whose answer was lost, or that does not show. Was it done, is what shows its doing? Writes nothing.

A record that shows the value of before, and that nobody changed since it was compared, was not written: the row may be
sent again, unless the CRM's history of its owners, where it keeps one, knows better: then the record is an old picture.
One that was changed is judged by that history; where it proves nothing the row is not sent again, for that could
overrule a person who put the owner back in that moment (I10). So is a record that shows the value that was wanted: a
person who set it meanwhile has spoken, and it is no write of ours.

A write that was accepted moved the record's stamp, whatever came after it. A record that has the stamp of the compare
however often it is read is an old picture, and says nothing against the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.connectors.port import OwnerVersion, Reading, latest_version
from syncd.model.plans import DERIVED_WRITES, OutboxRow, Slot
from syncd.model.refs import Ref
from syncd.planning.writing.compare import Standing, compare, named
from syncd.planning.writing.line import Line

STAMP_GRAIN = timedelta(seconds=5)
"""How much older than a write a stamp must be to tell it from one after it.

Salesforce's name whole seconds, and its clock is not quite ours (salesforce.md 2.1).
"""


class Doubt(StrEnum):
    """What may be so: the write was done and does not show, it was put back, or somebody else did what it wanted."""

    UNSEEN = "unseen"
    PUT_BACK = "put-back"
    NOT_OURS = "not-ours"


@dataclass(frozen=True, slots=True)
class Doubted:
    """Why a row is not judged by its record's value alone: a sentence for its receipt."""

    doubt: Doubt
    text: str


def doubts(line: Line, rows: Sequence[OutboxRow], readings: Mapping[Ref, Reading]) -> Mapping[int, Doubted]:
    """What is doubted of rows whose answer was lost, all of one system and kind, by row id; others are as they look.

    The rows have the stamp of the compare before the write; `readings` come after it. Asks the CRM only about records
    that show the wanted value or that of before. Raises CrmError where it cannot be asked.
    """
    standing = {row.id: compare(row, readings.get(row.ref)).standing for row in rows}
    planned = [row for row in rows if standing[row.id] is Standing.AS_PLANNED]
    wanted = [row for row in rows if standing[row.id] is Standing.AS_WANTED]
    histories = _histories(line, [*planned, *wanted])
    found: dict[int, Doubted | None] = {}
    for row in planned:
        versions = histories.get(row.slot, ())
        if not is_old_picture(row, readings.get(row.ref)):
            found[row.id] = _put_back(row, versions)
        elif _is_set(row, versions):
            found[row.id] = _unseen(row)
            wanted.append(row)
    us = line.own_id(rows[0].ref.system) if any(row.slot in histories for row in wanted) else None
    for row in wanted:
        found[row.id] = _not_ours(row, us, histories.get(row.slot, ())) or found.get(row.id)
    return {known: doubted for known, doubted in found.items() if doubted is not None}


def _histories(line: Line, rows: Sequence[OutboxRow]) -> Mapping[Slot, tuple[OwnerVersion, ...]]:
    """Who held what the rows write, newest first, by slot; of a text of ours nobody asks, since no person sets it."""
    found: dict[Slot, tuple[OwnerVersion, ...]] = {}
    for field in sorted({row.field for row in rows}.difference(DERIVED_WRITES)):
        told = line.owner_histories([row.ref for row in rows if row.field == field], field)
        found |= {(ref, field): versions for ref, versions in told.items()}
    return found


def stamp_of(reading: Reading | None) -> datetime | None:
    """The stamp of the record that was read, None where there was none."""
    return reading.record.stamp if reading is not None and reading.record is not None else None


def is_old_picture(row: OutboxRow, reading: Reading | None) -> bool:
    """Whether a record was read as it was at the row's compare, or even before."""
    shown = stamp_of(reading)
    return shown == row.stamp or (shown is not None and row.stamp is not None and shown < row.stamp)


def unseen(row: OutboxRow, reading: Reading | None, compared_at: datetime) -> Doubted | None:
    """Why a row whose write was accepted is done though its record shows the value of before; None where it is not so.

    A stamp that was fresh at the compare tells nothing: what came after the write may have the same.
    """
    if compare(row, reading).standing is not Standing.AS_PLANNED or row.stamp is None:
        return None
    if compared_at - row.stamp < STAMP_GRAIN or not is_old_picture(row, reading):
        return None
    text = f"the write was accepted, and the {row.field} is still shown as {named(row.old)}"
    return Doubted(Doubt.UNSEEN, f"{text}, in a record as old as before the write: taken as done")


def _is_set(row: OutboxRow, versions: Sequence[OwnerVersion]) -> bool:
    """Whether the history has the wanted value as the newest, set after the compare: an older record is a picture."""
    newest = latest_version(versions, row.new)
    if newest is None or newest.owner != row.new or newest.at is None or row.stamp is None:
        return False
    return newest.at > row.stamp


def _unseen(row: OutboxRow) -> Doubted:
    text = f"the answer was lost, and the record still shows the {row.field} {named(row.old)}"
    return Doubted(Doubt.UNSEEN, f"{text}, but its history has {named(row.new)} since: the write was done")


def _put_back(row: OutboxRow, versions: Sequence[OwnerVersion]) -> Doubted | None:
    """Why a row may have been written and put back; None where the history shows that the owner was not touched."""
    newest = latest_version(versions, row.old)
    if newest is None or newest.owner != row.old or row.stamp is None:
        text = f"the answer was lost, and the {row.field} is {named(row.old)} in a record that was changed meanwhile"
        return Doubted(Doubt.PUT_BACK, f"{text}: the write may have been done and put back")
    if newest.at is None or newest.at <= row.stamp:
        return None
    by = f" by {newest.by}" if newest.by else ""
    text = f"the answer was lost, and the {row.field} was put back to {named(row.old)}{by} after the write"
    return Doubted(Doubt.PUT_BACK, text)


def _not_ours(row: OutboxRow, us: str | None, versions: Sequence[OwnerVersion]) -> Doubted | None:
    """Who else set the wanted owner; None where it was us, a program, or where nothing tells."""
    newest = latest_version(versions, row.new)
    if newest is None or newest.owner != row.new or not newest.by_person or newest.by in (None, us):
        return None
    return Doubted(Doubt.NOT_OURS, f"the answer was lost, and {newest.by} set the {row.field} to {named(row.new)}")
