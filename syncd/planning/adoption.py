"""Adoption: today's owners become the baseline; what people change is told apart from it. Nothing is written before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from syncd.crashpoints import crashpoint
from syncd.errors import RefusedError
from syncd.model.decisions import Decision, Outcome
from syncd.model.refs import System
from syncd.planning.proposing.proposals import OWNER_ROLE
from syncd.rules.facts import Applied, Facts
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
    facts: Mapping[str, Facts],
    rates_as_of: date | None = None,
    who: str,
    now: datetime,
    run_id: str,
    pack_revision: str,
    again: bool = False,
    roles: Collection[str] = (),
) -> Adoption:
    """Take today's owners as the baseline, and the territories of accounts that the rules leave alone as applied.

    So are the holders of `roles`, those that settings map to a field. `systems` are all configured ones; `decisions`
    and `facts` those of today's book. The caller commits. Raises RefusedError SYN525 before the first complete mirror
    of every system, SYN526 where there is a baseline and `again` is not given: a new one forgets which owners people
    changed.
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
    ownership.adopt_roles(conn, roles, now=now)
    remember_kept(conn, decisions, facts, now=now, pack_revision=pack_revision, rates_as_of=rates_as_of)
    reasons = Counter(_reason(decision) for decision in decisions if decision.role == OWNER_ROLE)
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


def remember_kept(
    conn: Connection,
    decisions: Sequence[Decision],
    facts: Mapping[str, Facts],
    *,
    now: datetime,
    pack_revision: str,
    rates_as_of: date | None = None,
) -> int:
    """Remember what the rules leave with its owner as applied: nothing has to be written for it. Returns how many.

    Only what differs from the last time is written; a company that is held to an older table of rates keeps it.
    """
    rows: dict[str, dict[str, ownership.AppliedRow]] = {}
    for decision in decisions:
        if decision.outcome is not Outcome.KEEP or decision.owner is None or decision.territory is None:
            continue
        known = facts[decision.company]
        as_of = known.rates.as_of if known.rates is not None else rates_as_of
        dated = as_of if known.amounts is not None else None
        email = decision.owner.email
        row = ownership.AppliedRow(decision.territory, email, now, pack_revision, dated, known.amounts)
        if not _same_decision(known.applied.get(decision.role), row):
            rows.setdefault(decision.role, {})[decision.company] = row
    for role, of_role in sorted(rows.items()):
        ownership.set_applied(conn, role, of_role)
    return sum(map(len, rows.values()))


def _same_decision(applied: Applied | None, row: ownership.AppliedRow) -> bool:
    """Whether a decision was remembered before: the revision counts only where a table of rates hangs on it."""
    if applied is None or (applied.territory, applied.owner) != (row.territory, row.owner):
        return False
    if row.amounts is None:
        return applied.amounts is None
    return (applied.amounts, applied.pack_revision) == (row.amounts, row.pack_revision)


def _check_complete(conn: Connection, systems: Collection[System]) -> None:
    status = mirror.mirror_status(conn, counted=False)
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
