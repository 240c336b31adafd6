"""`explain` over a mirror of 100,000 accounts and 1,000 territories: `make bench-explain`, or this script. Prints JSON.

Milliseconds of the processor for the job inside one process, the median of several accounts, apart from starting
Python. The first figure reads the pack's files, as each command does; the others say what the explanation itself takes.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.rules_world import accounts, write_pack  # noqa: E402 - the path comes first
from syncd.clock import ManualClock  # noqa: E402
from syncd.jobs.answers.explaining import explain_company, explain_toward  # noqa: E402
from syncd.jobs.context import Context  # noqa: E402
from syncd.model.plans import PlanStatus, SavedPlan, document_hash  # noqa: E402
from syncd.model.records import Record, User  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402
from syncd.rules.facts import Facts  # noqa: E402
from syncd.settings import load_settings  # noqa: E402
from syncd.store import companies, mirror, plans  # noqa: E402
from syncd.store.records import upsert_records  # noqa: E402

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
ACCOUNTS, TERRITORIES, REPS, TIMES = 100_000, 1_000, 400, 7


def main() -> None:
    """Fill a mirror, plan once, explain by every kind of name."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        pack = write_pack(folder / "pack", TERRITORIES)
        small = folder / "small"
        write_pack(small, 30)
        context = _context(folder)
        refs = _fill(context)
        plan = _save_plan(context, refs)
        planned = refs[::20][:TIMES]
        size = len(json.dumps(plan.document, ensure_ascii=False))
        told = {"1000 territories": _figures(context, refs, planned)}
        (folder / "pack").rename(folder / "large")
        small.rename(folder / "pack")
        told["30 territories"] = _figures(context, refs, [])
        context.close()
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    about = {"accounts": ACCOUNTS, "pack": pack, "plan_mb": round(size / 1e6, 1)}
    sys.stdout.write(json.dumps({"machine": machine, **about, **told}, indent=2) + "\n")


def _figures(context: Context, refs: list[str], planned: list[str]) -> dict[str, float]:
    few = refs[:: len(refs) // TIMES][:TIMES]
    read = _milliseconds(lambda _: context.pack(), few[:5])
    opened = context.pack()
    with patch.object(Context, "pack", lambda *_, **__: opened):
        found = {
            "read the pack": read,
            "explain by ref": _milliseconds(lambda ref: explain_company(context, ref), few),
            "explain by name": _milliseconds(lambda ref: explain_company(context, f"name {ref[-6:]}"), few),
            "explain by domain": _milliseconds(lambda ref: explain_company(context, f"d{ref[-6:]}.com"), few),
            "toward a territory": _milliseconds(lambda ref: explain_toward(context, ref, "t9"), few),
            "toward a rep": _milliseconds(lambda ref: explain_toward(context, ref, "rep11@example.com"), few),
        }
        if planned:
            found["explain a planned pick"] = _milliseconds(lambda ref: explain_company(context, ref), planned)
    return found


def _milliseconds(work: Callable[[str], object], items: list[str]) -> float:
    taken = []
    for item in items:
        started = process_time()
        work(item)
        taken.append(process_time() - started)
    return round(median(taken) * 1000, 1)


def _context(folder: Path) -> Context:
    config = folder / "config.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{folder}/syncd.db"\n[pack]\npath = "{folder}/pack"\n'
        '[salesforce]\nlogin_url = "https://bench.my.salesforce.com"\nclient_id = "c"\ngrant = "client_credentials"\n'
    )
    settings = load_settings(config, {"SYNCD_SALESFORCE__CLIENT_SECRET": "s"})
    return Context.open(settings, clock=ManualClock(NOW), create=True)


def _fill(context: Context) -> list[str]:
    system = System.SALESFORCE
    people = [User(Ref(system, Kind.USER, f"005{n:012}"), f"rep{n}@example.com", f"Rep {n}", True) for n in range(REPS)]
    records = [_record(number, facts) for number, facts in enumerate(accounts(ACCOUNTS))]
    with context.store.write() as conn:
        mirror.store_users(conn, system, people, now=NOW, run_id="r")
        for start in range(0, len(records), 5000):
            upsert_records(conn, records[start : start + 5000], now=NOW, run_id="r")
        companies.save_links(conn, {each.ref: str(each.ref) for each in records}, {}, now=NOW)
        mirror.store_teams(conn, system, [], now=NOW)
        mirror.mark_complete(conn, system, as_of=NOW, run_id="r", mapping_revision=context.mapping_revision())
    return [str(each.ref) for each in records]


def _save_plan(context: Context, refs: list[str]) -> SavedPlan:
    """A plan that moves a twentieth of the book, as the document holds it."""
    decisions = [
        {
            "company": ref,
            "accounts": [ref],
            "role": "owner",
            "territory": "t9",
            "owner": {"email": "rep9@example.com", "salesforce": "005000000000009"},
            "current_owner": {"email": "rep1@example.com", "salesforce": "005000000000001"},
            "outcome": "change",
            "reason": "picked",
            "text": "picked by territory t9: 120 + 1 over capacity 1 is the smallest of 2 candidates",
            "rule": {"file": "pack.yaml", "line": 120},
            "candidates": ["rep9@example.com", "rep10@example.com"],
            "loads": {"rep9@example.com": "120", "rep10@example.com": "133"},
        }
        for ref in refs[::20]
    ]
    document = {"format": 1, "plan_id": "bench", "decisions": decisions, "changes": []}
    revision = context.pack().revision
    hash_ = document_hash(document)
    plan = SavedPlan("bench", hash_, "plan", PlanStatus.OFFERED, revision, NOW, NOW + timedelta(days=1), document)
    with context.store.write() as conn:
        plans.save_plan(conn, plan)
    return plan


def _record(number: int, facts: Facts) -> Record:
    fields = {key: str(value).removeprefix("US-") for key, value in facts.values.items()}
    record = f"001{number:012}"
    fields |= {"name": f"name {record[-6:]}", "domain": f"d{record[-6:]}.com"}
    parent = f"001{number - 1:012}" if number % 10 == 1 else None
    return Record(Ref(System.SALESFORCE, Kind.ACCOUNT, record), NOW, fields, f"005{number % REPS:012}", parent)


if __name__ == "__main__":
    main()
