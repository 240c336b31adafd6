"""The ways to pick one of several candidates: first, balanced, rotate, stable, fit (RULES.md section 5).

Each takes a question and answers it from its values alone; none changes a load or a standing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from syncd.model.rotation import Standings, Turn, next_turn
from syncd.rules.deciding.fitness import matches_of
from syncd.rules.deciding.frame import Frame, measure
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.member import Member
from syncd.rules.deciding.people import ramp
from syncd.rules.deciding.recall import Rooms
from syncd.rules.facts import Facts
from syncd.rules.pack import Owners, OwnersByPool, Pack, Territory

_ERROR = 1e-12
"""Thousands of times what a conversion, a sum and a quotient of floats may be off, relative to their operands."""

MEASURE_WORDS: Mapping[str, str] = {
    "accounts": "accounts",
    "open_pipeline": "open pipeline",
    "won_amount_12m": "won amount of 12 months",
    "annual_revenue": "annual revenue",
    "score": "score",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member as the pick sees it: its load before this account, and why it may not receive it, or None.

    `earns` says of one who is out of office that they have a share of the turn all the same (`catch_up` of the pool).
    """

    member: Member
    load: Decimal
    barred: str | None
    earns: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Which of these candidates, all of them available and at least one, gets an account of a territory.

    `rotation` names the group, `standings` are those of its members; `away` are the weights of members who are out of
    office and have a share of the turn.
    """

    frame: Frame
    available: tuple[Candidate, ...]
    territory: Territory
    facts: Facts
    loads: Loads
    rotation: str
    standings: Standings
    away: Mapping[str, Decimal]


Answer = tuple[Candidate, str, Turn | None]
Method = Callable[[Question], Answer]


def method_of(pack: Pack, owners: Owners, assign: str | None, members: int) -> str:
    """How a group is drawn from: the territory's word, else the pool's own, else by the number of members."""
    own = pack.pools[owners.pool].assign if isinstance(owners, OwnersByPool) else None
    return assign or own or ("balanced" if members > 1 else "first")


def _first(question: Question) -> Answer:
    chosen = question.available[0]
    return chosen, f"{chosen.member.email} is {_of(question.available, 'the first available')}", None


def _balanced(question: Question) -> Answer:
    chosen, why = _least_loaded(question, question.available)
    return chosen, why, None


def _least_loaded(question: Question, asked: Sequence[Candidate]) -> tuple[Candidate, str]:
    """The smallest (load + this account) / (capacity x ramp), ties by fewer accounts, then e-mail."""
    balance_by = question.territory.balance_by
    rooms = _rooms_of(question.frame, tuple(candidate.member.email for candidate in asked))
    weight = measure(question.facts, balance_by)
    keys: list[tuple[bool, Fraction, int, str, int]] = []
    shares: dict[tuple[Decimal, Fraction], Fraction] = {}
    for index in _likely_least(asked, rooms, weight):
        candidate, room = asked[index], rooms.exact[index]
        share = shares.get((candidate.load, room))
        if share is None:
            share = (Fraction(candidate.load) + Fraction(weight)) / room if room else Fraction(0)
            shares[candidate.load, room] = share
        accounts = question.loads.accounts(candidate.member.bearer)
        keys.append((not room, share, accounts, candidate.member.email, index))
    words = MEASURE_WORDS.get(balance_by, balance_by)
    least = ("fewest " if balance_by == "accounts" else "least ") + words
    return asked[min(keys)[-1]], _of(asked, f"{least} for their capacity" if rooms.stated else least)


def _rooms_of(frame: Frame, emails: tuple[str, ...]) -> Rooms:
    """Capacity x ramp of each of a group; who has no capacity has the mean of those who have one, else 1."""
    found = frame.recall.rooms.get(emails)
    if found is None:
        entries = [frame.pack.reps.get(email) for email in emails]
        stated = [Fraction(entry.capacity) for entry in entries if entry is not None and entry.capacity is not None]
        usual = sum(stated, Fraction(0)) / len(stated) if stated else Fraction(1)
        exact = tuple(
            (Fraction(entry.capacity) if entry.capacity is not None else usual) * Fraction(ramp(frame, entry))
            if entry is not None
            else usual
            for entry in entries
        )
        found = frame.recall.rooms[emails] = Rooms(exact, tuple(map(float, exact)), bool(stated))
    return found


def _likely_least(asked: Sequence[Candidate], rooms: Rooms, weight: Decimal) -> Iterable[int]:
    """The candidates among whom the least share must be, found in floating point with its error; in doubt all.

    Exact fractions cost a hundred times as much, and all but a few candidates are clearly not the least.
    """
    near_weight = float(weight)
    lows: list[tuple[float, int]] = []
    bound = math.inf
    for index, (candidate, room) in enumerate(zip(asked, rooms.near, strict=True)):
        if room == 0:
            continue
        load = float(candidate.load)
        share, error = (load + near_weight) / room, _ERROR * (abs(load) + abs(near_weight)) / room
        bound = min(bound, share + error)
        lows.append((share - error, index))
    if not math.isfinite(bound) or any(math.isnan(low) for low, _ in lows):
        return range(len(asked))
    return [index for low, index in lows if low <= bound]


def _rotate(question: Question) -> Answer:
    """In turn, by weight: whoever is owed most, this account's share included; ties in the order written."""
    by_member = {candidate.member.identity: candidate for candidate in reversed(question.available)}
    weights = {each.member.identity: each.member.weight for each in question.available}
    turn = next_turn(question.rotation, question.standings, weights, question.away)
    if turn is None:
        raise ValueError(f"nobody in {question.rotation} has a weight")  # such members are barred before
    return by_member[turn.member], _of(question.available, "next in turn"), turn


def _stable(question: Question) -> Answer:
    """Weighted rendezvous hashing: a leaver moves only their own accounts."""
    company = question.facts.key
    chosen = max(question.available, key=lambda each: (_lot(company, each.member), each.member.identity))
    return chosen, _of(question.available, "the fixed pick for this company"), None


def _fit(question: Question) -> Answer:
    """The most matches; those who have equally many are balanced."""
    reps, available = question.frame.pack.reps, question.available
    found = [
        matches_of(question.frame, reps.get(each.member.email), question.territory, question.facts)
        for each in available
    ]
    most = max(map(len, found))
    best = [each for each, matches in zip(available, found, strict=True) if len(matches) == most]
    chosen, why = _least_loaded(question, best)
    if len(available) == 1:
        return chosen, why, None
    fits = ", ".join(found[available.index(chosen)]) or "nothing in particular"
    text = f"the best fit of {len(available)} candidates ({fits})"
    if len(best) > 1:
        text += f", {why.partition(' of ')[0]} of {len(best)} equally fit"
    return chosen, text, None


def _lot(company: str, member: Member) -> float:
    text = f"{company}\n{member.identity}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    share = ((int.from_bytes(digest, "big") >> 11) + 0.5) / (1 << 53)
    return math.log(share) / float(member.weight) if member.weight > 0 else -math.inf


def _of(available: Sequence[Candidate], what: str) -> str:
    return f"{what} of {len(available)} candidates" if len(available) > 1 else "the only candidate"


METHODS: Mapping[str, Method] = {
    "first": _first,
    "balanced": _balanced,
    "rotate": _rotate,
    "stable": _stable,
    "fit": _fit,
}
