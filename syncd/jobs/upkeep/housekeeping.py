"""Housekeeping: what is past its retention goes, in short transactions, once a night."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.jobs.context import Context
from syncd.jobs.leadership import Leadership
from syncd.jobs.recording import recorded
from syncd.store import housekeeping, statistics


def keep_house(context: Context, leader: Leadership) -> Mapping[str, int]:
    """Drop what is past its retention; how many rows of each part went. The lease is asked before each transaction."""
    with recorded(context, "housekeeping") as run:
        gone = {name: _drop(context, leader, name) for name in housekeeping.PARTS}
        with context.store.write() as conn:
            statistics.renew(conn)
        run.summary = dict(gone)
    context.log.event("housekeeping.finished", **{name.replace(" ", "_"): count for name, count in gone.items()})
    return gone


def _drop(context: Context, leader: Leadership, name: str) -> int:
    before = context.clock.now() - housekeeping.RETENTION[name]
    total = 0
    while True:
        leader.check()
        with context.store.write() as conn:
            count = housekeeping.PARTS[name](conn, before)
        total += count
        if count < housekeeping.BATCH:
            return total
