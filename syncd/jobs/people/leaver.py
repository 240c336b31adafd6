"""The leaver's drill: all that somebody owns, who minds it now, and who gets it, as one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.jobs.books.written import read_followers
from syncd.jobs.context import Context
from syncd.jobs.leads.leaving import leads_of_leaver
from syncd.jobs.mapping import follows, is_lead, read_kinds
from syncd.jobs.people.proposing import Look, propose
from syncd.model.decisions import Owner
from syncd.model.plans import Change
from syncd.model.records import Record, User
from syncd.model.refs import Kind, System
from syncd.planning.people.left_behind import LeftBehind, left_behind_by
from syncd.planning.people.left_leads import Heirs
from syncd.planning.people.succession import Settled, Wishes, book_of, covers_of, led_by, pipeline_of, succeed
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.proposing.cascade import PERSON
from syncd.planning.proposing.reasons import LEAVER
from syncd.rules.matching.time_window import local_day
from syncd.store import mirror

_BESIDE = (Kind.LEAD, Kind.CONTACT, Kind.TASK)
"""What may be owned beside accounts and opportunities, where the mirror has it."""
_LISTED = 200
_OF_PERSON = "a person account's: the CRM moves it with its account"
_ENDED = "stays: it is no lead any more"


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
    table = look.table(mine)
    settled = succeed(table, who, book, wishes)
    covers = covers_of(table, who, wishes)
    ended = _ended(look, who)
    gone = ended or not users or any(not user.active for user in users)
    deals = _owned(look.thought.source.open_opportunities, users)
    beside = _beside(context, users)
    leads = [each for each in beside if each.ref.kind is Kind.LEAD]
    loose = [each for each in beside if each.ref.kind is not Kind.LEAD and not _is_person(each)]

    def finish(source: PlanInput, document: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Change]]:
        found, more = left_behind_by(source, document, [*deals, *loose], gone=gone, covers=covers)
        owners, heirs = _new_owners(settled, document), Heirs(wishes.to, covers)
        routed, handed = leads_of_leaver(context, look.pack, leads, who, owners, heirs, look.thought.now)
        behind = {each.record.ref: each for each in (*found, *routed)}
        told = {
            "leaver": {"email": who, "name": next((user.name for user in users if user.name), who)},
            "state": _state(users, ended=ended),
            "owns": _owns(book, deals, beside, source),
            "accounts": _accounts(book, settled, document, source),
            "opportunities": [each.entry() for each in found if each.record.ref.kind is Kind.OPPORTUNITY],
            "others": [_other(record, behind.get(record.ref)) for record in beside[:_LISTED]],
            "others_total": len(beside),
            "not_mirrored": _not_mirrored(context),
        }
        return told, (*more, *handed)

    proposed = {company: each.decision for company, each in settled.items()}
    return propose(look, LEAVER, proposed, finish)


def _new_owners(settled: Mapping[str, Settled], document: Mapping[str, Any]) -> dict[str, Owner]:
    """Whom the companies of the book get that the plan really moves."""
    moving = {entry["company"] for entry in document["decisions"] if entry["outcome"] == "change"}
    owners = {key: each.decision.owner for key, each in settled.items() if key in moving}
    return {key: owner for key, owner in owners.items() if owner is not None}


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
    """The leads, contacts and open tasks of the person, as far as they are mirrored."""
    with context.store.read() as conn:
        found = [
            record
            for system in context.systems
            for kind in _BESIDE
            for record in _owned(tuple(mirror.records(conn, system, kind)), users)
            if not _is_over(record) and _once(context, record)
        ]
    return sorted(found, key=lambda record: str(record.ref))


def _once(context: Context, record: Record) -> bool:
    """Whether this is the kind under which a HubSpot contact counts that is read as two: as a lead while it is one."""
    settings = context.settings
    twice = settings.leads.hubspot_object == "contacts" and Kind.CONTACT in read_kinds(settings, record.ref.system)
    if record.ref.kind is Kind.LEAD and twice:
        return is_lead(settings, record)
    return follows(settings, record)


def _not_mirrored(context: Context) -> list[str]:
    """What is not read into the mirror: whether the person owns any of it, nobody can say here."""
    leads = (Kind.LEAD,) if context.settings.leads.read else ()
    return [
        f"{kind.value}s of {system.value}"
        for system in context.systems
        for kind in _BESIDE
        if kind not in (*leads, *read_followers(context.settings, system))
    ]


def _is_person(record: Record) -> bool:
    """Whether a contact is a person account's: the CRM moves it with its account."""
    return record.fields.get(PERSON) == "true"


def _is_over(record: Record) -> bool:
    """Whether nobody works with a record any more: a closed task, a converted lead."""
    return record.fields.get("is_closed") == "true" or record.fields.get("converted") == "true"


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


def _other(record: Record, behind: LeftBehind | None) -> dict[str, Any]:
    """A lead, contact or task, and what becomes of it."""
    if behind is not None:
        return behind.entry()
    name = record.fields.get("name") or record.fields.get("email") or record.ref.id
    entry = {"ref": str(record.ref), "name": name, "company": None, "to": None, "kind": record.ref.kind.value}
    return {**entry, "moves": False, "text": _ENDED if record.ref.kind is Kind.LEAD else _OF_PERSON}
