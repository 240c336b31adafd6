"""The pick: which rep of a territory receives an account that nobody holds or keeps (RULES.md section 5).

Candidates are members who may receive accounts today and are under every cap; if none is left the `overflow` of the
territory and then of each ancestor is asked. Changes no load itself and knows nothing of holds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from syncd.errors import Finding, Severity
from syncd.rules.deciding.frame import Frame, measure
from syncd.rules.deciding.loads import Loads, band_of
from syncd.rules.deciding.people import Member, barred, members_of, overflows, ramp
from syncd.rules.facts import Facts
from syncd.rules.pack import Owners, OwnersByPool, Pack, Territory

MEASURE_WORDS: Mapping[str, str] = {
    "accounts": "accounts",
    "open_pipeline": "open pipeline",
    "won_amount_12m": "won amount of 12 months",
    "annual_revenue": "annual revenue",
    "score": "score",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member as the pick sees it: its load before this account, and why it may not receive it, or None."""

    member: Member
    load: Decimal
    barred: str | None


@dataclass(frozen=True, slots=True)
class Draw:
    """One group of members that was asked: the territory's own, or the overflow of `lender`, with its method."""

    lender: Territory
    overflow: bool
    method: str
    candidates: tuple[Candidate, ...]

    @property
    def available(self) -> tuple[Candidate, ...]:
        """Those who may receive the account."""
        return tuple(candidate for candidate in self.candidates if candidate.barred is None)


@dataclass(frozen=True, slots=True)
class Pick:
    """The rep picked, out of which draw, in words."""

    email: str
    draw: Draw
    text: str


def draws(frame: Frame, path: tuple[Territory, ...], facts: Facts, loads: Loads) -> Iterator[Draw]:
    """The groups to ask, in order: the territory's members, then each overflow from the territory upward."""
    territory = path[-1]
    yield _draw(frame, path, territory, territory.owners, facts, loads, overflow=False)
    for lender, owners in overflows(path):
        yield _draw(frame, path, lender, owners, facts, loads, overflow=True)


def pick(frame: Frame, path: tuple[Territory, ...], facts: Facts, loads: Loads) -> Pick | None:
    """The rep who gets the account, or None if no group has a candidate left."""
    territory = path[-1]
    draw = next((draw for draw in draws(frame, path, facts, loads) if draw.available), None)
    if draw is None:
        return None
    available = draw.available
    chosen, why = METHODS[draw.method](frame, available, territory.balance_by, facts, loads)
    source = f", from the overflow of {draw.lender.path}" if draw.overflow else ""
    return Pick(chosen.member.email, draw, f"picked by territory {territory.path}{source}: {why}")


def method_of(pack: Pack, owners: Owners, assign: str | None, members: int) -> str:
    """How a group is drawn from: the territory's word, else the pool's own, else by the number of members."""
    own = pack.pools[owners.pool].assign if isinstance(owners, OwnersByPool) else None
    return assign or own or ("balanced" if members > 1 else "first")


def unsupported(pack: Pack) -> tuple[Finding, ...]:
    """What this engine does not do yet: `rotate` and `fit` (SYN325, errors), caps by day, week (SYN326, warnings)."""
    findings: list[Finding] = []
    for territory in (territory for role in pack.roles for territory in pack.territories(role)):
        groups = [(territory.owners, territory.assign), (territory.overflow, None)]
        words = {method_of(pack, owners, assign, 1) for owners, assign in groups if owners is not None}
        for word in sorted(words - METHODS.keys()):
            message = f"territory {territory.path}: `assign: {word}` comes later"
            hint = "Use first, balanced or stable."
            findings.append(Finding("SYN325", Severity.ERROR, message, territory.place, hint=hint))
        if territory.cap is not None and (territory.cap.day is not None or territory.cap.week is not None):
            message = f"territory {territory.path}: caps by day and week are not enforced yet; total and band are"
            findings.append(Finding("SYN326", Severity.WARNING, message, territory.place))
    return tuple(findings)


def _draw(
    frame: Frame,
    path: tuple[Territory, ...],
    lender: Territory,
    owners: Owners,
    facts: Facts,
    loads: Loads,
    *,
    overflow: bool,
) -> Draw:
    members = members_of(frame, owners, facts)
    balance_by = path[-1].balance_by
    candidates = tuple(
        Candidate(
            member,
            loads.load(member.email, balance_by),
            barred(frame, member.email, facts) or over_cap(frame, path, member.email, facts, loads),
        )
        for member in members
    )
    method = method_of(frame.pack, owners, None if overflow else lender.assign, len(members))
    return Draw(lender, overflow, method, candidates)


def over_cap(frame: Frame, path: tuple[Territory, ...], email: str, facts: Facts, loads: Loads) -> str | None:
    """Why one more account would be over a rep's `max_accounts` or over the cap of a territory of the path, or None."""
    entry = frame.pack.reps.get(email)
    if entry is not None and entry.max_accounts is not None:
        limit = entry.max_accounts * ramp(frame, entry)
        if loads.accounts(email) + 1 > limit:
            return f"at the limit of {limit.normalize():f} accounts"
    for territory in path:
        cap = territory.cap
        if cap is None:
            continue
        if cap.total is not None and loads.in_territory(territory.path, email) + 1 > cap.total:
            return f"at the cap of {cap.total} accounts in {territory.path}"
        band = band_of(facts)
        limits = {name.casefold(): limit for name, limit in cap.band.items()}
        if band in limits and loads.in_band(territory.path, email, band) + 1 > limits[band]:
            return f"at the cap of {limits[band]} accounts of this band in {territory.path}"
    return None


Method = Callable[[Frame, tuple[Candidate, ...], str, Facts, Loads], tuple[Candidate, str]]


def _first(
    _frame: Frame, available: tuple[Candidate, ...], _balance_by: str, _facts: Facts, _loads: Loads
) -> tuple[Candidate, str]:
    return available[0], f"{available[0].member.email} is {_of(available, 'the first available')}"


def _balanced(
    frame: Frame, available: tuple[Candidate, ...], balance_by: str, facts: Facts, loads: Loads
) -> tuple[Candidate, str]:
    entries = [frame.pack.reps.get(candidate.member.email) for candidate in available]
    stated = [Fraction(entry.capacity) for entry in entries if entry is not None and entry.capacity is not None]
    usual = sum(stated, Fraction(0)) / len(stated) if stated else Fraction(1)
    weight = Fraction(measure(facts, balance_by))
    keys: list[tuple[bool, Fraction, int, str, int]] = []
    for index, (candidate, entry) in enumerate(zip(available, entries, strict=True)):
        capacity = Fraction(entry.capacity) if entry is not None and entry.capacity is not None else usual
        room = capacity * Fraction(ramp(frame, entry)) if entry is not None else capacity
        email = candidate.member.email
        share = (Fraction(candidate.load) + weight) / room if room else Fraction(0)
        keys.append((not room, share, loads.accounts(email), email, index))
    chosen = available[min(keys)[-1]]
    words = MEASURE_WORDS.get(balance_by, balance_by)
    least = ("fewest " if balance_by == "accounts" else "least ") + words
    return chosen, _of(available, f"{least} for their capacity" if stated else least)


def _stable(
    _frame: Frame, available: tuple[Candidate, ...], _balance_by: str, facts: Facts, _loads: Loads
) -> tuple[Candidate, str]:
    """Weighted rendezvous hashing: a leaver moves only their own accounts."""
    chosen = max(available, key=lambda each: (_lot(facts.key, each.member), each.member.identity))
    return chosen, _of(available, "the fixed pick for this company")


def _lot(company: str, member: Member) -> float:
    text = f"{company}\n{member.identity}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    share = ((int.from_bytes(digest, "big") >> 11) + 0.5) / (1 << 53)
    return math.log(share) / float(member.weight) if member.weight > 0 else -math.inf


def _of(available: tuple[Candidate, ...], what: str) -> str:
    return f"{what} of {len(available)} candidates" if len(available) > 1 else "the only candidate"


METHODS: Mapping[str, Method] = {"first": _first, "balanced": _balanced, "stable": _stable}
