"""Who changed an owner: the marks of what syncd wrote, adopted or awaits, against the owners in the mirror. Pure.

An owner that is not the mark's was set by somebody else, by value first: a person may edit in the second of our own
write. One that was moved away and put back since the mark was set is a person's word too. What is written and not read
back yet, and what the native sync still has to write, is nobody's change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from syncd.model.plans import OWNER_FIELD, held_value
from syncd.model.records import Record
from syncd.model.refs import Ref
from syncd.store.ownership import OwnerChange, OwnerMark


@dataclass(frozen=True, slots=True)
class OwnershipHistory:
    """What the ledger knows of owners: the marks, the latest seen change of each record, and refs under way.

    With another `field` than the owner it is all of the holders of that role.
    """

    marks: Mapping[Ref, OwnerMark]
    changes: Mapping[Ref, OwnerChange]
    open_refs: frozenset[Ref] = frozenset()
    field: str = OWNER_FIELD


@dataclass(frozen=True, slots=True)
class Drift:
    """An account whose owner somebody else changed: from what syncd knew to what it is now.

    `by` is the user who did it and `source` by what means, as far as the CRM tells. `field` is the role whose holder it
    is, where it is not the owner.
    """

    ref: Ref
    was: str | None
    now: str | None
    at: datetime
    by: str | None = None
    source: str | None = None
    field: str = OWNER_FIELD

    @property
    def text(self) -> str:
        """Such as `changed by 005… on 2026-11-20 in salesforce`; of another role `csm changed by …`."""
        means = f" ({self.source})" if self.source else ""
        role = f"{self.field} " if self.field != OWNER_FIELD else ""
        return f"{role}changed by {self.by or 'somebody'}{means} on {self.at:%Y-%m-%d} in {self.ref.system.value}"


def drifted(accounts: Iterable[Record], history: OwnershipHistory) -> Iterator[Drift]:
    """The live accounts whose owner was changed by anyone but syncd since its last write, or since adoption."""
    return (drift for record in accounts if (drift := _drift(record, history)) is not None)


def person_changes(
    accounts: Iterable[Record], links: Mapping[Ref, str], history: OwnershipHistory
) -> dict[str, tuple[datetime, str]]:
    """The companies whose owner was changed by anyone but syncd since its last write, or since adoption.

    By company key: when, and a text such as `changed by 005… on 2026-11-20 in salesforce`; of several records of one
    company the latest change. Accounts without a mark (before adoption, or new) have none.
    """
    found: dict[str, tuple[datetime, str]] = {}
    for drift in drifted(accounts, history):
        company = links.get(drift.ref)
        changed = (drift.at, drift.text)
        if company is not None and (company not in found or changed > found[company]):
            found[company] = changed
    return found


def role_changes(
    accounts: Iterable[Record], links: Mapping[Ref, str], histories: Iterable[OwnershipHistory]
) -> dict[str, dict[str, tuple[datetime, str]]]:
    """The same of the holders of other roles, one history each: by company key and role."""
    known, found = list(accounts), defaultdict[str, dict[str, tuple[datetime, str]]](dict)
    for history in histories:
        for company, changed in person_changes(known, links, history).items():
            found[company][history.field] = changed
    return dict(found)


def unmarked(accounts: Iterable[Record], marks: Mapping[Ref, OwnerMark]) -> tuple[Record, ...]:
    """The live accounts that have no mark yet: after adoption each gets its present owner as `first-seen`."""
    return tuple(record for record in accounts if record.ref not in marks and not record.deleted)


def _drift(record: Record, history: OwnershipHistory) -> Drift | None:
    """What somebody else did to a record's owner, if anything."""
    mark = history.marks.get(record.ref)
    if mark is None or record.deleted or record.ref in history.open_refs:
        return None
    change, present, field = _seen_after(record, mark, history), held_value(record, history.field), history.field
    if present == mark.owner and (change is None or mark.source == "expected"):
        return None  # nobody touched it, or the native sync did as it should
    if change is None and mark.source == "expected":
        return None
    if change is None:
        return Drift(record.ref, mark.owner, present, record.stamp, record.modified_by, field=field)
    return Drift(record.ref, mark.owner, present, change.at, change.modified_by, change.source, field)


def _seen_after(record: Record, mark: OwnerMark, history: OwnershipHistory) -> OwnerChange | None:
    """The change of owner that the mirror saw after the mark was set, if there was one."""
    change = history.changes.get(record.ref)
    if change is None or change.seen_at <= mark.at or change.new != held_value(record, history.field):
        return None
    return change
