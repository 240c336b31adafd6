"""Drift settled: what a person did to an owner is taken as an override, or taken back by a plan.

Both end the hold `changed-by-person`. Neither writes to a CRM: a revert is a plan that is approved like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import InputError, RefusedError
from syncd.model.decisions import Outcome
from syncd.model.plans import OWNER_FIELD, UNDO, Change, PlanStatus, SavedPlan, document_hash
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.ownership import Drift, OwnershipHistory, drifted
from syncd.planning.proposing.builder import LIFETIME
from syncd.planning.proposing.cascade import CHILD_KINDS
from syncd.planning.proposing.document import FORMAT, change_entry, guard_entry, summary_entry
from syncd.planning.proposing.fingerprints import undo_fingerprint
from syncd.planning.saving import save_with_record
from syncd.store import companies, dossier, ledger, mirror, outbox, overrides, ownership

REVERT = "drift-revert"
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class DriftView:
    """Everything that drifted in one role in some systems, by ref, and the company of each account."""

    drifts: Mapping[Ref, Drift]
    companies: Mapping[Ref, str]
    users: Mapping[Ref, User]
    role: str = OWNER_FIELD

    def of_company(self, ref: Ref) -> tuple[Drift, ...]:
        """The drifts of the company that an account belongs to."""
        company = self.companies.get(ref, str(ref))
        return tuple(
            drift for key, drift in sorted(self.drifts.items()) if self.companies.get(key, str(key)) == company
        )

    def email(self, system: System, user: str | None) -> str | None:
        """The e-mail of an owner id, where it is known."""
        found = self.users.get(Ref(system, Kind.USER, user)) if user is not None else None
        return found.email if found is not None and found.email else None


@dataclass(frozen=True, slots=True)
class AdoptedDrift:
    """An override that an adopted drift made, for whom, and what came with it.

    `others` are the company's other accounts, which it speaks for, too; `ended` counts the adopted overrides before it.
    """

    number: int
    owner: str
    others: tuple[Ref, ...]
    ended: int


def look(conn: Connection, systems: Iterable[System], role: str = OWNER_FIELD) -> DriftView:
    """Which owners, or holders of another role, drifted in the mirror of some systems since syncd's last write, or
    since adoption.
    """
    accounts: list[Record] = [
        record for system in systems for record in mirror.records(conn, system, Kind.ACCOUNT) if not record.deleted
    ]
    history = OwnershipHistory(
        ownership.marks(conn, field=role),
        ownership.owner_changes(conn, field=role),
        outbox.open_refs(conn, role),
        role,
    )
    return DriftView(
        {drift.ref: drift for drift in drifted(accounts, history)},
        companies.links(conn),
        {user.ref: user for user in mirror.users(conn)},
        role,
    )


def adopt_drift(
    conn: Connection, view: DriftView, ref: Ref, *, who: str, why: str, expires: date | None, now: datetime, run_id: str
) -> AdoptedDrift:
    """Take the present owner (or holder of the view's role) of a drifted account as an override of its company.

    An override that was adopted for an account of the same company ends. The caller commits. Raises RefusedError SYN527
    where nothing drifted, SYN528 where the owner is no active user.
    """
    drift = _required(view, ref)
    owner = view.users.get(Ref(ref.system, Kind.USER, drift.now)) if drift.now is not None else None
    if owner is None or not owner.active or not owner.email:
        who_text = owner.email if owner is not None and owner.email else drift.now or "nobody"
        raise RefusedError(
            "SYN528",
            f"{ref} belongs to {who_text}, who is no active user: no override can name them",
            hint=f"`syncd drift revert {ref}` plans it back, and the rules decide about the rest",
        )
    together = _together(conn, ref)
    ended = overrides.end(conn, together, now=now, role=view.role)
    number = overrides.add(conn, ref, owner.email, who=who, why=why, expires=expires, now=now, role=view.role)
    for each in view.of_company(ref):
        ownership.set_mark(conn, each.ref, each.now, "adopted", now=now, field=view.role)
    ledger.append(
        conn,
        at=now,
        event="drift.adopted",
        ref=str(ref),
        actor=who,
        run_id=run_id,
        facts={
            "override": number,
            "role": view.role,
            "from": drift.was,
            "to": drift.now,
            "expires": expires.isoformat() if expires else None,
            "ended": ended,
        },
        payload={"why": why, "owner": owner.email},
    )
    return AdoptedDrift(number, owner.email, tuple(sorted(set(together) - {ref})), ended)


def release_override(
    conn: Connection, ref: Ref, *, who: str, why: str, now: datetime, run_id: str, role: str = OWNER_FIELD
) -> None:
    """End the override that an adopted drift made, for whichever account of its company.

    The caller commits. Raises RefusedError SYN529 where none stands.
    """
    if not overrides.end(conn, _together(conn, ref), now=now, role=role):
        raise RefusedError(
            "SYN529", f"no override of {ref} stands in the ledger", hint="`syncd drift overrides` lists them"
        )
    facts: dict[str, str | int | None] = {"role": role}
    ledger.append(
        conn, at=now, event="drift.released", ref=str(ref), actor=who, run_id=run_id, facts=facts, payload={"why": why}
    )


def plan_revert(
    conn: Connection,
    view: DriftView,
    refs: Sequence[Ref],
    *,
    plan_id: str,
    written: frozenset[System],
    now: datetime,
    currency: str,
    pack_revision: str,
    lifetime: timedelta = LIFETIME,
) -> SavedPlan:
    """Make and save the plan that gives drifted accounts back to whom syncd knew as their owner.

    What follows an account and moved from that owner to the present one comes along. The caller commits. Raises
    RefusedError SYN527 where an account did not drift, SYN528 where its former owner is no active user, or there was
    none.
    """
    drifts = {drift.ref: drift for ref in refs for drift in (_required(view, ref), *view.of_company(ref))}
    mine = [drift for drift in drifts.values() if drift.ref.system in written and drift.now != drift.was]
    if not mine:
        raise RefusedError("SYN527", "nothing of it can be planned back: no system that syncd writes holds it")
    changes = [change for drift in sorted(mine, key=lambda each: each.ref) for change in _back(conn, view, drift)]
    users = {(user.ref.system, user.ref.id): user for user in view.users.values()}
    document = _document(changes, view, drifts, users, now=now, plan_id=plan_id, currency=currency, lifetime=lifetime)
    document |= {
        "pack_revision": pack_revision,
        "systems": {"written": sorted(s.value for s in written), "expected": []},
    }
    plan = SavedPlan(
        plan_id=plan_id,
        hash=document_hash(document),
        kind=UNDO,
        status=PlanStatus.OFFERED,
        pack_revision=pack_revision,
        created_at=now,
        expires_at=now + lifetime,
        document=document,
    )
    save_with_record(conn, plan, at=now)
    return plan


def _together(conn: Connection, ref: Ref) -> tuple[Ref, ...]:
    """The accounts that are one company with this one, itself among them."""
    company = dossier.company_keys(conn, [ref])[ref]
    return dossier.members_of(conn, [company])[company]


def _required(view: DriftView, ref: Ref) -> Drift:
    drift = view.drifts.get(ref)
    if drift is None:
        raise RefusedError(
            "SYN527", f"the {view.role} of {ref} was not changed by anybody else", hint="`syncd drift` lists what was"
        )
    return drift


def _back(conn: Connection, view: DriftView, drift: Drift) -> list[Change]:
    """The row of an account, and those of the records that moved with its owner."""
    former = view.users.get(Ref(drift.ref.system, Kind.USER, drift.was)) if drift.was is not None else None
    emptied = drift.was is None and view.role != OWNER_FIELD  # it was empty, and may be so again
    if not emptied and (former is None or not (former.active and former.eligible)):
        name = view.email(drift.ref.system, drift.was) or drift.was or "nobody"
        raise RefusedError(
            "SYN528",
            f"{drift.ref} belonged to {name}, who may not own records now: it cannot be planned back",
            hint=f'`syncd drift adopt {drift.ref} --reason "…"` keeps it where it is',
        )
    company = view.companies.get(drift.ref, str(drift.ref))
    fingerprint = undo_fingerprint(drift.ref, drift.now or "", drift.was)
    rows = [Change(drift.ref, drift.now, drift.was, company, fingerprint, field=view.role)]
    if view.role != OWNER_FIELD:
        return rows
    children = [child for kind in CHILD_KINDS for child in mirror.records_of_account(conn, [drift.ref], kind)]
    moved = ownership.owner_changes(conn, [child.ref for child in children])
    for child in children:
        change = moved.get(child.ref)
        if change is None or child.fields.get("is_closed") == "true":
            continue
        if (change.old, change.new, child.owner) == (drift.was, drift.now, drift.now):
            fingerprint = undo_fingerprint(child.ref, drift.now or "", drift.was)
            rows.append(Change(child.ref, drift.now, drift.was, company, fingerprint, parent=drift.ref))
    return rows


def _document(
    changes: Sequence[Change],
    view: DriftView,
    drifts: Mapping[Ref, Drift],
    users: Mapping[tuple[System, str], User],
    *,
    now: datetime,
    plan_id: str,
    currency: str,
    lifetime: timedelta,
) -> dict[str, Any]:
    accounts = [change for change in changes if change.ref.kind is Kind.ACCOUNT]
    entries = [_decision(change, drifts[change.ref], view) for change in accounts]
    return {
        "format": FORMAT,
        "kind": UNDO,
        "plan_id": plan_id,
        "mapping_revision": "",
        "created_at": iso(now),
        "lifetime_seconds": int(lifetime.total_seconds()),
        "now": iso(now),
        "mirror": {},
        "summary": summary_entry(Counter({Outcome.CHANGE: len(entries)}), _NOTHING, currency),
        "decisions": sorted(entries, key=lambda entry: str(entry["company"])),
        "changes": [change_entry(change, users) for change in sorted(changes, key=lambda each: str(each.ref))],
        "guard": guard_entry(()),
    }


def _decision(change: Change, drift: Drift, view: DriftView) -> dict[str, Any]:
    system = change.ref.system
    return {
        "company": change.because,
        "accounts": [str(change.ref)],
        "role": view.role,
        "territory": None,
        "owner": _person(view, system, change.new),
        "current_owner": _person(view, system, change.old),
        "outcome": Outcome.CHANGE.value,
        "reason": REVERT,
        "text": f"takes back what was {drift.text}",
        "rule": None,
    }


def _person(view: DriftView, system: System, user: str | None) -> dict[str, str] | None:
    return None if user is None else {"email": view.email(system, user) or "", system.value: user}


def parse_ref(text: str) -> Ref:
    """The account that a text names; InputError SYN523 for anything but `system:account:id`."""
    try:
        ref = Ref.parse(text.strip())
    except ValueError as error:
        raise InputError("SYN523", f"{text!r} is no ref", hint="a ref is system:account:id") from error
    if ref.kind is not Kind.ACCOUNT:
        raise InputError("SYN523", f"{ref} is no account", hint="name the account; its opportunities come along")
    return ref
