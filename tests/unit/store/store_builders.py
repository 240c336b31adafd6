"""Values that the store's tests are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from syncd.model.cursors import Cursor, Page
from syncd.model.plans import Change, PlanStatus, SavedPlan, document_hash
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.store import lease, mirror, plans
from tests.databases import NOW

SF = System.SALESFORCE
HS = System.HUBSPOT
LIVE = Cursor(SF, Kind.ACCOUNT)
REP = "005000000000001AAA"
OTHER = "005000000000002AAA"


def account_ref(number: int | str, system: System = SF) -> Ref:
    return Ref(system, Kind.ACCOUNT, str(number))


def account(number: int | str, *, at: int = 0, system: System = SF, owner: str | None = REP, **rest: Any) -> Record:
    """An account stamped `at` seconds after NOW; `fields` or any other part may be given."""
    rest.setdefault("fields", {"name": f"Company {number}"})
    return Record(account_ref(number, system), NOW + timedelta(seconds=at), owner=owner, **rest)


def deal(number: int, of: int | str, **rest: Any) -> Record:
    return Record(Ref(SF, Kind.OPPORTUNITY, f"006-{number}"), NOW, {"name": f"Deal {number}"}, account=str(of), **rest)


def page(*records: Record, resume: str | None = None) -> Page:
    return Page(records, resume)


def put(conn: Connection, *records: Record, now: datetime = NOW, run_id: str = "run") -> mirror.PageResult:
    """Put records into the mirror without a cursor."""
    return mirror.record_reading(conn, records, now=now, run_id=run_id)


def user(record_id: str, *, system: System = SF, active: bool = True, **rest: Any) -> User:
    return User(Ref(system, Kind.USER, record_id), f"{record_id}@example.com", f"Rep {record_id}", active, **rest)


def plan(
    plan_id: str = "p1", status: PlanStatus = PlanStatus.OFFERED, document: Mapping[str, Any] | None = None
) -> SavedPlan:
    content = {"format": 1, "plan_id": plan_id, "changes": []} if document is None else document
    return SavedPlan(plan_id, document_hash(content), "plan", status, "rev1", NOW, NOW + timedelta(hours=24), content)


def change(number: int | str, *, new: str = OTHER, **rest: Any) -> Change:
    return Change(account_ref(number), REP, new, str(account_ref(number)), f"fp-{number}", **rest)


def approved(conn: Connection, plan_id: str = "p1") -> SavedPlan:
    """A saved and approved plan."""
    made = plan(plan_id)
    plans.save_plan(conn, made)
    plans.approve(conn, plan_id, plan_hash=made.hash, who="uid:7", why="reviewed", limits=("changes.max",), now=NOW)
    return made


def leading(conn: Connection, holder: str = "me") -> lease.Lease:
    return lease.acquire(conn, holder, now=NOW, ttl=timedelta(minutes=1))
