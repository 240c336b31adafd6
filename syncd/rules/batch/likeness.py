"""Which values of a column no condition of a field can tell apart: one of each group is asked, for all of them.

What a matcher looks at is small: whether a text is one of some points, how it begins or ends, what it holds, between
which bounds a number lies. Values that are alike in all of that are alike in every answer. Knows the constants of the
matchers; the answers themselves are always the plain matchers', run on a value. A matcher that is not known here is
asked about every value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from syncd.rules.arrays import flags_of, numbers_array, places_of, texts_array
from syncd.rules.batch.packed import Numbers, Texts
from syncd.rules.classes.field_classes import FieldIndex
from syncd.rules.classes.identity import matchers_in
from syncd.rules.facts import Value
from syncd.rules.matching.matchers import (
    AllElements,
    AnyElement,
    Contains,
    EndsWith,
    EqualTo,
    Glob,
    InList,
    Interval,
    Matcher,
    Missing,
    NoElement,
    NoneOf,
    PostalRange,
    Present,
    StartsWith,
)
from syncd.rules.matching.time_window import EvaluationContext

Groups = NDArray[np.int64]
_LARGEST = 1 << 62
_ROOM = 1 << 20
"""Numbers of groups below this are looked up in an array rather than sorted."""
_SHORT_PATTERN = 4_000
"""Texts looked for that are together no longer than this make one pattern."""
FEW_TEXTS = 4_000
"""In fewer of them each part is looked for by itself."""
_WORTH, _SAMPLE = 0.8, 64
"""All parts are looked for at once where that leaves less than this share of the texts; a few tell which is common."""
_POINTS = (EqualTo, InList, NoneOf, AnyElement, AllElements, NoElement)
_SAME_FOR_ALL = (Missing, Present)


class Alike:
    """Values in groups, told by a number each; the groups become more as values turn out to differ."""

    def __init__(self, count: int) -> None:
        self._numbers: Groups = np.zeros(count, dtype=np.int64)
        self._most = 1

    def firsts(self) -> tuple[Groups, Groups]:
        """The first value of each group that occurs, and for each value the place of its group among those."""
        if self._most > max(_ROOM, len(self._numbers)):
            _, first, places = np.unique(self._numbers, return_index=True, return_inverse=True)
            return first, places
        first_of = np.full(self._most, -1, dtype=np.int64)
        first_of[self._numbers[::-1]] = np.arange(len(self._numbers) - 1, -1, -1)
        there = np.flatnonzero(first_of >= 0)
        place_of = np.empty(self._most, dtype=np.int64)
        place_of[there] = np.arange(len(there))
        return first_of[there], place_of[self._numbers]

    def split(self, places: Groups) -> None:
        """Part the values that have different numbers here; all of them are at least 0."""
        if not len(places):
            return
        most = int(places.max()) + 1
        if most == 1:
            return
        self._make_room(most)
        self._numbers = self._numbers + places * self._most if self._most > 1 else places
        self._most *= most

    def split_rows(self, rows: Groups) -> None:
        """Part these values from all others."""
        if not len(rows):
            return
        self._make_room(2)
        self._numbers[rows] += self._most
        self._most *= 2

    def _make_room(self, most: int) -> None:
        """Number the groups that occur anew before the numbers grow out of hand."""
        if self._most * most >= _LARGEST or self._most > _ROOM:
            first, self._numbers = self.firsts()
            self._most = len(first)


class Likeness:
    """The constants of one field's matchers, sorted by what they look at in a value."""

    def __init__(self, index: FieldIndex, context: EvaluationContext) -> None:
        self._context = context
        self._points: dict[Value, list[int]] = {}
        self._listed = 0
        self._beginnings: set[str] = set()
        self._ends: set[str] = set()
        self._parts: set[str] = set()
        self._globs: dict[str, Glob] = {}
        self._bounds: set[Decimal] = set()
        self._ranges: set[tuple[str, str]] = set()
        self._others: list[Matcher] = []
        for predicate in index.predicates:
            for condition in predicate.conditions:
                for matcher in matchers_in(condition):
                    self._take(matcher)

    def of_texts(self, texts: Texts) -> Alike:
        """The groups of texts that are alike."""
        groups = Alike(len(texts))
        array = texts.array.cast(pa.string()) if pa.types.is_large_string(texts.array.type) else texts.array
        # A null, of which nobody asks, is told like an empty text, which begins, ends and holds nothing.
        array = pc.fill_null(array, "") if array.null_count and "" in self._points else array
        groups.split(self._listings_of(array))
        data = array.cast(pa.binary())
        for places in _edges_of(data, self._beginnings, lambda size: pc.binary_slice(data, 0, size)):
            groups.split(places)
        for places in _edges_of(data, self._ends, lambda size: pc.binary_slice(data, -size)):
            groups.split(places)
        self._split_by_ranges(groups, array)
        self._split_by_parts(groups, array)
        for matcher in self._others:
            groups.split(self._asked(matcher, texts, np.arange(len(texts))))
        return groups

    def of_numbers(self, numbers: Numbers) -> Alike:
        """The same of numbers: two between the same bounds are alike."""
        groups = Alike(len(numbers))
        scale = Decimal(10) ** numbers.digits
        points = {Decimal(point) for point in self._points if isinstance(point, Decimal | bool)}
        steps: set[int] = set()
        for bound in self._bounds | points:
            scaled = bound * scale
            above = int(scaled.to_integral_value(ROUND_CEILING))
            steps |= {above, above + 1} if above == scaled else {above}
        edges = np.array(sorted(step for step in steps if -_LARGEST < step < _LARGEST), dtype=np.int64)
        groups.split(np.searchsorted(edges, numbers.units, side="right").astype(np.int64))
        for matcher in (*self._others, *self._globs.values()):
            groups.split(self._asked(matcher, numbers, np.arange(len(numbers))))
        return groups

    def _take(self, matcher: Matcher) -> None:
        # By exact type, as the classes do: what derives from a known matcher may look at more.
        kind = type(matcher)
        if isinstance(matcher, EqualTo) and kind is EqualTo:
            self._take_points((matcher.value,))
        elif isinstance(matcher, InList | NoneOf | AnyElement | AllElements | NoElement) and kind in _POINTS:
            self._take_points(matcher.values)
        elif isinstance(matcher, Interval) and kind is Interval:
            self._bounds |= {bound for bound in (matcher.low, matcher.high) if bound is not None}
        elif isinstance(matcher, PostalRange) and kind is PostalRange:
            self._ranges.add((matcher.low, matcher.high))
        elif isinstance(matcher, StartsWith) and kind is StartsWith:
            self._beginnings.add(matcher.part)
        elif isinstance(matcher, EndsWith) and kind is EndsWith:
            self._ends.add(matcher.part)
        elif isinstance(matcher, Contains) and kind is Contains:
            self._parts.add(matcher.part)
        elif isinstance(matcher, Glob) and kind is Glob:
            self._take_glob(matcher)
        elif kind not in _SAME_FOR_ALL:
            self._others.append(matcher)

    def _take_glob(self, glob: Glob) -> None:
        inner = glob.pattern.strip("*")
        plain = "*" not in inner and "?" not in inner
        before, after = glob.pattern.startswith("*"), glob.pattern.endswith("*")
        if not plain or not inner:
            self._globs[glob.pattern] = glob
        elif before and after:
            self._parts.add(inner)
        elif before:
            self._ends.add(inner)
        elif after:
            self._beginnings.add(inner)
        else:
            self._take_points((inner,))

    def _take_points(self, points: Iterable[Value]) -> None:
        self._listed += 1
        for point in points:
            self._points.setdefault(point, []).append(self._listed)

    def _listings_of(self, array: pa.Array) -> Groups:
        """For each text by which matchers it is listed, as a number; 0 for a text that is nobody's point.

        Points of the same matchers are alike: whoever lists values looks at nothing but whether one is among them.
        """
        points = sorted(point for point in self._points if isinstance(point, str))
        numbers: dict[tuple[int, ...], int] = {}
        of_point = [numbers.setdefault(tuple(self._points[point]), len(numbers) + 1) for point in points]
        return np.array([0, *of_point], dtype=np.int64)[_places_in(array, points)]

    def _split_by_ranges(self, groups: Alike, array: pa.Array) -> None:
        for size in sorted({len(low) for low, _ in self._ranges}):
            ends = sorted({end for pair in self._ranges if len(pair[0]) == size for end in pair})
            digits = pc.match_substring_regex(array, f"^[0-9]{{{size}}}$")
            rows = np.flatnonzero(flags_of(digits))
            found = np.full(len(array), 0, dtype=np.int64)
            codes = np.asarray(array.take(numbers_array(rows)).to_pylist(), dtype=f"S{size}") if len(rows) else rows
            edges = np.array([end.encode() for end in ends], dtype=f"S{max(len(end.encode()) for end in ends)}")
            if len(rows):
                left = np.searchsorted(edges, codes, side="left")
                found[rows] = 1 + left + np.searchsorted(edges, codes, side="right")
            groups.split(found)

    def _split_by_parts(self, groups: Alike, array: pa.Array) -> None:
        literals = {glob.pattern: _longest_literal(glob.pattern) for glob in self._globs.values()}
        looked_for = sorted(part for part in {*self._parts, *literals.values()} if part)
        rows = _holders_of(array, looked_for)
        for part in sorted(part for part in self._parts if part):
            groups.split_rows(rows[part])
        for pattern, literal in literals.items():
            near = rows[literal] if literal else np.arange(len(array))
            groups.split(self._asked(self._globs[pattern], Texts(array), near))

    def _asked(self, matcher: Matcher, values: Sequence[Value], rows: NDArray[np.int64]) -> Groups:
        """What a matcher says of some of the values; of the others it is known to be false."""
        found = np.zeros(len(values), dtype=np.int64)
        for row in rows.tolist():
            found[row] = matcher.matches(values[row], self._context)
        return found


def _places_in(array: pa.Array, points: list[str]) -> Groups:
    """Which of the points each value is, from 1; 0 for none."""
    if not points:
        return np.zeros(len(array), dtype=np.int64)
    found = pc.index_in(array, value_set=texts_array(points))
    return places_of(found) + 1


def _edges_of(data: pa.Array, edges: Iterable[str], cut: Callable[[int], pa.Array]) -> Iterator[Groups]:
    """For each length of the edges which of them a value has; UTF-8 begins and ends alike in bytes and characters."""
    by_size: dict[int, list[bytes]] = {}
    for edge in edges:
        if edge:
            by_size.setdefault(len(edge.encode()), []).append(edge.encode())
    for size, same in sorted(by_size.items()):
        found = pc.index_in(cut(size), value_set=texts_array([each.decode() for each in sorted(same)]).cast(data.type))
        yield places_of(found) + 1


def _holders_of(array: pa.Array, parts: Sequence[str]) -> dict[str, Groups]:
    """The rows that hold each of the parts.

    Each is looked for only where some part is. One that many rows hold is taken out first: where the rare ones are, few
    rows are left to look at.
    """
    found: dict[str, Groups] = {}
    left, rows, some = list(parts), np.arange(len(array)), array
    while len(left) > 1:
        near, looked_at = _holding_any(some, left), len(some)
        rows, some = rows[near], some.take(numbers_array(near))
        if len(some) < FEW_TEXTS or len(some) > _WORTH * looked_at:
            break
        common = _commonest(some, left)
        found[common] = rows[_holding(some, common)]
        left.remove(common)
    return found | {part: rows[_holding(some, part)] for part in left}


def _commonest(array: pa.Array, parts: Sequence[str]) -> str:
    """The part that most of a few texts hold, out of all of them evenly."""
    step = max(1, len(array) // _SAMPLE)
    texts = [text or "" for text in array.take(numbers_array(np.arange(0, len(array), step))).to_pylist()]
    return max(parts, key=lambda part: sum(part in text for text in texts))


def _holding(array: pa.Array, part: str) -> Groups:
    return np.flatnonzero(flags_of(pc.match_substring(array, part)))


def _holding_any(array: pa.Array, parts: list[str]) -> NDArray[np.int64]:
    """The rows that hold some of the parts."""
    if not parts:
        return np.empty(0, dtype=np.int64)
    if len(parts) == 1:
        return _holding(array, parts[0])
    if sum(map(len, parts)) <= _SHORT_PATTERN:
        return np.flatnonzero(flags_of(pc.match_substring_regex(array, "|".join(map(_quoted, parts)))))
    import polars as pl  # as long to load as all the rest of a small plan takes

    held = pl.Series(array).str.contains_any(parts).fill_null(value=False)
    return np.flatnonzero(held.to_numpy())


def _quoted(part: str) -> str:
    """A text as a pattern of RE2 that matches nothing else."""
    return "".join(f"\\x{{{ord(char):x}}}" if char.isascii() and not char.isalnum() else char for char in part)


def _longest_literal(pattern: str) -> str:
    return max(pattern.replace("?", "*").split("*"), key=len)
