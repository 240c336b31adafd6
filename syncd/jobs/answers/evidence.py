"""The evidence of owner changes: who approved each, why, by which rule, and that nothing was altered since.

Everything comes from the database: the receipts, the saved plan, its approval, and the chained rows of the ledger. Each
claim is checked against the chain here, and the rows are in the document, so that somebody else can check them again.
Asks no CRM and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import InputError, StorageError
from syncd.jobs.answers.lookup import records_of
from syncd.jobs.context import Context
from syncd.model.plans import OWNER_FIELD, SavedPlan
from syncd.model.refs import Ref, System
from syncd.planning.writing.applied import DONE
from syncd.rules.pack import Pack
from syncd.store import ledger, merges, mirror, outbox, plans
from syncd.store.ledger import ChainedRow
from syncd.store.outbox import Receipt
from syncd.store.plans import Approval

OF_PLANS = ("plan.saved", "plan.approved")
HOW = (
    "hash = SHA-256 of the canonical JSON (UTF-8, keys sorted, no blanks) of `chained`; `previous` is the hash of the "
    "row before; a plan's hash is the SHA-256 of the canonical JSON of `syncd runs show PLAN --format json`"
)
"""How somebody else checks the rows of the document again."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One receipt with everything that the database has about it."""

    receipt: Receipt
    plan: SavedPlan | None
    problem: str | None
    approval: Approval | None
    saved: ChainedRow | None
    approved: ChainedRow | None
    intended: ChainedRow | None
    written: ChainedRow | None

    @property
    def rows(self) -> tuple[ChainedRow, ...]:
        """The rows of the ledger that the case stands on."""
        found = (self.saved, self.approved, self.intended, self.written)
        return tuple(row for row in found if row is not None)


def evidence_document(context: Context, text: str, *, until: datetime | None = None) -> dict[str, Any]:
    """The evidence of every owner and role that syncd wrote to the records that `text` names (see `history_document`).

    `ok` says that every check holds. Raises UsageError SYN002 or SYN003 where the text names no company or several.
    """
    now = context.clock.now()
    pack = context.pack()
    with context.store.read() as conn:
        refs = records_of(conn, text)
        merged = tuple(loser for loser, winner in merges.losers(conn).items() if winner in refs)
        emails = {(user.ref.system, user.ref.id): user.email for user in mirror.users(conn)}
        verified, (seq, last) = ledger.verify(conn), ledger.head(conn)
        cases = _cases(conn, (*refs, *merged), until or now)
        record = mirror.get_record(conn, refs[0])
    changes = [_change(case, emails, pack) for case in cases]
    rows = {row.entry.seq: row for case in cases for row in case.rows}
    return {
        "format": 1,
        "made_at": iso(now),
        "record": str(refs[0]),
        "name": record.fields.get("name") if record is not None else None,
        "refs": [str(ref) for ref in (*refs, *merged)],
        "ok": verified.ok and all(check["ok"] for change in changes for check in change["checks"]),
        "ledger": {"ok": verified.ok, "rows": verified.rows, "text": verified.text, "head": {"seq": seq, "hash": last}},
        "changes": changes,
        "rows": [_row(rows[number]) for number in sorted(rows)],
        "how": HOW,
    }


def _cases(conn: Connection, refs: Sequence[Ref], until: datetime) -> tuple[_Case, ...]:
    """Every write of these records that came to its end, oldest first."""
    receipts = [each for ref in refs for each in outbox.receipts(conn, ref) if each.state in DONE and each.at <= until]
    own = [row for ref in refs for row in ledger.chained_rows(conn, ref=str(ref))] if receipts else []
    of_plans = ledger.chained_rows(conn, events=OF_PLANS) if receipts else ()
    known = {each.plan_id: _plan(conn, each.plan_id) for each in receipts}
    return tuple(
        _Case(
            receipt,
            *known[receipt.plan_id],
            plans.approval(conn, receipt.plan_id),
            _last(of_plans, "plan.saved", "plan", receipt.plan_id),
            _last(of_plans, "plan.approved", "plan", receipt.plan_id),
            _last(own, "write.intended", "outbox", receipt.outbox_id),
            _last(own, f"write.{receipt.state.value}", "outbox", receipt.outbox_id),
        )
        for receipt in sorted(receipts, key=lambda each: each.id)
    )


def _plan(conn: Connection, plan_id: str) -> tuple[SavedPlan | None, str | None]:
    """A saved plan; without one the reason: it is gone, or it was altered."""
    try:
        return plans.get_plan(conn, plan_id), None
    except (InputError, StorageError) as error:
        return None, error.summary


def _last(rows: Sequence[ChainedRow], event: str, name: str, value: object) -> ChainedRow | None:
    found = (row for row in reversed(rows) if row.entry.event == event and row.entry.facts.get(name) == value)
    return next(found, None)


def _change(case: _Case, emails: Mapping[tuple[System, str], str], pack: Pack) -> dict[str, Any]:
    receipt, approval = case.receipt, case.approval
    system = receipt.ref.system

    def holder(value: str | None) -> dict[str, str | None] | None:
        return None if value is None else {"id": value, "email": emails.get((system, value))}

    return {
        "ref": str(receipt.ref),
        "field": receipt.field,
        "from": holder(receipt.before),
        "to": holder(receipt.after),
        "at": iso(receipt.at),
        "request_id": receipt.request_id,
        "plan": None if case.plan is None else _plan_entry(case.plan, case.saved),
        "rule": None if case.plan is None else rule_entry(case.plan, receipt, pack),
        "approval": None
        if approval is None
        else {"who": approval.who, "why": approval.why, "at": iso(approval.at), "limits": list(approval.limits)},
        "rows": sorted(row.entry.seq for row in case.rows),
        "checks": [{"check": text, "ok": ok} for text, ok in _checks(case)],
    }


def _plan_entry(plan: SavedPlan, saved: ChainedRow | None) -> dict[str, Any]:
    by = saved.entry.actor if saved is not None else None
    told = {"plan_id": plan.plan_id, "kind": plan.kind, "hash": plan.hash, "pack_revision": plan.pack_revision}
    return {**told, "created_at": iso(plan.created_at), "made_by": by}


def rule_entry(plan: SavedPlan, receipt: Receipt, pack: Pack) -> dict[str, Any] | None:
    """The rule by which a plan made a change, and its words where the pack in use is still the plan's."""
    planned = _planned(plan, receipt)
    role = OWNER_FIELD if receipt.field not in {each["role"] for each in plan.document["decisions"]} else receipt.field
    because = planned["because"] if planned is not None else None
    entry = next((e for e in plan.document["decisions"] if (e["company"], e["role"]) == (because, role)), None)
    if entry is None:
        return None
    path, rule = entry["territory"], entry["rule"] or {}
    text = None
    if pack.revision == plan.pack_revision:
        text = next((each.text for each in pack.territories(role) if each.path == path), None)
    told = {"territory": path, "file": rule.get("file"), "line": rule.get("line"), "reason": entry["reason"]}
    return {**told, "text": entry["text"], "pack_revision": plan.pack_revision, "written": text}


def _planned(plan: SavedPlan, receipt: Receipt) -> Mapping[str, Any] | None:
    """The change of a plan that a receipt is of."""
    for entry in plan.document["changes"]:
        if entry["ref"] == str(receipt.ref) and entry.get("field", OWNER_FIELD) == receipt.field:
            found: Mapping[str, Any] = entry
            return found
    return None


def _checks(case: _Case) -> list[tuple[str, bool]]:
    """Each claim of a case, in words, and whether the ledger bears it out."""
    receipt, plan, approval = case.receipt, case.plan, case.approval
    saved, approved, intended, written = case.saved, case.approved, case.intended, case.written
    hashes = {row.entry.facts.get("hash") for row in (saved, approved) if row is not None}
    whole = plan is not None and saved is not None and approved is not None and hashes == {plan.hash}
    same = case.problem or "the plan is, byte for byte, what was saved and what was approved"
    planned = _planned(plan, receipt) if plan is not None else None
    meant = planned is not None and intended is not None and _agree(planned, intended.entry.facts)
    read = written is not None and written.entry.facts.get("after") == receipt.after
    return [
        (same, whole),
        ("who approved it, and why, is what the ledger says", _is_same_approval(approval, approved)),
        ("the approved plan holds this very change", meant),
        ("it was approved before it was written", _in_order(approved, intended, written)),
        ("what was read back is what the ledger says", read and planned is not None and receipt.after == planned["to"]),
    ]


def _agree(planned: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return (planned["from"], planned["to"]) == (facts.get("from"), facts.get("to"))


def _is_same_approval(approval: Approval | None, row: ChainedRow | None) -> bool:
    if approval is None or row is None or approval.plan_hash != row.entry.facts.get("hash"):
        return False
    erased = row.entry.payload is None
    return approval.who == row.entry.actor and (erased or row.entry.payload == {"why": approval.why})


def _in_order(*rows: ChainedRow | None) -> bool:
    numbers = [row.entry.seq for row in rows if row is not None]
    return len(numbers) == len(rows) and numbers == sorted(numbers)


def _row(row: ChainedRow) -> dict[str, Any]:
    """A row as the document holds it: what its hash is made of, and the payload beside it."""
    payload = dict(row.entry.payload) if row.entry.payload is not None else None
    return {"chained": dict(row.chained), "hash": row.hash, "payload": payload}
