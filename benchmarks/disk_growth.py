"""What the database takes on disk: per account mirrored, per owner written, per run. Prints JSON.

    .venv/bin/python benchmarks/disk_growth.py [ACCOUNTS]

The rows are made by the store's own functions on an SQLite file, compacted before each measure, so that only what
stays is counted. The figures per million accounts and year are these, multiplied; the rates are in the output.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncd.clock import ManualClock
from syncd.model.plans import Change, PlanStatus, RowState, SavedPlan, document_hash
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.store import lease, ledger, mirror, outbox, plans, runs
from syncd.store.engine import Store

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
WRITES = 5_000
RUNS = 5_000
YEAR = {
    "owner changes, share of the accounts": 0.2,
    "opportunities per account": 2,
    "runs a day that stay 14 days": 1800,
}
BATCH = 1_000
FIELDS = {
    "name": "Northwind Bearings and Transmissions GmbH",
    "domain": "northwind-bearings.example",
    "country": "DE",
    "state": "BY",
    "postal_code": "80331",
    "industry": "Industrial Manufacturing",
    "employees": "1200",
    "revenue": "185000000",
    "type": "Customer",
    "lifecycle": "customer",
}


def size(store: Store, path: Path) -> int:
    """Bytes of the file after compaction."""
    connection = store._writer.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.cursor().execute("VACUUM")
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return path.stat().st_size


def mirrored(store: Store, kind: Kind, count: int) -> None:
    """Fill the mirror with records of one kind."""
    for start in range(0, count, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, count)):
            fields = {**FIELDS, "name": f"{FIELDS['name']} {number}", "domain": f"n{number}.{FIELDS['domain']}"}
            ref = Ref(System.SALESFORCE, kind, f"001{number:012d}AAA")
            parent = f"001{number // 2:012d}AAA" if kind is Kind.OPPORTUNITY else None
            rows.append(Record(ref, NOW, fields, owner="005000000000001AAA", account=parent))
        with store.write() as conn:
            mirror.record_reading(conn, rows, now=NOW, run_id="r")


def written(store: Store, count: int) -> None:
    """Write owners as an apply does: plan, approval, outbox, intent, receipt, ledger."""
    changes = [
        Change(Ref(System.SALESFORCE, Kind.ACCOUNT, f"001{n:012d}AAA"), "005A", "005B", f"c{n}", f"fp{n:032d}")
        for n in range(count)
    ]
    document = {
        "format": 1,
        "changes": [{"ref": str(c.ref), "from": c.old, "to": c.new, "because": c.because} for c in changes],
        "decisions": [
            {
                "company": c.because,
                "accounts": [str(c.ref)],
                "role": "owner",
                "territory": "emea/dach-banking",
                "owner": {"email": "rep@acme.example", "salesforce": "005B", "hubspot": "77"},
                "current_owner": {"email": "other@acme.example", "salesforce": "005A", "hubspot": "78"},
                "outcome": "change",
                "reason": "territory",
                "text": "in emea/dach-banking: country is DE and industry is banking",
                "rule": {"file": "territories.yaml", "line": 14},
            }
            for c in changes
        ],
    }
    until = NOW + timedelta(hours=24)
    plan = SavedPlan("p", document_hash(document), "plan", PlanStatus.OFFERED, "rev", NOW, until, document)
    with store.write() as conn:
        plans.save_plan(conn, plan)
        plans.approve(conn, "p", plan_hash=plan.hash, who="uid:1", why="x", limits=(), now=NOW)
        outbox.enqueue(conn, "p", changes)
        held = lease.acquire(conn, "x", now=NOW, ttl=timedelta(hours=1))
        rows = outbox.rows(conn, "p")
        for start in range(0, len(rows), 200):
            part = rows[start : start + 200]
            facts = {"plan": "p", "outbox": 1, "attempt": "0123456789ab", "epoch": 1, "from": "005A", "to": "005B"}
            intents = [ledger.NewRow("write.intended", str(row.ref), facts) for row in part]
            ledger.append_many(conn, intents, at=NOW, run_id="r")
            outbox.claim(conn, [row.id for row in part], epoch=held.epoch, attempt="0123456789ab", now=NOW)
            ends = [outbox.Ending(row.id, RowState.CONFIRMED, before="005A", after="005B") for row in part]
            outbox.finish(conn, ends, now=NOW)
            payload = {"owner": "rep@acme.example", "text": "in emea/dach-banking: country is DE"}
            done = [ledger.NewRow("write.confirmed", str(row.ref), facts, payload) for row in part]
            ledger.append_many(conn, done, at=NOW, run_id="r")


def ran(store: Store, count: int) -> None:
    """Record runs with the summary of a watch."""
    for number in range(count):
        with store.write() as conn:
            at = NOW + timedelta(seconds=number)
            runs.start_run(conn, f"{number:012x}", "watch", now=at)
            summary = {"firing": 3, "fired": 0, "resolved": 0, "sent": 0, "failed": 0, "waiting": None}
            runs.finish_run(conn, f"{number:012x}", "ok", now=at, summary=summary)


def main(accounts: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "syncd.db"
        store = Store.open(f"sqlite:///{path}", clock=ManualClock(NOW), create=True)
        sizes = [size(store, path)]
        for fill in (
            lambda: mirrored(store, Kind.ACCOUNT, accounts),
            lambda: mirrored(store, Kind.OPPORTUNITY, accounts),
            lambda: written(store, WRITES),
            lambda: ran(store, RUNS),
        ):
            fill()
            sizes.append(size(store, path))
        store.close()
    account, opportunity, write, run = (
        (after - before) / count
        for before, after, count in zip(sizes, sizes[1:], (accounts, accounts, WRITES, RUNS), strict=False)
    )
    deals, share, kept = YEAR["opportunities per account"], YEAR["owner changes, share of the accounts"], 1800 * 14
    million = 1_000_000
    result = {
        "accounts": accounts,
        "bytes per account": round(account),
        "bytes per opportunity": round(opportunity),
        "bytes per owner written": round(write),
        "bytes per run": round(run),
        "a year's rates": YEAR,
        "GB of mirror per million accounts": round(million * (account + deals * opportunity) / 1e9, 2),
        "GB a year per million accounts": round(million * share * write / 1e9, 2),
        "GB of runs, at most": round(kept * run / 1e9, 3),
    }
    print(json.dumps(result, indent=2))  # noqa: T201 - a benchmark prints


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
