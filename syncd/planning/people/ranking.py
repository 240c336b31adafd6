"""Who should take an account over: candidates ranked by fit, likeness to whoever leaves, room, and disruption.

100 points: 30 for fit, 30 for likeness, 30 for room, 10 where the candidate knows the customer already; whoever has no
room left comes after all who have. Exact, so that equal input ranks alike; ties go to fewer accounts, then by e-mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from syncd.model.normalisation.texts import text
from syncd.planning.people.table import Table
from syncd.rules.deciding.fitness import matches_of
from syncd.rules.deciding.member import Member
from syncd.rules.deciding.methods import Candidate
from syncd.rules.pack import RepEntry

FIT, LIKENESS, ROOM, KNOWN = 30, 30, 30, 10
"""The most points for each."""
_NONE, _WHOLE = Fraction(0), Fraction(1)
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with their points and what earned them."""

    member: Member
    fit: Fraction
    likeness: Fraction
    room: Fraction
    known: Fraction
    accounts: int
    fits: tuple[str, ...]

    @property
    def email(self) -> str:
        """The rep's e-mail."""
        return self.member.email

    @property
    def points(self) -> Fraction:
        """All points, of 100."""
        return self.fit + self.likeness + self.room + self.known

    def entry(self) -> dict[str, Any]:
        """The candidate as the plan's document shows them."""
        parts = {"fit": self.fit, "likeness": self.likeness, "capacity": self.room, "disruption": self.known}
        return {
            "email": self.email,
            "points": shown(self.points),
            "parts": {name: shown(points) for name, points in parts.items()},
            "accounts": self.accounts,
            "fits": list(self.fits),
        }


def ranked(table: Table, company: str, asked: Sequence[Candidate], leaver: str) -> tuple[Ranked, ...]:
    """The candidates for an account, the best first."""
    facts, path = table.facts[company], table.path_of(company)
    fits = [matches_of(table.frame, table.entry(each.member.email), path[-1], facts) for each in asked]
    emails = [each.member.email for each in asked]
    beside = [table.held[email, path[-1].path] for email in emails]
    rooms = _rooms(table, emails)
    knowing = table.families.get(facts.head or facts.key, set()) | {each.owner for each in facts.opportunities}
    most_fits = max(map(len, fits), default=0)
    found = [
        Ranked(
            each.member,
            _of(Fraction(len(fits[index])), Fraction(most_fits)) * FIT,
            _likeness(table, email, leaver, Fraction(beside[index], beside[index] + 1)) * LIKENESS,
            rooms[index] * ROOM,
            Fraction(KNOWN if email in knowing else 0),
            table.loads.accounts(each.member.bearer),
            fits[index],
        )
        for index, (each, email) in enumerate(zip(asked, emails, strict=True))
    ]
    return tuple(sorted(found, key=lambda each: (not each.room, -each.points, each.accounts, each.email)))


def _of(part: Fraction, most: Fraction) -> Fraction:
    return part / most if most else _NONE


def _likeness(table: Table, email: str, leaver: str, same_territory: Fraction) -> Fraction:
    """How like the leaver's a rep's book and profile are: half for the same territory, half for what the pack says.

    Accounts in the territory count less and less, and only those from before the proposal: nobody is given the second
    because they were given the first.
    """
    mine, other = _profile(table.entry(email)), _profile(table.entry(leaver))
    if not other:
        return same_territory
    return (same_territory + Fraction(len(mine & other), len(mine | other))) / 2


def _profile(entry: RepEntry | None) -> frozenset[tuple[str, str]]:
    if entry is None:
        return frozenset()
    kinds = {"industry": entry.industries, "language": entry.languages, "skill": entry.skills}
    return frozenset((kind, text(word)) for kind, words in kinds.items() for word in words)


def _rooms(table: Table, emails: Sequence[str]) -> list[Fraction]:
    """The free share of each candidate's book: by their capacity, without one beside the fullest book asked."""
    counts = [table.loads.held(email) + 1 for email in emails]
    fullest = max(counts, default=1)
    found = []
    for email, count in zip(emails, counts, strict=True):
        room = table.room(email)
        most = Fraction(room) if room is not None else Fraction(fullest + 1)
        found.append(max(_WHOLE - Fraction(count) / most, _NONE) if most else _NONE)
    return found


def shown(points: Fraction) -> str:
    """Points for people, to tenths."""
    return f"{(Decimal(points.numerator) / Decimal(points.denominator)).quantize(_TENTH):f}"
