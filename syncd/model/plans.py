"""Plans: the changes that decisions ask for, immutable once saved, and what became of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncd.model.records import Record
from syncd.model.refs import Ref

OWNER_FIELD = "owner"
"""The field of a change that writes a record's owner; the others are roles, and what `write` of the pack names."""
DERIVED_WRITES = ("territory", "band", "score", "lifecycle")
"""What `write` of the pack may name: values that syncd derives, in fields that nobody else fills."""
LOST_ANSWER = "lost-answer"
"""The code of a row that was carried out by a write whose answer never came."""
_HELD = "written:"

UNDO = "undo"
"""The kind of plans that take writes back, and of those that plan back what others changed: they stand on receipts."""
LEADS_PLAN = "leads"
"""The kind of plans that give leads to people: they supersede each other, and no plan of accounts."""

Slot = tuple[Ref, str]
"""One field of one record, `(ref, field)`: what a row writes, and what has at most one open row."""


def held_name(field: str) -> str:
    """Under which name a mirror record has the value of a field that syncd writes; no rule field has a colon."""
    return f"{_HELD}{field}"


def written_field(name: str) -> str | None:
    """The field that syncd writes whose value a mirror record has under `name`; None for a name that rules read."""
    return name.removeprefix(_HELD) if name.startswith(_HELD) else None


def held_value(record: Record, field: str) -> str | None:
    """What a record holds in a field of a plan: the owner's id, the id in a role's field, or a text of ours."""
    return record.owner if field == OWNER_FIELD else record.fields.get(held_name(field))


def with_held_value(record: Record, field: str, value: str | None) -> Record:
    """The record with this value in a field of a plan."""
    if field == OWNER_FIELD:
        return replace(record, owner=value)
    others = {name: each for name, each in record.fields.items() if name != held_name(field)}
    return replace(record, fields=others if value is None else {**others, held_name(field): value})


@dataclass(frozen=True, slots=True)
class Change:
    """One field to be written: the record, the value that it must still hold, the value that it gets.

    For the field `owner` and for roles the values are ids of users; None empties the field, which an owner never is.
    `because` is the company key. `parent` is the account whose change of owner this row follows. `money` is decimal
    text in the reporting currency. `expected` rows are written by the other side's sync and only awaited.
    """

    ref: Ref
    old: str | None
    new: str | None
    because: str
    fingerprint: str
    parent: Ref | None = None
    money: str | None = None
    expected: bool = False
    field: str = OWNER_FIELD

    @property
    def slot(self) -> Slot:
        """The field of the record that it writes."""
        return self.ref, self.field


@dataclass(frozen=True, slots=True)
class GuardTrip:
    """A limit of the pack's guard that a plan is over; `limit` names it for the approval (`changes.max`)."""

    limit: str
    allowed: str
    found: str
    text: str
    rules: tuple[str, ...] = ()


class PlanStatus(StrEnum):
    """The life of a saved plan."""

    PREVIEW = "preview"
    OFFERED = "offered"
    APPROVED = "approved"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class RowState(StrEnum):
    """The life of one approved row in the outbox; the first two are open, `sending` is in doubt, the rest are final."""

    APPROVED = "approved"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    SKIPPED_ALREADY = "skipped_already"
    STALE = "stale"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    DEAD = "dead"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the row."""
        return self not in (RowState.APPROVED, RowState.SENDING)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as the store keeps it: the document is the plan, its hash is what an approval binds to."""

    plan_id: str
    hash: str
    kind: str
    status: PlanStatus
    pack_revision: str
    created_at: datetime
    expires_at: datetime
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row of an approved plan on its way to a CRM; `stamp` is the record's, as compared before the last send."""

    id: int
    plan_id: str
    ref: Ref
    old: str | None
    new: str | None
    because: str
    parent: Ref | None
    fingerprint: str
    state: RowState
    attempts: int = 0
    code: str | None = None
    message: str | None = None
    field: str = OWNER_FIELD
    stamp: datetime | None = None

    @property
    def slot(self) -> Slot:
        """The field of the record that it writes."""
        return self.ref, self.field


def canonical_json(document: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return _CANONICAL.encode(document)


_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""Made once: `json.dumps` makes one at each call, which takes as long as a short document."""


def canonical_pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """The canonical JSON of a plan's document in UTF-8, some hundred entries at a time: a whole one may be large."""
    start = "{"
    for key in sorted(document):
        yield f"{start}{canonical_json(key)}:".encode("utf-8", "surrogatepass")
        start = ","
        value = document[key]
        if isinstance(value, list | tuple) and len(value) > _ENTRIES:
            for first in range(0, len(value), _ENTRIES):
                yield b"," if first else b"["
                yield canonical_json(value[first : first + _ENTRIES])[1:-1].encode("utf-8", "surrogatepass")
            yield b"]"
        else:
            yield canonical_json(value).encode("utf-8", "surrogatepass")
    yield b"}" if document else b"{}"


_ENTRIES = 500


def document_hash(document: Mapping[str, Any]) -> str:
    """What an approval binds to: SHA-256 over the canonical JSON of a plan's document."""
    found = hashlib.sha256()
    for piece in canonical_pieces(document):
        found.update(piece)
    return found.hexdigest()
