"""Plans: the changes that decisions ask for, immutable once saved, and what became of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncd.model.refs import Ref


@dataclass(frozen=True, slots=True)
class Change:
    """One owner to be written: the record, the owner id it must still hold, the owner id it gets.

    `because` is the company key. `parent` is the account whose change this opportunity follows. `money` is decimal
    text in the reporting currency. `expected` rows are written by the other side's sync and only awaited.
    """

    ref: Ref
    old: str | None
    new: str
    because: str
    fingerprint: str
    parent: Ref | None = None
    money: str | None = None
    expected: bool = False


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
    """One row of an approved plan on its way to a CRM."""

    id: int
    plan_id: str
    ref: Ref
    old: str | None
    new: str
    because: str
    parent: Ref | None
    fingerprint: str
    state: RowState
    attempts: int = 0
    code: str | None = None
    message: str | None = None


def canonical_json(document: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def document_hash(document: Mapping[str, Any]) -> str:
    """What an approval binds to: SHA-256 over the canonical JSON of a plan's document."""
    return hashlib.sha256(canonical_json(document).encode("utf-8", "surrogatepass")).hexdigest()
