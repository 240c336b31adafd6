"""The boolean filter of an assignment rule, `1 AND (2 OR NOT 3)`, and a whole rule as one condition of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from syncd.errors import Place
from syncd.jobs.importing.clauses import Clause, FieldNames, NotCarriedError, clause, values_of
from syncd.jobs.importing.exports import Item, Rule
from syncd.model.fields import FieldType
from syncd.model.normalisation import country
from syncd.rules.formatting.yaml_text import Quoted, Value

_TOKEN = re.compile(r"\s*(\(|\)|\d+|AND|OR|NOT)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule as a condition; None matches everything. `lost` are the parts that the condition lacks, with places.

    Where something is lost the condition is wider than the rule, never narrower.
    """

    condition: Clause | None
    lost: tuple[tuple[Place, str], ...]


def read_rule(rule: Rule, names: FieldNames, home: str | None) -> Reading:
    """A rule as a condition, as far as it can be said."""
    lost: list[tuple[Place, str]] = []
    items, ranges = _with_ranges(rule, names)
    home = _only_country(rule.items, names) or home

    def read(number: int) -> Clause | None:
        item = next((each for each in items if each.order == number), None)
        if item is None:
            return ranges.get(number)
        try:
            return clause(item, names, home)
        except NotCarriedError as error:
            lost.append((item.place, f"{item.field} {item.operation} {item.value}".strip() + f": {error}"))
            return None

    if not rule.logic.strip():
        numbers = sorted([each.order for each in items] + list(ranges))
        return Reading(together([read(number) for number in numbers]), tuple(lost))
    try:
        condition = _Filter(rule.logic, read).expression()
    except NotCarriedError as error:
        return Reading(None, ((rule.place, str(error)),))
    return Reading(condition, tuple(lost))


def together(clauses: list[Clause | None]) -> Clause | None:
    """All of these; what is not known is left out, which widens it."""
    known = [each for each in clauses if each is not None]
    merged: Clause = {}
    rest: list[Value] = []
    for each in known:
        if not merged.keys() & each.keys():
            merged |= each
        elif each not in rest:
            rest.append(each)
    if not rest:
        return merged or None
    return {**merged, "all": [*_listed(merged.pop("all", [])), *rest]}


def either(clauses: list[Clause | None]) -> Clause | None:
    """Any of these; one that is not known makes it everything."""
    known = [each for each in clauses if each is not None]
    if len(known) < len(clauses) or not known:
        return None
    return known[0] if len(known) == 1 else {"any": list(known)}


def _listed(value: Value) -> list[Value]:
    return list(value) if isinstance(value, list) else [value]


def _only_country(items: tuple[Item, ...], names: FieldNames) -> str | None:
    """The one country that a rule names, which its states are then in."""
    found = {
        country(value)
        for item in items
        if names.ours.get(item.field.rpartition(".")[2].casefold()) == "country"
        and item.operation.casefold() in ("equals", "contains")
        for value in values_of(item.value)
    }
    return found.pop() if len(found) == 1 else None


def _with_ranges(rule: Rule, names: FieldNames) -> tuple[list[Item], dict[int, Clause]]:
    """The items without those pairs that fence in postal codes, and these pairs as ranges, by the first one's number.

    Only where all items must hold, and both ends have as many digits: there text and numbers agree.
    """
    items = list(rule.items)
    if rule.logic.strip():
        return items, {}
    fences = {
        re.sub(r"[^a-z]", "", item.operation.casefold()): item
        for item in items
        if names.types.get(names.ours.get(item.field.rpartition(".")[2].casefold(), "")) is FieldType.POSTAL_CODE
    }
    low, high = fences.get("greaterorequal"), fences.get("lessorequal")
    if low is None or high is None or low.field != high.field:
        return items, {}
    if not (low.value.isdecimal() and high.value.isdecimal() and len(low.value) == len(high.value)):
        return items, {}
    left = [item for item in items if item is not low and item is not high]
    name = names.ours[low.field.rpartition(".")[2].casefold()]
    return left, {low.order: {name: Quoted(f"{low.value}..{high.value}")}}


class _Filter:
    """Reads a boolean filter; a number stands for an item."""

    def __init__(self, text: str, read: Callable[[int], Clause | None]) -> None:
        self._tokens = [found.group(1).upper() for found in _TOKEN.finditer(text)]
        if "".join(_TOKEN.sub("", text).split()):
            raise NotCarriedError(f"the filter {text!r} cannot be read")
        self._text, self._read, self._at = text, read, 0

    def expression(self) -> Clause | None:
        """The whole filter; NotCarriedError where it is none."""
        found = self._or()
        if self._at < len(self._tokens):
            raise NotCarriedError(f"the filter {self._text!r} cannot be read")
        return found

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise NotCarriedError(f"the filter {self._text!r} ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _follows(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == word:
            self._at += 1
            return True
        return False

    def _or(self) -> Clause | None:
        found = [self._and()]
        while self._follows("OR"):
            found.append(self._and())
        return found[0] if len(found) == 1 else either(found)

    def _and(self) -> Clause | None:
        found = [self._one()]
        while self._follows("AND"):
            found.append(self._one())
        return found[0] if len(found) == 1 else together(found)

    def _one(self) -> Clause | None:
        word = self._next()
        if word == "NOT":
            before = self._at
            inner = self._one()
            known = inner is not None and self._whole(before)
            return {"not": inner} if known and inner is not None else None
        if word == "(":
            found = self._or()
            if self._next() != ")":
                raise NotCarriedError(f"the filter {self._text!r} lacks a bracket")
            return found
        if not word.isdecimal():
            raise NotCarriedError(f"the filter {self._text!r} cannot be read")
        return self._read(int(word))

    def _whole(self, start: int) -> bool:
        """Whether every item since `start` is known: what is wider inside `not` would be narrower outside."""
        numbers = [int(token) for token in self._tokens[start : self._at] if token.isdecimal()]
        return all(self._read(number) is not None for number in numbers)
