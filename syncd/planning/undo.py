"""Undo: a plan in the other direction, made of receipts alone, that is approved and compared like any other.

Only what was confirmed is taken back. A record that somebody edited since becomes a conflict when the undo is applied.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import InputError, RefusedError
from syncd.model.decisions import Outcome
from syncd.model.plans import (
    DERIVED_WRITES,
    LOST_ANSWER,
    OWNER_FIELD,
    UNDO,
    Change,
    OutboxRow,
    PlanStatus,
    RowState,
    SavedPlan,
    document_hash,
    held_value,
)
from syncd.model.records import Record, Team, User
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.builder import LIFETIME
from syncd.planning.proposing.document import (
    FORMAT,
    change_entry,
    changes_of,
    decisions_by_role,
    guard_entry,
    summary_entry,
)
from syncd.planning.proposing.fingerprints import undo_fingerprint
from syncd.planning.saving import save_with_record
from syncd.planning.writing.compare import named
from syncd.store import ledger, mirror, outbox, ownership, plans, saved_teams
from syncd.store.people import team_document

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """What is taken back: the rows that were written, and the plan whose decisions name them."""

    plan: SavedPlan
    rows: tuple[OutboxRow, ...]
    what: str


def plan_undo(
    conn: Connection, target: str, *, plan_id: str, now: datetime, lifetime: timedelta = LIFETIME
) -> SavedPlan:
    """Make and save the plan that takes back what a plan, a run, or the last write of a record did.

    `target` is a plan's id or unique prefix, a run's id, or a ref (the opportunities that followed it come along).
    The caller commits. Raises InputError SYN523 where it is none of these, RefusedError SYN522 where nothing of it was
    written, or all of it is undone already.
    """
    source = _source(conn, target)
    users = {(user.ref.system, user.ref.id): user for user in mirror.users(conn)}
    changes, left_out = _swapped(conn, source, users)
    if not changes:
        raise _nothing(source, left_out)
    document = _document(source, changes, left_out, users, plan_id=plan_id, now=now, lifetime=lifetime)
    document["teams"] = _seats(conn, source.plan.plan_id, changes)
    plan = SavedPlan(
        plan_id=plan_id,
        hash=document_hash(document),
        kind=UNDO,
        status=PlanStatus.OFFERED,
        pack_revision=source.plan.pack_revision,
        created_at=now,
        expires_at=now + lifetime,
        document=document,
    )
    save_with_record(conn, plan, at=now, undoes=source.plan.plan_id)
    return plan


def _nothing(source: _Source, left_out: Mapping[str, list[dict[str, str]]]) -> RefusedError:
    conflicts = [item for items in left_out.values() for item in items]
    text = f"there is nothing to undo in {source.what}: nothing of it was written, or all of it is undone already"
    if conflicts:
        others = f", and {len(conflicts) - 1} others are left alone too" if len(conflicts) > 1 else ""
        text = f"nothing in {source.what} can be undone: {conflicts[0]['ref']}: {conflicts[0]['text']}{others}"
    hint = f"`syncd history REF` shows what was written; the plan was {source.plan.plan_id}"
    return RefusedError("SYN522", text, hint=hint)


def _source(conn: Connection, target: str) -> _Source:
    """What the target names: a ref, a plan, or a run."""
    try:
        ref = Ref.parse(target.strip())
    except ValueError:
        pass
    else:
        return _of_ref(conn, ref)
    try:
        plan = plans.get_plan(conn, target)
    except InputError as error:
        if error.code != "SYN501":
            raise
    else:
        return _Source(plan, _written(outbox.rows(conn, plan.plan_id)), f"plan {plan.plan_id}")
    return _of_run(conn, target.strip())


def _of_ref(conn: Connection, ref: Ref) -> _Source:
    """The last write of a record, and the rows of the same plan that followed it."""
    confirmed = [receipt for receipt in outbox.receipts(conn, ref) if receipt.state is RowState.CONFIRMED]
    if not confirmed:
        raise RefusedError("SYN522", f"syncd has not written {ref}", hint="`syncd history REF` shows who did")
    plan = plans.get_plan(conn, confirmed[-1].plan_id)
    rows = _written(outbox.rows(conn, plan.plan_id))
    return _Source(plan, tuple(row for row in rows if ref in (row.ref, row.parent)), str(ref))


def _of_run(conn: Connection, run_id: str) -> _Source:
    """What one run wrote: all of one plan, as far as that run got."""
    written = [
        entry
        for event in ("write.confirmed", "write.skipped")
        for entry in ledger.entries(conn, event=event)
        if entry.run_id == run_id
    ]
    if not written:
        raise InputError(
            "SYN523",
            f"{run_id!r} is no plan, no run that wrote anything, and no ref",
            hint="`syncd runs` lists runs and plans; a ref is system:kind:id",
        )
    ids = {entry.facts["outbox"] for entry in written}
    plan = plans.get_plan(conn, str(written[0].facts["plan"]))
    rows = _written(outbox.rows(conn, plan.plan_id))
    return _Source(plan, tuple(row for row in rows if row.id in ids), f"run {run_id}")


def _written(rows: Iterable[OutboxRow]) -> tuple[OutboxRow, ...]:
    """The rows that were our writes, whether their answer came or was lost."""
    return tuple(
        row
        for row in rows
        if row.state is RowState.CONFIRMED or (row.state is RowState.SKIPPED_ALREADY and row.code == LOST_ANSWER)
    )


def _swapped(
    conn: Connection, source: _Source, users: Mapping[tuple[System, str], User]
) -> tuple[tuple[Change, ...], dict[str, list[dict[str, str]]]]:
    """The rows the other way round, and by company those that are left alone, with the reason.

    Left alone is what somebody changed since, what had no owner (syncd never writes an empty one), and what belonged to
    somebody who may not own records now. The field of a role that was empty is emptied again, and a text of ours is
    what it was.
    """
    found: list[Change] = []
    left_out: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    refs = [row.ref for row in source.rows]
    records = mirror.get_records(conn, refs)
    since = {field: ownership.owner_changes(conn, refs, field) for field in {row.field for row in source.rows}}
    for row in source.rows:
        record = records.get(row.ref)
        if record is not None and held_value(record, row.field) == row.old and not record.deleted:
            continue
        former = users.get((row.ref.system, row.old or ""))
        kept_back = _kept_back(row, record, since[row.field].get(row.ref), former)
        if kept_back is not None:
            reason, text = kept_back
            left_out[row.because].append({"ref": str(row.ref), "reason": reason, "text": text})
        else:
            found.append(_back(row.ref, row.new, row.old, row.because, parent=row.parent, field=row.field))
    kept = {change.ref for change in found if change.field == OWNER_FIELD}
    changes = [change if change.parent in kept else replace(change, parent=None) for change in found]
    undone = {(change.because, change.field) for change in changes if change.ref.kind is Kind.ACCOUNT}
    for change in changes_of(source.plan):
        empties_owner = change.old is None and change.field == OWNER_FIELD
        if change.expected and (change.because, change.field) in undone and not empties_owner:
            changes.append(_back(change.ref, change.new, change.old, change.because, expected=True, field=change.field))
    return tuple(sorted(changes, key=_by_slot)), left_out


def _by_slot(change: Change) -> tuple[str, bool, str]:
    return str(change.ref), change.field != OWNER_FIELD, change.field


def _kept_back(
    row: OutboxRow, record: Record | None, change: ownership.OwnerChange | None, former: User | None
) -> tuple[str, str] | None:
    """Why a row cannot be taken back, as the mirror has it: its reason and its text."""
    if record is None or record.deleted:
        winner = record.merged_into if record is not None else None
        return "gone", f"it was merged into {winner}" if winner else "the record is gone"
    present = held_value(record, row.field)
    if present != row.new:
        by = f" by {change.modified_by}" if change is not None and change.modified_by else ""
        when = f" on {change.at:%Y-%m-%d %H:%M}Z" if change is not None and change.new == present else ""
        text = f"its {row.field} is {named(present)} since a change{by}{when}; syncd wrote {named(row.new)}"
        return "changed-since", text
    if row.field in DERIVED_WRITES or (row.old is None and row.field != OWNER_FIELD):
        return None
    if row.old is None:
        return "no-owner-before", "it had no owner before, and syncd never writes an empty owner"
    queues = row.ref.kind is Kind.LEAD  # a lead may go back to a queue
    if former is None or not (former.active and (former.eligible or queues)):
        name = former.email if former is not None else row.old
        return "owner-not-in-system", f"it belonged to {name}, who may not own records now"
    return None


def _seats(conn: Connection, plan_id: str, changes: Sequence[Change]) -> dict[str, list[list[Any]]]:
    """By record the team members to be given back, beside those who are there: whom our write cost their seat.

    That is the owner we wrote, who needed none, and who could not be put back then. Others who left since stay away.
    """
    back = {change.ref: change for change in changes if change.field == OWNER_FIELD}
    found: dict[str, list[list[Any]]] = {}
    for saved in saved_teams.of_plan(conn, plan_id):
        change = back.get(saved.team.record)
        if change is None:
            continue
        lost = {member.user for member in saved.lost.members} if saved.lost is not None else set()
        seats = [member for member in saved.team.members if member.user in lost | {change.old}]
        if seats:
            found[str(change.ref)] = team_document(Team(change.ref, tuple(seats)))
    return found


def _back(
    ref: Ref,
    old: str | None,
    new: str | None,
    company: str,
    *,
    parent: Ref | None = None,
    expected: bool = False,
    field: str = OWNER_FIELD,
) -> Change:
    fingerprint = undo_fingerprint(ref, old, new)
    return Change(ref, old, new, company, fingerprint, parent=parent, expected=expected, field=field)


def _document(
    source: _Source,
    changes: Sequence[Change],
    left_out: Mapping[str, list[dict[str, str]]],
    users: Mapping[tuple[System, str], User],
    *,
    plan_id: str,
    now: datetime,
    lifetime: timedelta,
) -> dict[str, Any]:
    before = source.plan.document
    planned = decisions_by_role(before)
    undone = {(change.because, _role_of(change)) for change in changes}
    decided = sorted(undone | {(company, OWNER_FIELD) for company in left_out if (company, OWNER_FIELD) in planned})
    decided += [(company, OWNER_FIELD) for company in sorted(left_out) if not any(company == one for one, _ in decided)]
    entries = [
        _decision(company, role, planned.get((company, role), {}), changes, left_out, users, source)
        for company, role in decided
    ]
    moving = [entry for entry in entries if entry["outcome"] == Outcome.CHANGE.value]
    amount = sum((Decimal(entry.get("money", "0")) for entry in moving), Decimal(0))
    return {
        "format": FORMAT,
        "kind": UNDO,
        "undoes": source.plan.plan_id,
        "plan_id": plan_id,
        "pack_revision": source.plan.pack_revision,
        "mapping_revision": before.get("mapping_revision", ""),
        "created_at": iso(now),
        "lifetime_seconds": int(lifetime.total_seconds()),
        "now": iso(now),
        "mirror": before["mirror"],
        "systems": before["systems"],
        "summary": summary_entry(
            Counter(Outcome(entry["outcome"]) for entry in entries),
            amount,
            before["summary"]["money_moved"]["currency"],
        ),
        "decisions": entries,
        "changes": [change_entry(change, users) for change in changes],
        "guard": guard_entry(()),
    }


def _role_of(change: Change) -> str:
    """The role whose decision a row belongs to; texts of ours go with the owner's."""
    return OWNER_FIELD if change.field in DERIVED_WRITES else change.field


def _decision(
    company: str,
    role: str,
    planned: Entry,
    changes: Sequence[Change],
    left_out: Mapping[str, list[dict[str, str]]],
    users: Mapping[tuple[System, str], User],
    source: _Source,
) -> dict[str, Any]:
    """The decision of a company the other way round: who had the role before the plan has it again."""
    mine = [change for change in changes if change.because == company and _role_of(change) == role]
    rows = [change for change in mine if change.ref.kind is Kind.ACCOUNT and change.field == role]
    kept_back = left_out.get(company) if role == OWNER_FIELD else None
    entry: dict[str, Any] = {
        "company": company,
        "accounts": planned.get("accounts", [str(change.ref) for change in rows]),
        "role": role,
        "territory": planned.get("territory"),
        "owner": _owner(((row.ref.system, row.new or "") for row in rows), users, planned.get("current_owner")),
        "current_owner": _owner(((row.ref.system, row.old or "") for row in rows), users, planned.get("owner")),
        "outcome": (Outcome.CHANGE if mine or not kept_back else Outcome.HELD).value,
        "reason": UNDO if mine or not kept_back else kept_back[0]["reason"],
        "text": f"takes back what {source.what} wrote" if mine or not kept_back else kept_back[0]["text"],
        "rule": planned.get("rule"),
    }
    optional = {"name": planned.get("name"), "money": planned.get("money"), "left_out": kept_back}
    return entry | {key: value for key, value in optional.items() if value}


def _owner(
    ids: Iterable[tuple[System, str]], users: Mapping[tuple[System, str], User], otherwise: Entry | None
) -> dict[str, str] | None:
    """The person behind owner ids; where no account row is undone, whom the plan named."""
    known = dict(ids)
    if not known:
        return dict(otherwise) if otherwise is not None else None
    if not any(known.values()):
        return None
    emails = [user.email for key in known.items() if (user := users.get(key)) is not None]
    return {"email": emails[0] if emails else ""} | {system.value: known[system] for system in sorted(known)}
