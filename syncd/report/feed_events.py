"""Events of the change feed, made of rows of the ledger. The schema is a promise: docs/feed.md tells it.

Only chained columns go in, and e-mails of people as the mirror knows them now: who was erased has none any more. Knows
no database and no receiver.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syncd.clock import iso
from syncd.model.plans import DERIVED_WRITES, OWNER_FIELD, RowState
from syncd.model.records import User
from syncd.model.refs import Kind, Ref
from syncd.store.feed import FeedRow

FORMAT = 1
BEGINNING = "0"
"""The cursor before the first event."""
_CURSOR = re.compile(r"([0-9]{1,18})(?:-([0-9a-f]{12}))?")


def cursor_of(seq: int, mark: str | None) -> str:
    """The cursor of a row: its number, and the beginning of its hash, by which another history is told from this."""
    return f"{seq}-{mark}" if mark is not None else BEGINNING


def parse_cursor(text: str) -> tuple[int, str | None]:
    """The number and the mark of a cursor; ValueError for a text that is none."""
    found = _CURSOR.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]), found[2]


def event_of(row: FeedRow, users: Mapping[Ref, User], companies: Mapping[Ref, str]) -> dict[str, Any] | None:
    """The event that a row of the ledger is, None for one that changed nothing for anybody outside."""
    made = _BODIES[row.event](row, users)
    if made is None:
        return None
    type_, body = made
    ref = _ref(row.ref)
    about: dict[str, Any] = {}
    if ref is not None:
        about = {"ref": str(ref), "system": ref.system.value, "kind": ref.kind.value, "record": ref.id}
        if ref.kind is Kind.ACCOUNT:
            about["company"] = companies.get(ref, str(ref))
    cursor = cursor_of(row.seq, row.mark)
    return {"format": FORMAT, "cursor": cursor, "id": cursor, "at": iso(row.at), "type": type_, **about, **body}


Body = tuple[str, dict[str, Any]]
_LEAD, _ROLE, _FIELD, _TERRITORY = "lead.routed", "role.changed", "field.written", "territory.changed"


def _written(row: FeedRow, users: Mapping[Ref, User]) -> Body | None:
    """A receipt: a value that was written, or that somebody else had set to what was planned."""
    state = row.facts.get("state")
    if state not in (RowState.CONFIRMED, RowState.SKIPPED_ALREADY):
        return None
    ours = state == RowState.CONFIRMED
    return _moved(row, users, by="syncd" if ours else "other", plan=row.facts.get("plan"))


def _seen(row: FeedRow, users: Mapping[Ref, User]) -> Body | None:
    return _moved(row, users, by="other", plan=None)


def _moved(row: FeedRow, users: Mapping[Ref, User], *, by: str, plan: object) -> Body | None:
    ref, field = _ref(row.ref), row.facts.get("field")
    if ref is None or not isinstance(field, str):
        return None
    rest: dict[str, Any] = {"by": by} | ({"plan": plan} if plan is not None else {})
    old, new = row.facts.get("from"), row.facts.get("to")
    if field in DERIVED_WRITES:
        return _TERRITORY if field == "territory" else _FIELD, {"field": field, "from": old, "to": new, **rest}
    sides: dict[str, Any] = {"from": _person(ref, old, users), "to": _person(ref, new, users), **rest}
    if field != OWNER_FIELD:
        return _ROLE, {"role": field, **sides}
    if row.facts.get("territory") is not None:
        sides["territory"] = row.facts["territory"]
    return (_LEAD if ref.kind is Kind.LEAD and by == "syncd" else "owner.changed"), sides


def _override(type_: str) -> Callable[[FeedRow, Mapping[Ref, User]], Body]:
    def made(row: FeedRow, users: Mapping[Ref, User]) -> Body:
        ref = _ref(row.ref)
        body: dict[str, Any] = {"role": row.facts.get("role") or OWNER_FIELD}
        if ref is not None and "to" in row.facts:
            body |= {"owner": _person(ref, row.facts["to"], users), "expires": row.facts.get("expires")}
        return type_, body

    return made


def _plain(type_: str, facts: Sequence[str] = ()) -> Callable[[FeedRow, Mapping[Ref, User]], Body]:
    def made(row: FeedRow, _users: Mapping[Ref, User]) -> Body:
        return type_, {name: row.facts.get(name) for name in facts}

    return made


_BODIES: Mapping[str, Callable[[FeedRow, Mapping[Ref, User]], Body | None]] = {
    "write.confirmed": _written,
    "write.skipped": _written,
    "owner.moved": _seen,
    "drift.adopted": _override("override.adopted"),
    "drift.released": _override("override.released"),
    "company.joined": _plain("company.joined"),
    "company.split": _plain("company.split"),
    "record.merged": _plain("record.merged", ("into",)),
    "link.confirmed": _plain("link.confirmed"),
    "link.rejected": _plain("link.rejected"),
    "baseline.adopted": _plain("baseline.adopted"),
    "plan.applied": _plain("plan.applied", ("plan",)),
    "subject.erased": _plain("subject.erased", ("erasure",)),
    "database.restored": _plain("database.restored"),
    "system.rebound": _plain("system.rebound"),
}
EVENTS = frozenset(_BODIES)
"""The events of the ledger that may become events of the feed."""
TYPES = (
    "owner.changed",
    _LEAD,
    _ROLE,
    _TERRITORY,
    _FIELD,
    "override.adopted",
    "override.released",
    "company.joined",
    "company.split",
    "record.merged",
    "link.confirmed",
    "link.rejected",
    "baseline.adopted",
    "plan.applied",
    "subject.erased",
    "database.restored",
    "system.rebound",
)
"""Every type of event."""


def _person(ref: Ref, user: object, users: Mapping[Ref, User]) -> dict[str, str | None] | None:
    """Who an id of a CRM is; queues and people who are unknown or erased have no e-mail."""
    if not isinstance(user, str):
        return None
    known = users.get(Ref(ref.system, Kind.USER, user))
    email = known.email if known is not None and known.email and "@" in known.email else None
    return {"id": user, "email": email}


def _ref(text: str | None) -> Ref | None:
    try:
        return Ref.parse(text) if text else None
    except ValueError:
        return None
