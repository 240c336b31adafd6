"""Claims: what was proved of a pack, each a finding with the example account that shows it; and what stayed open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.errors import Finding, Place, Severity
from syncd.rules.proving.examples import Example

MOST_COUNTED = 100
"""How many claims of one kind are looked for in a role's tree, beside territories that nobody reaches."""
MOST_SHOWN = 25
"""How many claims of one code are told one by one; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One finding and, where it is about accounts that exist, an account that shows it.

    `subjects` are the paths of the territories that it is about, the accused first.
    """

    finding: Finding
    example: Example | None = None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A territory of which it could not be said whether any account reaches it; `why` ends "… because"."""

    path: str
    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class Proof:
    """All claims in the order of the files, how many territories were decided, and which were not."""

    claims: tuple[Claim, ...] = ()
    decided: int = 0
    undecided: tuple[Undecided, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the claims."""
        return tuple(claim.finding for claim in self.claims)


def claim(
    code: str,
    severity: Severity,
    message: str,
    place: Place | None,
    hint: str | None = None,
    example: Example | None = None,
    subjects: Sequence[str] = (),
) -> Claim:
    """A claim with its example written into the hint."""
    shown = None if example is None else f"for example {example}"
    said = "; ".join(part for part in (hint, shown) if part) or None
    return Claim(Finding(code, severity, message, place, said), example, tuple(subjects))


def withheld(claims: Iterable[Claim]) -> list[Claim]:
    """The first claims of each code, and for the rest one that counts them."""
    kept: list[Claim] = []
    more: dict[str, list[Claim]] = {}
    count: dict[str, int] = {}
    for each in claims:
        code = each.finding.code
        count[code] = count.get(code, 0) + 1
        if count[code] <= MOST_SHOWN:
            kept.append(each)
        else:
            more.setdefault(code, []).append(each)
    for code, rest in more.items():
        first = rest[0].finding
        worst = next((each.finding.severity for each in rest if each.finding.severity is Severity.WARNING), None)
        number = f"{len(rest)} or more others" if count[code] == MOST_COUNTED else f"{len(rest)} others"
        message = f"{number} like this are not shown; the first of them: {first.message}"
        kept.append(Claim(Finding(code, worst or first.severity, message, first.place, first.hint)))
    return kept


def named(texts: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    shown = list(texts[:most])
    if len(texts) > most:
        return f"{', '.join(shown)} and {len(texts) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
