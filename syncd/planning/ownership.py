"""Who changed an owner: the marks of what syncd wrote, adopted or awaits, against the owners in the mirror. Pure.

An owner that is not the mark's was set by somebody else, by value first: a person may edit in the second of our own
write. One that was moved away and put back since the mark was set is a person's word too. What is written and not read
back yet, and what the native sync still has to write, is nobody's change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.model.records import Record
from syncd.model.refs import Ref
from syncd.store.ownership import OwnerChange, OwnerMark

EXPECTED_WITHIN = timedelta(minutes=60)
"""How long a row that the native sync should write is awaited before that is a finding."""


@dataclass(frozen=True, slots=True)
class OwnershipHistory:
    """What the ledger knows of owners: the marks, the latest seen change of each record, and refs under way."""

    marks: Mapping[Ref, OwnerMark]
    changes: Mapping[Ref, OwnerChange]
    open_refs: frozenset[Ref] = frozenset()


def person_changes(
    accounts: Iterable[Record], links: Mapping[Ref, str], history: OwnershipHistory
) -> dict[str, tuple[datetime, str]]:
    """The companies whose owner was changed by anyone but syncd since its last write, or since adoption.

    By company key: when, and a text such as `changed by 005… on 2026-11-20 in salesforce`; of several records of one
    company the latest change. Accounts without a mark (before adoption, or new) have none.
    """
    found: dict[str, tuple[datetime, str]] = {}
    for record in accounts:
        changed = _changed(record, history)
        company = links.get(record.ref)
        if changed is not None and company is not None and (company not in found or changed > found[company]):
            found[company] = changed
    return found


def unmarked(accounts: Iterable[Record], marks: Mapping[Ref, OwnerMark]) -> tuple[Record, ...]:
    """The live accounts that have no mark yet: after adoption each gets its present owner as `first-seen`."""
    return tuple(record for record in accounts if record.ref not in marks and not record.deleted)


def overdue_expectations(
    accounts: Iterable[Record], history: OwnershipHistory, now: datetime
) -> tuple[tuple[Ref, str], ...]:
    """The records that the native sync should have written and did not within the hour, with the finding's text."""
    found: list[tuple[Ref, str]] = []
    for record in accounts:
        mark = history.marks.get(record.ref)
        if mark is None or mark.source != "expected" or record.owner == mark.owner:
            continue
        if now - mark.at >= EXPECTED_WITHIN and _seen_after(record, mark, history) is None:
            text = f"the native sync should have set the owner to {mark.owner} since {mark.at:%Y-%m-%d %H:%M}Z"
            found.append((record.ref, f"{text}; it is {record.owner or 'nobody'}"))
    return tuple(sorted(found))


def _changed(record: Record, history: OwnershipHistory) -> tuple[datetime, str] | None:
    """When a record's owner was changed by somebody else, and the text of it."""
    mark = history.marks.get(record.ref)
    if mark is None or record.deleted or record.ref in history.open_refs:
        return None
    change = _seen_after(record, mark, history)
    if record.owner == mark.owner and (change is None or mark.source == "expected"):
        return None  # nobody touched it, or the native sync did as it should
    if change is None and mark.source == "expected":
        return None
    at = change.at if change is not None else record.stamp
    by = (change.modified_by if change is not None else record.modified_by) or "somebody"
    return at, f"changed by {by} on {at:%Y-%m-%d} in {record.ref.system.value}"


def _seen_after(record: Record, mark: OwnerMark, history: OwnershipHistory) -> OwnerChange | None:
    """The change of owner that the mirror saw after the mark was set, if there was one."""
    change = history.changes.get(record.ref)
    return change if change is not None and change.seen_at > mark.at and change.new == record.owner else None
