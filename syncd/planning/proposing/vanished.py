"""Territories that accounts were given by and the pack does not know any more: names gone without `was:`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from syncd.errors import Finding, Severity
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack


def vanished_territories(pack: Pack, facts: Iterable[Facts]) -> tuple[Finding, ...]:
    """A warning SYN551 for each territory name that holds accounts by the ledger and is not in the pack.

    A territory that carries the name in its `was:` has taken it over. RULES.md section 1 asks for the warning: without
    it a renamed territory forgets whom it picked.
    """
    known: set[tuple[str, str]] = set()
    for role in pack.roles:
        for territory in pack.territories(role):
            known |= {(role, name) for name in (territory.name, territory.was) if name}
    counts: Counter[tuple[str, str]] = Counter()
    for one in facts:
        for role, applied in one.applied.items():
            name = (applied.territory or "").rpartition("/")[2]
            if name and (role, name) not in known:
                counts[role, name] += 1
    return tuple(
        Finding(
            "SYN551",
            Severity.WARNING,
            f"territory {name!r} of role {role} is not in the pack any more and holds {count} account"
            + ("s" if count != 1 else ""),
            hint=f"was it renamed? write `was: {name}` on its successor, so that it keeps whom it picked",
        )
        for (role, name), count in sorted(counts.items())
    )
