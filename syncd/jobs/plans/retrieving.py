"""Remembering who was told that an account will be taken back, and telling them: so the grace of `retrieve` begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from syncd.jobs.context import Context
from syncd.model.decisions import Decision
from syncd.rules.deciding.frame import Frame
from syncd.rules.engine import Book
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import leaves_past, local_day
from syncd.rules.pack import Pack
from syncd.rules.retrieving import Notices, notices
from syncd.store import ledger, picking


def remember_notices(context: Context, pack: Pack, book: Book, decisions: tuple[Decision, ...]) -> Notices:
    """Save the notices that a run of the pack in use gives, with a ledger row for each; what they were.

    In the same transaction each owner's notice is queued for the receivers that write to reps: who is told, is told
    exactly if the grace began. The next watch sends.
    """
    now = context.clock.now()
    found = notices(pack, book, decisions, now)
    if not found:
        return found
    with context.store.write() as conn:
        picking.forget_notices(conn, found.over)
        picking.notice(conn, found.told, now=now)
        for company, owner in sorted(found.told.items()):
            ledger.append(
                conn,
                at=now,
                event="retrieve.noticed",
                ref=company,
                actor=None,
                run_id=None,
                facts={"pack_revision": pack.revision},
                payload={"owner": owner},
            )
        _tell(context, conn, pack, book, found.told, now)
    context.log.event("retrieve.noticed", told=len(found.told), over=len(found.over))
    return found


def _tell(context: Context, conn: Connection, pack: Pack, book: Book, told: Mapping[str, str], now: datetime) -> None:
    """One notice an owner, with all accounts of this run."""
    from syncd.jobs.telling import tell_returning  # loads the receivers, which few plans write to

    facts = {each.key: each for each in book.facts if each.key in told}
    by_owner: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for company, owner in told.items():
        by_owner[owner][company] = _name(facts[company])
    last = _last_day(pack, book, now)
    for owner, accounts in sorted(by_owner.items()):
        tell_returning(context, conn, owner, accounts, last, now)


def _name(facts: Facts) -> str:
    seen = facts.seen.get("name")
    return seen.raw if seen is not None else facts.key


def _last_day(pack: Pack, book: Book, now: datetime) -> str | None:
    """The last day on which an account whose grace begins now is safe."""
    if pack.retrieve is None or pack.retrieve.grace is None:
        return None
    ends = leaves_past(now, pack.retrieve.grace, Frame.of(pack, book.directory, now).context)
    return local_day(ends - timedelta(seconds=1), pack.zone).isoformat() if ends is not None else None
