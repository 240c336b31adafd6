"""Example accounts: raw values by field name, as a test of the pack could write them, that lie in a box.

Every example is read by the same derivation as a test case and asked by the plain matcher before it is shown. Where no
example can be made, nothing is claimed by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from syncd.clock import iso
from syncd.model.fields import FieldType
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.time_window import EvaluationContext, local_midnight
from syncd.rules.pack import Pack
from syncd.rules.proving.domains import NEVER_MISSING, Domain
from syncd.rules.proving.logic import Box, Budget
from syncd.rules.proving.space import Space
from syncd.rules.scoring import graded

_MOST_TRIED = 16
_MOST_PER_FIELD = 6
_COST = 60
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._@+/-]*")
_WORDS = frozenset({"true", "false", "null", "missing", "always"})
_NUMERIC = frozenset({FieldType.NUMBER, FieldType.MONEY, FieldType.BOOLEAN, FieldType.DATE})

Raw = str | tuple[str, ...]
Check = Callable[[Facts, EvaluationContext], bool]


@dataclass(frozen=True, slots=True)
class Example:
    """An account as the `account` of a test, and the `now` at which it shows what is said of it."""

    account: Mapping[str, Raw]
    now: datetime
    written: str

    def __str__(self) -> str:
        return self.written


class Examples:
    """Makes and checks examples in a space; `derivation` is how the pack and the settings read raw values."""

    def __init__(self, pack: Pack, space: Space, derivation: Derivation, now: datetime, budget: Budget) -> None:
        self._pack = pack
        self._space = space
        self._derivation = derivation
        self._now = now
        self._budget = budget

    def of(self, box: Box, check: Check, cost: int = 0) -> Example | None:
        """An account of the box for which `check` is true, or None; `cost` is the check's, in steps."""
        now = self._space.calendar.instant(box, self._now)
        if now is None or self._space.needs_opportunity(box):
            return None
        context = replace(self._space.context, now=now)
        for values in islice(self._values(box, context), _MOST_TRIED):
            self._budget.spend(_COST + cost)
            account = {name: self._raw(value) for name, value in values.items()}
            read = facts_from_raw("example", account, derivation=self._derivation, now=now)
            facts = next(graded(self._pack, (read,), now))
            if check(facts, context):
                return Example(account, now, self._written(account))
        return None

    def is_plausible(self, box: Box) -> bool:
        """Whether each field that the box names has a value to show: all that an exact box needs to have an account."""
        if self._space.calendar.instant(box, self._now) is None:
            return False
        return all(
            domain.allows_missing(box) or next(domain.shown(box, self._space.context), None) is not None
            for domain in self._space.domains.values()
            if domain.touched(box)
        )

    def _values(self, box: Box, context: EvaluationContext) -> Iterator[dict[str, Value]]:
        """Ways to fill the fields: the likeliest first, then one field changed at a time."""
        choices = {
            name: found
            for name, domain in sorted(self._space.domains.items())
            if (found := self._choices(domain, box, context)) is not None
        }
        if not all(choices.values()):
            return
        first = {name: found[0] for name, found in choices.items()}
        yield _present(first)
        for name, found in choices.items():
            for other in found[1:]:
                yield _present({**first, name: other})

    def _choices(self, domain: Domain, box: Box, context: EvaluationContext) -> list[Value | None] | None:
        """Values for one field, None among them for a missing one; None where the field can be left out."""
        if not domain.touched(box):
            return None
        found: list[Value | None] = list(islice(domain.shown(box, context), _MOST_PER_FIELD))
        if domain.allows_missing(box):
            return [None, *found]
        if domain.name in NEVER_MISSING and not found:
            return None
        return found

    def _raw(self, value: Value) -> Raw:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, datetime):
            local = value.astimezone(self._space.context.zone)
            midnight = local_midnight(local.date(), self._space.context.zone)
            return local.date().isoformat() if midnight == value else iso(value.astimezone(UTC))
        return value if isinstance(value, str) else tuple(sorted(value))

    def _written(self, account: Mapping[str, Raw]) -> str:
        types = self._derivation.catalogue.account
        parts = (f"{name}: {_yaml(raw, types.get(name) in _NUMERIC)}" for name, raw in account.items())
        return "{" + ", ".join(parts) + "}"


def _present(values: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def _yaml(raw: Raw, numeric: bool) -> str:
    if isinstance(raw, tuple):
        return "[" + ", ".join(_yaml(each, numeric) for each in raw) + "]"
    if numeric or (_PLAIN.fullmatch(raw) and raw.lower() not in _WORDS and raw == raw.strip()):
        return raw
    return json.dumps(raw, ensure_ascii=False)
