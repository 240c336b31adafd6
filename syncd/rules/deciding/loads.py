"""How much each rep of one role carries while a book is being decided: accounts, amounts, and accounts per territory.

Counts only what it is told; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from syncd.model.normalisation.numbers import EXACT
from syncd.rules.deciding.frame import measure
from syncd.rules.facts import Facts
from syncd.rules.pack import Territory

ZERO = Decimal(0)


class Loads:
    """The loads of one role. `measures` are the `balance_by` words whose amounts are summed beside the accounts."""

    def __init__(self, measures: Iterable[str] = ()) -> None:
        self._measures = tuple(sorted(set(measures) - {"accounts"}))
        self._accounts: dict[str, int] = {}
        self._amounts: dict[tuple[str, str], Decimal] = {}
        self._in_territory: dict[tuple[str, str], int] = {}
        self._in_band: dict[tuple[str, str, str], int] = {}

    def add(self, email: str, facts: Facts, path: tuple[Territory, ...]) -> None:
        """Count an account for a rep: in all measures, and in every territory of `path` that has a cap."""
        self._accounts[email] = self._accounts.get(email, 0) + 1
        for name in self._measures:
            self._amounts[name, email] = EXACT.add(self._amounts.get((name, email), ZERO), measure(facts, name))
        for territory in path:
            if territory.cap is not None:
                key = (territory.path, email)
                self._in_territory[key] = self._in_territory.get(key, 0) + 1
                banded = (territory.path, email, band_of(facts))
                self._in_band[banded] = self._in_band.get(banded, 0) + 1

    def accounts(self, email: str) -> int:
        """How many accounts a rep has."""
        return self._accounts.get(email, 0)

    def load(self, email: str, balance_by: str) -> Decimal:
        """A rep's load in one measure."""
        if balance_by == "accounts":
            return Decimal(self.accounts(email))
        return self._amounts.get((balance_by, email), ZERO)

    def in_territory(self, path: str, email: str) -> int:
        """How many accounts a rep has in a capped territory and below."""
        return self._in_territory.get((path, email), 0)

    def in_band(self, path: str, email: str, band: str) -> int:
        """How many accounts of one band a rep has in a capped territory and below."""
        return self._in_band.get((path, email, band), 0)


def band_of(facts: Facts) -> str:
    """The account's band, empty where it has none."""
    value = facts.values.get("band")
    return value if isinstance(value, str) else ""
