"""The document of a plan: the JSON of `plan --format json`, format 1, and how its changes are read back.

The document is the plan: its hash is what an approval binds to, and every rendering is made of it alone. Equal input
gives equal bytes but for `plan_id` and `created_at`. Keys may be added, never changed (DESIGN.md, Commands).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from syncd.errors import InputError, Place
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.plans import DERIVED_WRITES, OWNER_FIELD, Change, GuardTrip, SavedPlan
from syncd.model.records import User
from syncd.model.refs import Ref, System
from syncd.model.rotation import Turn
from syncd.planning.proposing.proposals import LeftOut, Proposal
from syncd.rules.facts import Directory, Facts, Rep
from syncd.rules.scoring import grade_document

FORMAT = 1

_SUMMARY_KEYS = {
    Outcome.CHANGE: "changes",
    Outcome.KEEP: "keep",
    Outcome.HELD: "held",
    Outcome.BLOCKED: "blocked",
    Outcome.UNASSIGNED: "unassigned",
}


def summary_entry(outcomes: Mapping[Outcome, int], money: Decimal, currency: str) -> dict[str, Any]:
    """How many decisions came to what, and the open pipeline of the accounts that change."""
    counts = {key: outcomes.get(outcome, 0) for outcome, key in _SUMMARY_KEYS.items()}
    return {
        "evaluated": sum(counts.values()),
        **counts,
        "money_moved": {"amount": f"{money:f}", "currency": currency},
    }


def decision_entry(proposal: Proposal, facts: Facts | None, rates_as_of: date | None = None) -> dict[str, Any]:
    """One decision as the document holds it; keys that would be empty are left out, those of DESIGN.md never.

    `rates_as_of` dates the plan's table of rates; a company that is held to an older one says so.
    """
    decision = proposal.decision
    entry: dict[str, Any] = {
        "company": decision.company,
        "accounts": list(decision.accounts),
        "role": decision.role,
        "territory": decision.territory,
        "owner": owner_entry(proposal.owner),
        "current_owner": owner_entry(decision.current_owner),
        "outcome": proposal.outcome.value,
        "reason": proposal.reason,
        "text": proposal.text,
        "rule": place_entry(decision.place),
    }
    name = facts.seen.get("name") if facts is not None else None
    if name is not None:
        entry["name"] = name.raw
    pipeline = facts.values.get("open_pipeline") if facts is not None else None
    if proposal.outcome is Outcome.CHANGE and isinstance(pipeline, Decimal) and pipeline:
        entry["money"] = f"{pipeline:f}"
    if facts is not None and facts.amounts is not None:
        as_of = facts.rates.as_of if facts.rates is not None else rates_as_of
        entry |= {"amounts": facts.amounts, "rates_as_of": as_of.isoformat() if as_of is not None else None}
    optional: dict[str, Any] = {
        "outranked": [{"reason": reason, "text": text} for reason, text in decision.outranked],
        "notes": list(decision.notes),
        "candidates": list(decision.candidates),
        "loads": _sorted(decision.loads),
        "turn": turn_entry(decision.turn),
        "grade": grade_document(facts.grade if facts is not None else None),
        "left_out": [left_out_entry(item) for item in proposal.left_out],
    }
    return entry | {key: value for key, value in optional.items() if value}


def _sorted(loads: Mapping[str, str]) -> Mapping[str, str]:
    """Loads by e-mail; they are as they were where they are in order, for those of a large pool are many."""
    names = list(loads)
    return loads if isinstance(loads, dict) and names == sorted(names) else dict(sorted(loads.items()))


def owner_entry(owner: Owner | None) -> dict[str, str] | None:
    """An owner: the e-mail, and the id in each system that knows them."""
    if owner is None:
        return None
    return {"email": owner.email} | {system.value: owner.ids[system] for system in System if system in owner.ids}


def turn_entry(turn: Turn | None) -> dict[str, Any] | None:
    """The turn of a rotation that a pick was, with exact shares: what its receipt charges."""
    if turn is None:
        return None
    entry = {"rotation": turn.rotation, "member": turn.member, "former": turn.former}
    shares = {member: str(share) for member, share in sorted(turn.shares.items())}
    return {key: value for key, value in entry.items() if value is not None} | {"shares": shares}


def turn_of(entry: Mapping[str, Any]) -> Turn | None:
    """The turn that a decision's entry holds, or None."""
    told = entry.get("turn")
    if told is None:
        return None
    shares = {member: Fraction(share) for member, share in told["shares"].items()}
    return Turn(told["rotation"], told["member"], shares, told.get("former"))


def place_entry(place: Place | None) -> dict[str, Any] | None:
    """A rule's file and line."""
    return None if place is None else {"file": place.path, "line": place.line}


def left_out_entry(item: LeftOut) -> dict[str, str]:
    """A write that the plan does not hold, and why."""
    return {"ref": str(item.ref), "reason": item.reason, "text": item.text}


def change_entry(
    change: Change,
    people: Mapping[tuple[System, str], Rep] | Mapping[tuple[System, str], User],
    team: int = 0,
    told: MutableMapping[tuple[System, str], dict[str, str] | None] | None = None,
) -> dict[str, Any]:
    """One field to be written; `from_owner` and `to_owner` name the people for the reader where they are known.

    `team` is how many members the write drops and syncd puts back, as far as the mirror knows. `told` keeps what was
    said of people, for the other changes of a document.
    """
    system = change.ref.system
    entry: dict[str, Any] = {
        "ref": str(change.ref),
        "field": change.field,
        "from": change.old,
        "to": change.new,
        "because": change.because,
        "fingerprint": change.fingerprint,
    }
    optional: dict[str, Any] = {
        "parent": str(change.parent) if change.parent is not None else None,
        "money": change.money,
        "expected": change.expected or None,
        "team": (team if change.field == OWNER_FIELD else 0) or None,
    }
    if change.field not in DERIVED_WRITES:
        known = {} if told is None else told
        for name, value in (("from_owner", change.old), ("to_owner", change.new)):
            key = (system, value or "")
            if key not in known:
                known[key] = person_entry(people.get(key))
            optional[name] = known[key]
    return entry | {key: value for key, value in optional.items() if value is not None}


def row_change_entry(decision: Decision) -> dict[str, Any]:
    """The change of a CSV row, which stands in no system: the owners are e-mails and the ref is the row's id."""
    return {
        "ref": decision.company,
        "field": OWNER_FIELD,
        "from": decision.current_owner.email if decision.current_owner is not None else None,
        "to": decision.owner.email if decision.owner is not None else None,
        "because": decision.company,
    }


def guard_entry(trips: Iterable[GuardTrip]) -> dict[str, Any]:
    """The limits that the plan is over."""
    return {
        "tripped": [
            {
                "limit": trip.limit,
                "allowed": trip.allowed,
                "found": trip.found,
                "text": trip.text,
                "rules": list(trip.rules),
            }
            for trip in trips
        ]
    }


def people_by_id(directory: Directory) -> dict[tuple[System, str], Rep]:
    """Everybody by the id that a system knows them by."""
    return {(system, user): rep for rep in directory.reps.values() for system, user in rep.ids.items()}


def tripped_limits(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the limits that a plan is over: what its approval has to name."""
    return tuple(trip["limit"] for trip in document["guard"]["tripped"])


def changes_of(plan: SavedPlan) -> tuple[Change, ...]:
    """The changes of a saved plan, in its order; InputError SYN540 for a document of another format."""
    if plan.document.get("format") != FORMAT:
        raise InputError(
            "SYN540",
            f"plan {plan.plan_id} has format {plan.document.get('format')!r}; this version of syncd reads {FORMAT}",
            hint="make a new plan",
        )
    return tuple(_change(entry) for entry in plan.document["changes"])


def decisions_by_company(document: Mapping[str, Any], role: str = "owner") -> dict[str, Mapping[str, Any]]:
    """The document's decisions of one role, by company key."""
    entries: Sequence[Mapping[str, Any]] = document["decisions"]
    return {entry["company"]: entry for entry in entries if entry["role"] == role}


def decisions_by_role(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The document's decisions, by company key and role."""
    return {(entry["company"], entry["role"]): entry for entry in document["decisions"]}


def _change(entry: Mapping[str, Any]) -> Change:
    parent = entry.get("parent")
    return Change(
        ref=Ref.parse(entry["ref"]),
        old=entry["from"],
        new=entry["to"],
        because=entry["because"],
        fingerprint=entry["fingerprint"],
        parent=Ref.parse(parent) if parent else None,
        money=entry.get("money"),
        expected=bool(entry.get("expected")),
        field=entry["field"],
    )


def person_entry(person: Rep | User | None) -> dict[str, str] | None:
    """A person behind an owner id, for the reader."""
    return None if person is None else {"email": person.email, "name": person.name}
