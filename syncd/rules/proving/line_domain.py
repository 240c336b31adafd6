"""Numbers, amounts and dates as a domain: the cells of a line, and doubt about what moves with `now` or with rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from syncd.model.money import ConvertedAmount
from syncd.rules.facts import Value
from syncd.rules.matching.date_matchers import InSpan, NotInSpans
from syncd.rules.matching.matchers import EqualTo, InList, Interval, Matcher, NoneOf
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.proving.domains import COUNTS, MISSING, NO, YES, Domain, bits_of, is_constant
from syncd.rules.proving.lines import ZERO_CUT, Cut, DateScale, Line, Point, Scale
from syncd.rules.proving.logic import Box, Formula, Variables
from syncd.rules.proving.moments import date_relations, moments_of


class LineDomain(Domain):
    """Numbers, amounts or dates: cells between the bounds of the field's matchers."""

    def __init__(self, name: str, variables: Variables, matchers: Sequence[Matcher], scale: Scale) -> None:
        cuts = {cut for matcher in matchers for cut in _cuts(matcher)}
        whole = name in COUNTS
        # Amounts of several currencies stand in an order that the next table of rates may turn around.
        self._mixed = len({currency for matcher in matchers for currency in _currencies(matcher)}) > 1
        self.line = Line.cut_at(cuts | {ZERO_CUT} if whole else cuts)
        self.scale = scale
        super().__init__(name, variables, self.line.cells)
        if whole:
            self._leave_out_what_does_not_count()
        for variable, other, implied in date_relations(
            {self.doubt(each): each for each in matchers if self.exactly(each) is None and not is_constant(each)}
        ):
            variables.imply(variable, YES, other, YES if implied else NO)

    def _leave_out_what_does_not_count(self) -> None:
        """A count is a whole number and not below zero."""
        for cell in range(self.line.cells):
            low, high = self.line.ends(cell)
            if (low is None or low < ZERO_CUT) or next(self.scale.between(low, high), None) is None:
                self.full &= ~(2 << cell)
        self.variables.full[self.variable] = self.full

    def exactly(self, matcher: Matcher) -> Formula | None:
        """Comparisons, ranges, equality and fixed days; not what only a rate of money says."""
        if self._mixed and _currencies(matcher) - {None}:
            return None
        match matcher:
            case Interval() | EqualTo() | InSpan():
                return self.values(self._stretch(_span(matcher)))
            case InList(_, values):
                return self.values(self._points(values))
            case NoneOf(_, values):
                return self.values(~self._points(values) & ~MISSING)
            case NotInSpans(_, spans):
                inside = 0
                for start, end in spans:
                    inside |= self._stretch((_before(start), _before(end)))
                return self.values(~inside & ~MISSING)
            case _:
                return None

    def _stretch(self, span: tuple[Cut | None, Cut | None]) -> int:
        return self.line.between(*span) << 1

    def _points(self, values: Iterable[Value]) -> int:
        bits = 0
        for value in values:
            bits |= 2 << self.line.cell_of(cast("Point", value))
        return bits

    def shown(self, box: Box, context: EvaluationContext) -> Iterator[Value]:
        """Values from the cells of the box; of dates that move with `now`, those beside their edges."""
        values = box.get(self.variable, self.full) & ~MISSING
        if self.is_doubtful(box):
            for point in self._beside_doubts(context):
                inside = values >> (1 + self.line.cell_of(point)) & 1
                if inside and self.keeps_doubts(point, box, context):
                    yield point
        broken: list[Point] = []
        for cell in bits_of(values >> 1):
            kept = (
                value for value in self.scale.between(*self.line.ends(cell)) if self.keeps_doubts(value, box, context)
            )
            value = next(kept, None)
            if isinstance(value, Decimal) and value != value.to_integral_value():
                broken.append(value)
            elif value is not None:
                yield value
        yield from broken

    def _beside_doubts(self, context: EvaluationContext) -> Iterator[Point]:
        """Values on both sides of every bound that the line itself does not have."""
        if isinstance(self.scale, DateScale):
            yield from moments_of(self.doubtful.values(), context)
            return
        for matcher in self.doubtful.values():
            for bound, _ in _cuts(matcher):
                if isinstance(bound, Decimal):
                    yield from (bound, bound + 1, bound - 1)

    def bounds(self, cells: int) -> tuple[Cut | None, Cut | None]:
        """The ends of a stretch of neighbouring cells, given as bits without the one for missing."""
        first, last = (cells & -cells).bit_length() - 1, cells.bit_length() - 1
        return self.line.ends(first)[0], self.line.ends(last)[1]


def _currencies(matcher: Matcher) -> set[str | None]:
    """The currencies in which a matcher's amounts are written; None for the reporting one, nothing for zero."""
    amounts = [cut[0] for cut in _cuts(matcher)]
    return {amount.written[1] if isinstance(amount, ConvertedAmount) else None for amount in amounts if amount}


def _before(instant: datetime | None) -> Cut | None:
    return None if instant is None else (instant, 0)


def _span(matcher: Interval | EqualTo | InSpan) -> tuple[Cut | None, Cut | None]:
    match matcher:
        case EqualTo(_, value):
            return (cast("Point", value), 0), (cast("Point", value), 1)
        case InSpan(_, (start, end)):
            return _before(start), _before(end)
        case Interval(_, low, high, low_included, high_included):
            return (
                None if low is None else (low, 0 if low_included else 1),
                None if high is None else (high, 1 if high_included else 0),
            )


def _cuts(matcher: Matcher) -> Iterator[Cut]:
    spans: Iterable[tuple[Cut | None, Cut | None]]
    match matcher:
        case EqualTo() | Interval() | InSpan():
            spans = (_span(matcher),)
        case InList(_, values) | NoneOf(_, values):
            spans = (((cast("Point", value), 0), (cast("Point", value), 1)) for value in values)
        case NotInSpans(_, days):
            spans = ((_before(start), _before(end)) for start, end in days)
        case _:
            spans = ()
    for span in spans:
        yield from (cut for cut in span if cut is not None)
