"""What is known of one company's records, now or as it was at an instant: owners, marks, plans, receipts, ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.jobs.answers.lookup import records_of
from syncd.jobs.context import Context
from syncd.model.plans import OWNER_FIELD, RowState
from syncd.model.refs import Kind, Ref
from syncd.store import ledger, merges, mirror, outbox, ownership, plans
from syncd.store.outbox import Receipt
from syncd.store.ownership import OwnerChange


def history_document(context: Context, text: str, *, as_of: datetime | None, limit: int) -> dict[str, Any]:
    """The records that `text` names (an account's ref, id, domain or name, or the ref of any other record), those
    merged into them, and the ledger's newest rows.

    With `as_of` everything is as it was then. Raises UsageError SYN002 or SYN003 where it names none or several.
    """
    until = as_of or context.clock.now()
    with context.store.read() as conn:
        refs = records_of(conn, text)
        merged = tuple(loser for loser, winner in merges.losers(conn).items() if winner in refs)
        emails = {(user.ref.system, user.ref.id): user.email for user in mirror.users(conn)}
        found = [
            entry for ref in (*refs, *merged) for entry in ledger.entries(conn, ref=str(ref), limit=limit, until=until)
        ]
        records = [_record(conn, ref, until) for ref in refs]
    for record in records:
        system = Ref.parse(record["ref"]).system
        for told in (record["owner"], record["mark"]):
            if told is not None:
                told["email"] = emails.get((system, told["id"] or ""))
    return {
        "format": 1,
        "as_of": iso(until),
        "refs": [str(ref) for ref in refs],
        "merged": [str(ref) for ref in merged],
        "records": records,
        "entries": [_entry(entry) for entry in sorted(found, key=lambda row: row.seq)[-limit:]],
    }


def _record(conn: Connection, ref: Ref, until: datetime) -> dict[str, Any]:
    """One record at an instant. None of the owner where nothing says who it was."""
    receipts = [receipt for receipt in outbox.receipts(conn, ref) if receipt.at <= until and receipt.state.final]
    changes = [change for change in ownership.owner_history(conn, ref) if change.field == OWNER_FIELD]
    present = mirror.get_record(conn, ref)
    owner = _owner_at(changes, present.owner if present is not None else None, until)
    last = receipts[-1] if receipts else None
    approval = plans.approval(conn, last.plan_id) if last is not None else None
    return {
        "ref": str(ref),
        "owner": {"id": owner},
        "mark": _mark_at(conn, ref, [each for each in receipts if each.field == OWNER_FIELD], changes, owner, until),
        "plan": None
        if last is None
        else {
            "plan_id": last.plan_id,
            "approved_by": approval.who if approval is not None else None,
            "why": approval.why if approval is not None else None,
        },
        "receipts": [_receipt(receipt) for receipt in receipts],
    }


def _owner_at(changes: Sequence[OwnerChange], present: str | None, until: datetime) -> str | None:
    """The owner by the changes that were seen: the last before the instant, or what the first after it changed.

    A clock of a CRM that is ahead of ours makes no change happen after it was seen.
    """
    before = [change for change in changes if min(change.at, change.seen_at) <= until]
    if before:
        return before[-1].new
    return changes[0].old if changes else present


def _mark_at(
    conn: Connection,
    ref: Ref,
    receipts: Sequence[Receipt],
    changes: Sequence[OwnerChange],
    owner: str | None,
    until: datetime,
) -> dict[str, Any] | None:
    """The owner that syncd knew the record by: the present mark, or what receipts and the adoption made it then."""
    kept = ref.kind is Kind.ACCOUNT  # of what else has an owner only what syncd wrote is known, nothing is adopted
    mark = ownership.marks(conn, ref.kind).get(ref) if kept else None
    if mark is not None and mark.at <= until:
        return {"id": mark.owner, "source": mark.source, "at": iso(mark.at)}
    written = [receipt for receipt in receipts if receipt.state is RowState.CONFIRMED]
    if written:
        return {"id": written[-1].after, "source": "written", "at": iso(written[-1].at)}
    if not kept:
        return None
    adopted = [entry.at for entry in ledger.entries(conn, event="baseline.adopted", until=until)]
    if not adopted:
        return None
    return {"id": _owner_at(changes, owner, adopted[-1]), "source": "adopted", "at": iso(adopted[-1])}


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "at": iso(receipt.at),
        "field": receipt.field,
        "plan_id": receipt.plan_id,
        "state": receipt.state.value,
        "from": receipt.before,
        "to": receipt.after,
        "code": receipt.code,
        "message": receipt.message,
    }


def _entry(entry: ledger.LedgerEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": iso(entry.at),
        "event": entry.event,
        "ref": entry.ref,
        "actor": entry.actor,
        "run": entry.run_id,
        "facts": dict(entry.facts),
        "payload": dict(entry.payload) if entry.payload is not None else None,
    }
