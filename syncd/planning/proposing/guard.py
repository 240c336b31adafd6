"""The guard: the pack's limits on one plan. Over one the plan stands, but its approval must name the limit. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.model.plans import OWNER_FIELD, Change, GuardTrip
from syncd.model.refs import Kind, System
from syncd.planning.proposing.windows import inside_windows
from syncd.rules.pack import Guard

LIMITS = (
    "changes.max",
    "changes.share",
    "money",
    "per_rep",
    "per_territory",
    "per_band",
    "per_owner_total",
    "windows",
    "api_calls",
)
"""The names that an approval may lift, in the order in which they are shown."""

_RULES_SHOWN = 5
_SINGLE_WRITES = 5
_READ_BATCH = {System.SALESFORCE: 200, System.HUBSPOT: 100}


@dataclass(frozen=True, slots=True)
class Move:
    """One company that a plan changes, as the guard counts it. `pipeline` is in the reporting currency."""

    gains: str | None
    loses: str | None
    territory: str | None
    band: str | None
    pipeline: Decimal
    rule: str | None


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a plan goes: its moves, out of how many decisions, the accounts each rep ends with, and its rows."""

    moves: Sequence[Move]
    evaluated: int
    totals: Mapping[str, int]
    changes: Sequence[Change]
    currency: str


def check_guard(guard: Guard, reach: Reach) -> tuple[GuardTrip, ...]:
    """Every limit that a plan is over, in the order of `LIMITS`; windows are looked at when it is applied."""
    found = [
        _count(guard, reach),
        _share(guard, reach),
        _money(guard, reach),
        _per_rep(guard, reach),
        _per_territory(guard, reach),
        _per_band(guard, reach),
        _per_owner_total(guard, reach),
        _api_calls(guard, reach),
    ]
    return tuple(trip for trip in found if trip is not None)


def check_role(guard: Guard, role: str, reach: Reach) -> tuple[GuardTrip, ...]:
    """The limits that the changes of another role are over by themselves: how many, and for whom; no money moves."""
    found = [
        _count(guard, reach),
        _share(guard, reach),
        _per_rep(guard, reach),
        _per_territory(guard, reach),
        _per_band(guard, reach),
    ]
    return tuple(replace(trip, text=f"role {role}: {trip.text}") for trip in found if trip is not None)


def check_windows(guard: Guard, now: datetime, zone: ZoneInfo) -> GuardTrip | None:
    """The trip of writing outside the pack's windows, or None inside them."""
    if inside_windows(guard.windows, now, zone):
        return None
    allowed, found = ", ".join(guard.windows), f"{now.astimezone(zone):%a %H:%M}"
    return GuardTrip("windows", allowed, found, f"it is {found} in {zone.key}; writes are for {allowed}")


def estimated_calls(changes: Iterable[Change]) -> int:
    """HTTP calls that writing these rows takes: compare, team read, write and read-back, batch by batch."""
    counts = Counter((change.ref.system, change.ref.kind, change.field) for change in changes if not change.expected)
    calls = 0
    for (system, kind, field), rows in counts.items():
        batches = -(-rows // _READ_BATCH[system])
        single = system is System.SALESFORCE and rows <= _SINGLE_WRITES
        owners = kind is Kind.ACCOUNT and field == OWNER_FIELD
        teams = batches if system is System.SALESFORCE and owners else 0
        calls += 2 * batches + teams + (rows if single else batches)
    return calls


def _count(guard: Guard, reach: Reach) -> GuardTrip | None:
    found, limit = len(reach.moves), guard.changes_max
    if limit is None or found <= limit:
        return None
    text = f"{found} accounts would change; the pack allows {limit}"
    return GuardTrip("changes.max", str(limit), str(found), text, _causes(reach.moves))


def _share(guard: Guard, reach: Reach) -> GuardTrip | None:
    limit = guard.changes_share
    if limit is None or Decimal(len(reach.moves)) <= limit * reach.evaluated:
        return None
    found = Decimal(len(reach.moves)) / max(reach.evaluated, 1)
    text = f"{_percent(found)} of {reach.evaluated} accounts would change; the pack allows {_percent(limit)}"
    return GuardTrip("changes.share", _percent(limit), _percent(found), text, _causes(reach.moves))


def _money(guard: Guard, reach: Reach) -> GuardTrip | None:
    limit = guard.money
    found = sum((move.pipeline for move in reach.moves), Decimal(0))
    if limit is None or found <= limit:
        return None
    allowed, moved = f"{limit:f} {reach.currency}", f"{found:f} {reach.currency}"
    text = f"open pipeline of {moved} would move; the pack allows {allowed}"
    return GuardTrip("money", allowed, moved, text, _causes(move for move in reach.moves if move.pipeline))


def _per_rep(guard: Guard, reach: Reach) -> GuardTrip | None:
    """Accounts that one rep gains or loses, whichever is more: a rep who loses a book is as bad as one who drowns."""
    gains = Counter(move.gains for move in reach.moves if move.gains and move.gains != move.loses)
    losses = Counter(move.loses for move in reach.moves if move.loses and move.gains != move.loses)
    counts = {rep: max(gains[rep], losses[rep]) for rep in gains.keys() | losses.keys()}
    verbs = {rep: "gain" if gains[rep] >= losses[rep] else "lose" for rep in counts}
    worst = _worst(counts, guard.per_rep)
    if worst is None:
        return None
    rep, found, over = worst
    text = f"{rep} would {verbs[rep]} {found} accounts; the pack allows {guard.per_rep}{_others(over, 'reps')}"
    causes = _causes(move for move in reach.moves if rep in (move.gains, move.loses))
    return GuardTrip("per_rep", str(guard.per_rep), f"{found} ({rep})", text, causes)


def _per_territory(guard: Guard, reach: Reach) -> GuardTrip | None:
    counts = Counter(move.territory for move in reach.moves if move.territory)
    worst = _worst(counts, guard.per_territory)
    if worst is None:
        return None
    name, found, over = worst
    text = (
        f"{found} accounts would change in {name}; the pack allows {guard.per_territory}{_others(over, 'territories')}"
    )
    causes = _causes(move for move in reach.moves if move.territory == name)
    return GuardTrip("per_territory", str(guard.per_territory), f"{found} ({name})", text, causes)


def _per_band(guard: Guard, reach: Reach) -> GuardTrip | None:
    counts = Counter(move.band.casefold() for move in reach.moves if move.band)
    for band, limit in sorted(guard.per_band.items()):
        found = counts[band.casefold()]
        if found > limit:
            text = f"{found} accounts of band {band} would change; the pack allows {limit}"
            causes = _causes(move for move in reach.moves if move.band and move.band.casefold() == band.casefold())
            return GuardTrip("per_band", f"{limit} ({band})", f"{found} ({band})", text, causes)
    return None


def _per_owner_total(guard: Guard, reach: Reach) -> GuardTrip | None:
    """What a rep who gains accounts would own in all; ownership skew begins at 10,000 records (salesforce.md 3.7)."""
    gaining = {move.gains for move in reach.moves if move.gains}
    totals = {rep: reach.totals.get(rep, 0) for rep in gaining}
    worst = _worst(totals, guard.per_owner_total)
    if worst is None:
        return None
    rep, found, over = worst
    text = f"{rep} would own {found} accounts; the pack allows {guard.per_owner_total}{_others(over, 'reps')}"
    causes = _causes(move for move in reach.moves if move.gains == rep)
    return GuardTrip("per_owner_total", str(guard.per_owner_total), f"{found} ({rep})", text, causes)


def _api_calls(guard: Guard, reach: Reach) -> GuardTrip | None:
    limit, found = guard.api_calls, estimated_calls(reach.changes)
    if limit is None or found <= limit:
        return None
    text = f"writing would take about {found} API calls; the pack allows {limit}"
    return GuardTrip("api_calls", str(limit), str(found), text, _causes(reach.moves))


def _worst(counts: Mapping[str, int], limit: int | None) -> tuple[str, int, int] | None:
    """The name most over a limit, its count, and how many names are over it; ties by name."""
    over = {name: count for name, count in counts.items() if limit is not None and count > limit}
    if not over:
        return None
    name = min(over, key=lambda name: (-over[name], name))
    return name, over[name], len(over)


def _others(over: int, what: str) -> str:
    return f" ({over} {what} are over it)" if over > 1 else ""


def _causes(moves: Iterable[Move]) -> tuple[str, ...]:
    """The rules, `file:line`, that cause the most of these moves: the place to look for the typo."""
    counts = Counter(move.rule for move in moves if move.rule)
    return tuple(sorted(counts, key=lambda rule: (-counts[rule], rule))[:_RULES_SHOWN])


def _percent(share: Decimal) -> str:
    text = f"{(share * 100).quantize(Decimal('0.1')):f}"
    return f"{text.removesuffix('.0')}%"
