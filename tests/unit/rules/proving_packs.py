"""Small random packs and all accounts that their rules could tell apart, for holding proofs to brute force."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded: a pack is made again from its number
from typing import Any

from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import EvaluationContext

NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
NOWS = (NOW, NOW - timedelta(days=300), NOW + timedelta(days=200))
MOST_ACCOUNTS = 1500
VALUES: dict[str, tuple[Any, ...]] = {
    "country": ("DE", "AT", "US", "FR", None),
    "industry": ("banking", "insurance", "bank of x", "retail", "something", None),
    "employees": ("0", "50", "100", "150", "200", "250", "999", "1000", "1000.5", "5000", None),
    "postal_code": ("94105", "94199", "94200", "94999", "9410", "SW1A", "10115", "94150", None),
    "locked": ("true", "false", None),
    "open_stages": (("negotiation",), ("proposal",), ("negotiation", "proposal"), ("other",), None),
    "created_at": ("2026-11-30", "2026-11-01", "2026-10-01", "2026-01-01", "2025-01-01", "2027-03-01", None),
}
_MATCHERS: dict[str, tuple[Any, ...]] = {
    "country": (
        "DE",
        ["DE", "AT"],
        ["AT", "FR", "US"],
        {"none_of": ["DE", "US"]},
        "missing",
        "!= DE",
        ["missing", "DE"],
    ),
    "industry": (
        *("banking", "retail", "*bank*", "bank*", "*ing", "*n*", "b*g", "?etail", ["banking", "insurance"]),
        *(["*bank*", "retail"], {"contains": "an"}, {"starts_with": "bank"}, {"ends_with": "ing"}, "missing"),
        {"none_of": ["banking", "retail"]},
    ),
    "postal_code": (
        *("94*", "941*", "9410*", "94105", ["94105", "94199"], "94100..94199", "94000..94999", "94150..94250"),
        *({"starts_with": "94"}, "9?105", "missing", {"none_of": ["94105"]}),
    ),
    "locked": (True, False, "missing"),
    "open_stages": (
        *({"any_of": ["Negotiation"]}, {"any_of": ["Negotiation", "Proposal"]}, {"none_of": ["Negotiation"]}),
        *({"all_of": ["Negotiation", "Proposal"]}, {"none_of": ["Negotiation", "Proposal"]}),
    ),
    "created_at": (
        *(">= 2026-11-01", "< 2026-11-01", "2026-01-01..2026-10-31", {"last": "30d"}, {"last": "90d"}, "missing"),
        *({"older_than": "30d"}, {"older_than": "90d"}, {"not_since": "90d"}, {"in": "this_quarter"}),
        *({"in": "this_year"}, {"next": "1y"}),
    ),
}
_WINDOWS = (
    {"from": "2026-06-01"},
    {"until": "2026-12-31"},
    {"from": "2027-01-01"},
    {"from": "2026-06-01", "until": "2026-12-31"},
)


class PackMaker:
    """Makes one pack from a seed: the same seed, the same pack."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.fields = self._random.sample(sorted(VALUES), self._random.randint(1, 3))
        self._numbers = itertools.count(1)
        roots = [*self._level(1), {"name": "rest", "when": "always", "owners": "unassigned"}]
        self.text = json.dumps({"format": 1, "segments": {"some": self._condition(0)}, "territories": roots})

    def _matcher(self, name: str) -> Any:
        if name != "employees":
            return self._random.choice(_MATCHERS[name])
        low, high = sorted(self._random.sample([50, 100, 200, 250, 999, 1000], 2))
        written = (f">= {low}", f"> {low}", f"<= {low}", f"< {low}", f"{low}..{high}", f"..{low}", f"{high}..")
        others = (low, [low, high], f"!= {low}", [f"< {low}", f"> {high}"], "missing")
        return self._random.choice([*written, *others])

    def _condition(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for _ in range(self._random.choice([1, 1, 2, 2, 3])):
            kind = self._random.random()
            if kind < 0.75 or depth == 0:
                name = self._random.choice(self.fields)
                made[name] = self._matcher(name)
            elif kind < 0.83:
                made["any"] = [self._condition(depth - 1) for _ in range(self._random.randint(1, 3))]
            elif kind < 0.88:
                made["none"] = [self._condition(depth - 1) for _ in range(self._random.randint(1, 2))]
            elif kind < 0.93:
                made["not"] = self._condition(depth - 1)
            elif kind < 0.97:
                made["all"] = [self._condition(depth - 1) for _ in range(2)]
            else:
                made["in_segment"] = "some"
        return made

    def _level(self, depth: int) -> list[dict[str, Any]]:
        level = []
        for _ in range(self._random.randint(2, 4)):
            name = f"t{next(self._numbers)}"
            made: dict[str, Any] = {"name": name, "when": self._condition(2), "owners": "unassigned"}
            if self._random.random() < 0.12:
                made["effective"] = self._random.choice(_WINDOWS)
            if depth and self._random.random() < 0.35:
                made["territories"] = self._level(depth - 1)
            level.append(made)
        return level

    def accounts(self, derivation: Derivation) -> Iterator[tuple[Facts, EvaluationContext]]:
        """Every combination of the values that could matter, at several instants; a sample where they are too many."""
        combinations = list(itertools.product(NOWS, *(VALUES[name] for name in self.fields)))
        if len(combinations) > MOST_ACCOUNTS:
            combinations = self._random.sample(combinations, MOST_ACCOUNTS)
        for now, *values in combinations:
            raw = {name: value for name, value in zip(self.fields, values, strict=True) if value is not None}
            yield facts_from_raw("account", raw, derivation=derivation, now=now), EvaluationContext(now)
