"""The leaver's drill: all that somebody owns, who minds it now, and who gets it, as one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.jobs.context import Context
from syncd.jobs.people.proposing import Look, propose
from syncd.model.plans import Change
from syncd.model.records import Record, User
from syncd.model.refs import Kind, System
from syncd.planning.builder import PlanInput
from syncd.planning.people.deals import deals_of
from syncd.planning.people.reasons import LEAVER
from syncd.planning.people.succession import Settled, Wishes, book_of, led_by, pipeline_of, succeed
from syncd.rules.matching.time_window import local_day
from syncd.store import mirror

_BESIDE = (Kind.LEAD, Kind.CONTACT)
"""What may be owned beside accounts and opportunities, where the mirror has it."""
_LISTED = 200


def leaver(context: Context, email: str, *, to: Sequence[str] = (), cover: str | None = None) -> Mapping[str, Any]:
    """The plan for the book of somebody who leaves, saved; its document says under `people` all that they own.

    Raises UsageError SYN650 for an unknown person, here or in `to` and `cover`; see `deliberate` for the rest.
    """
    look = Look.at(context)
    who = look.check_person(email)
    wishes = Wishes(tuple(look.check_person(each) for each in to), look.check_person(cover) if cover else None)
    users = [user for user in look.thought.source.users.values() if user.email == who]
    ids: dict[object, frozenset[str]] = {
        system: frozenset(user.ref.id for user in users if user.ref.system is system) for system in System
    }
    facts = look.thought.facts
    book = book_of(who, facts.values(), ids)
    mine = frozenset(key for key in book if led_by(who, facts[key]))
    settled = succeed(look.table(mine), who, book, wishes)
    ended = _ended(look, who)
    gone = ended or not users or any(not user.active for user in users)
    deals = _owned(look.thought.source.open_opportunities, users)
    beside = _beside(context, users)

    def finish(source: PlanInput, document: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Change]]:
        found, more = deals_of(source, document, deals, gone=gone)
        planned = {entry["ref"] for entry in document["changes"]}
        told = {
            "leaver": {"email": who, "name": next((user.name for user in users if user.name), who)},
            "state": _state(users, ended=ended),
            "owns": _owns(book, deals, beside, source),
            "accounts": _accounts(book, settled, document, source),
            "opportunities": [deal.entry() for deal in found],
            "others": [_other(record, str(record.ref) in planned) for record in beside[:_LISTED]],
            "others_total": len(beside),
            "not_mirrored": _not_mirrored(context),
        }
        return told, more

    proposed = {company: each.decision for company, each in settled.items()}
    return propose(look, LEAVER, proposed, finish)


def _ended(look: Look, who: str) -> bool:
    """Whether the last day that the pack names is over."""
    entry = look.pack.reps.get(who)
    return entry is not None and entry.end is not None and entry.end < local_day(look.thought.now, look.pack.zone)


def _state(users: Sequence[User], *, ended: bool) -> list[dict[str, Any]]:
    """How each CRM sees the person."""
    found = [
        {"system": user.ref.system.value, "user": user.ref.id, "active": user.active}
        for user in sorted(users, key=lambda user: str(user.ref))
    ]
    return [*found, {"system": "pack", "user": None, "active": False}] if ended else found


def _owned(records: Sequence[Record], users: Sequence[User]) -> list[Record]:
    ids = {(user.ref.system, user.ref.id) for user in users}
    return [record for record in records if (record.ref.system, record.owner) in ids and not record.deleted]


def _beside(context: Context, users: Sequence[User]) -> list[Record]:
    """The leads and contacts of the person, as far as they are mirrored."""
    with context.store.read() as conn:
        found = [
            record
            for system in context.systems
            for kind in _BESIDE
            for record in _owned(tuple(mirror.records(conn, system, kind)), users)
        ]
    return sorted(found, key=lambda record: str(record.ref))


def _not_mirrored(context: Context) -> list[str]:
    """What the mirror has not read: whether the person owns any of it, nobody can say here."""
    with context.store.read() as conn:
        missing = [
            f"{kind.value}s of {system.value}"
            for system in context.systems
            for kind in _BESIDE
            if next(iter(mirror.records(conn, system, kind)), None) is None
        ]
    return [*missing, *(f"tasks of {system.value}" for system in context.systems)]


def _owns(
    book: frozenset[str],
    deals: Sequence[Record],
    beside: Sequence[Record],
    source: PlanInput,
) -> dict[str, Any]:
    """How much it is: companies, their open pipeline, and records by system and kind."""
    systems: dict[str, dict[str, int]] = {}
    refs = [ref for key in book for ref in source.facts[key].refs]
    for ref in [*refs, *(record.ref for record in (*deals, *beside))]:
        kinds = systems.setdefault(ref.system.value, {})
        kinds[ref.kind.value] = kinds.get(ref.kind.value, 0) + 1
    money = sum((pipeline_of(source.facts[key]) for key in book), Decimal(0))
    return {
        "companies": len(book),
        "money": {"amount": f"{money:f}", "currency": source.currency},
        "systems": {name: dict(sorted(kinds.items())) for name, kinds in sorted(systems.items())},
    }


def _accounts(
    book: frozenset[str], settled: Mapping[str, Settled], document: Mapping[str, Any], source: PlanInput
) -> list[dict[str, Any]]:
    """Every account of the book, the most money first, as the plan has it: what cannot be written is held there."""
    planned = {entry["company"]: entry for entry in document["decisions"]}
    found = []
    for key in sorted(book, key=lambda key: (-pipeline_of(source.facts[key]), key)):
        entry = settled[key].entry(source.facts[key])
        made = planned.get(key)
        if made is not None and (made["outcome"], made["reason"]) != (entry["outcome"], entry["reason"]):
            moves = made["outcome"] == "change" and made["owner"] is not None
            entry |= {"outcome": made["outcome"], "reason": made["reason"], "text": made["text"]}
            entry["to"] = made["owner"]["email"] if moves else None
        found.append(entry)
    return found


def _other(record: Record, planned: bool) -> dict[str, Any]:
    name = record.fields.get("name") or record.fields.get("email") or record.ref.id
    text = "follows its account" if planned else "stays: no write of this plan reaches it; give it away in the CRM"
    entry = {"ref": str(record.ref), "company": None, "kind": record.ref.kind.value, "name": name}
    return {**entry, "moves": planned, "text": text}
