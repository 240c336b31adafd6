"""Texts: classes of values that no rule on the field tells apart, found from what its rules list and how they begin.

Listed values, beginnings (`941*`) and ranges of postal codes make exact classes. Of the other patterns a class knows
whether all its values fit, none fits, or it cannot be said. Knows no fields or conditions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from syncd.rules.matching.matchers import Matcher, PostalRange
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.patterns import MANY, Pattern, can_meet, inside

_MOST_TESTED = 200_000
_MOST_REPRESENTATIVES = 4
_TRIED_IN_A_RANGE = 40
_MOST_COMPARED = 4_000_000

Key = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[bool | None, ...]]
"""Which value sets, beginnings and ranges hold of a class, and each other pattern's truth there, None for unknown."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules on one field compare it with; positions in these sequences are how results name them."""

    sets: Sequence[frozenset[str]] = ()
    beginnings: Sequence[str] = ()
    ranges: Sequence[PostalRange] = ()
    patterns: Sequence[tuple[Matcher, Pattern | None]] = ()


@dataclass(slots=True)
class Classes:
    """The classes of a field's values, numbered from 0, and which of them each rule holds of, as bits."""

    keys: dict[Key, int] = field(default_factory=dict)
    representatives: list[list[str]] = field(default_factory=list)
    sets: list[int] = field(default_factory=list)
    beginnings: list[int] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    fits: list[int] = field(default_factory=list)
    misfits: list[int] = field(default_factory=list)


class TextClassifier:
    """Finds the classes of one field; `spare` are values to show for "another value", the likeliest first."""

    def __init__(self, rules: Rules, spare: Sequence[str], context: EvaluationContext) -> None:
        self._rules = rules
        self._spare = spare
        self._context = context
        self._listed: dict[str, list[int]] = {}
        for number, values in enumerate(rules.sets):
            for value in sorted(values):  # a set's own order differs from run to run
                self._listed.setdefault(value, []).append(number)
        self._tested = len(self._listed) * len(rules.patterns) <= _MOST_TESTED
        self._beginnings = {text: number for number, text in enumerate(rules.beginnings)}
        self._lengths = sorted({len(text) for text in rules.beginnings})
        self._cuts = {length: self._cuts_of(length) for length in sorted({len(each.low) for each in rules.ranges})}
        self._covering = {length: self._covering_of(length) for length in self._cuts}
        self._unlisted: dict[str, tuple[bool | None, ...]] = {}
        self.classes = self._classes()

    def class_of(self, value: str) -> int | None:
        """The class of a value."""
        return self.classes.keys.get(self._key(value))

    def _key(self, value: str) -> Key:
        begun = self._begun(value)
        ranges = self._ranges_of(value)
        sets = self._listed.get(value)
        if sets is None:
            return (), begun, ranges, self._unlisted_fits(begun)
        return tuple(sets), begun, ranges, self._listed_fits(value)

    def _begun(self, value: str) -> tuple[int, ...]:
        known = self._beginnings
        return tuple(
            known[value[:length]] for length in self._lengths if length <= len(value) and value[:length] in known
        )

    def _listed_fits(self, value: str) -> tuple[bool | None, ...]:
        if not self._tested:
            return (None,) * len(self._rules.patterns)
        return tuple(matcher.matches(value, self._context) for matcher, _ in self._rules.patterns)

    def _unlisted_fits(self, begun: tuple[int, ...]) -> tuple[bool | None, ...]:
        """What can be said of all values with this longest beginning."""
        start = self._rules.beginnings[begun[-1]] if begun else ""
        if start not in self._unlisted:
            whole: Pattern = (*start, MANY)
            self._unlisted[start] = tuple(_fit(whole, pattern) for _, pattern in self._rules.patterns)
        return self._unlisted[start]

    # Ranges of postal codes: digits, as many as both ends have

    def _cuts_of(self, length: int) -> list[int]:
        cuts = {0, 10**length}
        for each in self._rules.ranges:
            if len(each.low) == length:
                cuts |= {int(each.low), int(each.high) + 1}
        for text in self._rules.beginnings:
            if len(text) <= length and text.isascii() and text.isdigit():
                step = 10 ** (length - len(text))
                cuts |= {int(text) * step, (int(text) + 1) * step}
        return sorted(cuts)

    def _covering_of(self, length: int) -> list[tuple[int, ...]]:
        """The ranges over each stretch between two cuts."""
        starts: dict[int, list[int]] = {}
        ends: dict[int, list[int]] = {}
        for number, each in enumerate(self._rules.ranges):
            if len(each.low) == length:
                starts.setdefault(int(each.low), []).append(number)
                ends.setdefault(int(each.high) + 1, []).append(number)
        over: set[int] = set()
        covering = []
        for cut in self._cuts[length][:-1]:
            over.difference_update(ends.get(cut, ()))
            over.update(starts.get(cut, ()))
            covering.append(tuple(sorted(over)))
        return covering

    def _ranges_of(self, value: str) -> tuple[int, ...]:
        cuts = self._cuts.get(len(value))
        if cuts is None or not (value.isascii() and value.isdigit()):
            return ()
        return self._covering[len(value)][bisect_right(cuts, int(value)) - 1]

    # Classes

    def _classes(self) -> Classes:
        found = Classes()
        for value in self._listed:
            self._add(found, self._key(value), (value,))
        for text in self._beginnings:
            begun = self._begun(text)
            self._add(found, ((), begun, (), self._unlisted_fits(begun)), _extended(text))
        for length, cuts in self._cuts.items():
            for key, values in self._stretches(length, cuts):
                self._add(found, key, values)
        self._add(found, ((), (), (), self._unlisted_fits(())), self._spare)
        self._number(found)
        return found

    def _stretches(self, length: int, cuts: list[int]) -> Iterator[tuple[Key, Iterable[str]]]:
        """The codes between two cuts that are not listed; a stretch whose codes are all listed is none."""
        listed = sorted(
            int(value) for value in self._listed if len(value) == length and value.isascii() and value.isdigit()
        )
        for low, high in pairwise(cuts):
            known = bisect_right(listed, high - 1) - bisect_right(listed, low - 1)
            if known == high - low:
                continue
            shown = [f"{code:0{length}d}" for code in range(low, min(high, low + known + _TRIED_IN_A_RANGE))]
            unlisted = [code for code in shown if code not in self._listed]
            begun = self._begun(unlisted[0])
            yield ((), begun, self._ranges_of(unlisted[0]), self._unlisted_fits(begun)), unlisted

    def _add(self, found: Classes, key: Key, values: Iterable[str]) -> None:
        number = found.keys.setdefault(key, len(found.keys))
        if number == len(found.representatives):
            found.representatives.append([])
        shown = found.representatives[number]
        for value in values:
            if len(shown) == _MOST_REPRESENTATIVES:
                return
            if value not in shown and self._key(value) == key:
                shown.append(value)

    def _number(self, found: Classes) -> None:
        rules = self._rules
        found.sets, found.beginnings = [0] * len(rules.sets), [0] * len(rules.beginnings)
        found.ranges = [0] * len(rules.ranges)
        found.fits, found.misfits = [0] * len(rules.patterns), [0] * len(rules.patterns)
        for (sets, begun, ranges, fits), number in found.keys.items():
            bit = 1 << number
            for each, into in ((sets, found.sets), (begun, found.beginnings), (ranges, found.ranges)):
                for position in each:
                    into[position] |= bit
            for position, fit in enumerate(fits):
                if fit is not None:
                    (found.fits if fit else found.misfits)[position] |= bit


def _fit(whole: Pattern, pattern: Pattern | None) -> bool | None:
    if pattern is None:
        return None
    if inside(whole, pattern):
        return True
    return None if can_meet(whole, pattern) else False


def _extended(text: str) -> Iterator[str]:
    """Texts with this beginning: digits up to five first, as postal codes have them."""
    if text.isascii() and text.isdigit():
        for filling in "019":
            yield text.ljust(5, filling)
    yield text
    for filling in ("x", "z", "0", "x.com", "xx.com", "Z", "X"):
        yield text + filling


def relations(patterns: Mapping[int, Pattern]) -> Iterator[tuple[int, int, bool]]:
    """Pairs of patterns of which the first implies the second (True) or rules it out (False).

    None at all where comparing them would take too long.
    """
    if sum(map(len, patterns.values())) ** 2 > _MOST_COMPARED:
        return
    for first, one in patterns.items():
        for second, other in patterns.items():
            if first == second:
                continue
            if inside(one, other):
                yield first, second, True
            elif first < second and not can_meet(one, other):
                yield first, second, False
