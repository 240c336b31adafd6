"""Remembering who was told that an account will be taken back: the grace of `retrieve` begins with it."""

from __future__ import annotations

from syncd.jobs.context import Context
from syncd.model.decisions import Decision
from syncd.rules.engine import Book
from syncd.rules.pack import Pack
from syncd.rules.retrieving import Notices, notices
from syncd.store import ledger, picking


def remember_notices(context: Context, pack: Pack, book: Book, decisions: tuple[Decision, ...]) -> Notices:
    """Save the notices that a run of the pack in use gives, with a ledger row for each; what they were."""
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
    context.log.event("retrieve.noticed", told=len(found.told), over=len(found.over))
    return found
