"""Adoption: today's owners become the baseline; what people change is told apart from it. Nothing is written before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.crashpoints import crashpoint
from syncd.errors import RefusedError
from syncd.model.decisions import Decision, Outcome
from syncd.model.refs import System
from syncd.planning.proposals import OWNER_ROLE
from syncd.store import ledger, mirror, ownership


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was adopted: how many records got their owner as a mark, and what the rules say of today's owners.

    `reasons` counts the owner decisions by reason, changes as `would-change: <reason>`; so a person sees before the
    first plan how far the book is from the rules.
    """

    marked: int
    reasons: Mapping[str, int]
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """The adoption as a document."""
        return {"format": 1, "marked": self.marked, "reasons": dict(sorted(self.reasons.items()))}


def adopt(
    conn: Connection,
    *,
    systems: Collection[System],
    decisions: Sequence[Decision],
    who: str,
    now: datetime,
    run_id: str,
    pack_revision: str,
    again: bool = False,
) -> Adoption:
    """Take today's owners as the baseline, and the territories of accounts that the rules leave alone as applied.

    `systems` are all configured ones; `decisions` those of today's book. The caller commits. Raises RefusedError SYN525
    before the first complete mirror of every system, SYN526 where there is a baseline and `again` is not given: a new
    one forgets which owners people changed.
    """
    _check_complete(conn, systems)
    before = ownership.adopted_at(conn)
    if before is not None and not again:
        raise RefusedError(
            "SYN526",
            f"today's owners were adopted on {before:%Y-%m-%d %H:%M}Z already",
            hint="`syncd adopt --again` takes a new baseline and forgets which owners people changed since",
        )
    marks = ownership.adopt_all(conn, now=now, run_id=run_id)
    mine = [decision for decision in decisions if decision.role == OWNER_ROLE]
    for decision in mine:
        if decision.outcome is Outcome.KEEP and decision.owner is not None:
            ownership.set_applied(
                conn,
                decision.company,
                OWNER_ROLE,
                decision.territory,
                decision.owner.email,
                now=now,
                pack_revision=pack_revision,
            )
    reasons = Counter(_reason(decision) for decision in mine)
    adoption = Adoption(sum(marks.values()), dict(reasons), now)
    ledger.append(
        conn,
        at=now,
        event="baseline.adopted",
        ref=None,
        actor=who,
        run_id=run_id,
        facts={"marked": adoption.marked, "pack_revision": pack_revision, **_flat(reasons)},
    )
    crashpoint("adoption.before_commit")
    return adoption


def _check_complete(conn: Connection, systems: Collection[System]) -> None:
    status = mirror.mirror_status(conn)
    missing = sorted(system.value for system in systems if system not in status or not status[system].complete)
    if missing or not systems:
        what = " and ".join(missing) or "any system"
        raise RefusedError(
            "SYN525", f"the mirror of {what} is not complete yet", hint="run `syncd pull` to its end first"
        )


def _reason(decision: Decision) -> str:
    prefix = "would-change: " if decision.outcome is Outcome.CHANGE else ""
    return f"{prefix}{decision.reason}"


def _flat(reasons: Mapping[str, int]) -> dict[str, int]:
    return {f"reason:{name}": count for name, count in sorted(reasons.items())}
