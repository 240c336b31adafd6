"""Matchers of dates: fixed days and spans, and those that move with `now`.

A day without a time is its local midnight; `<=` a day includes that day, so every fixed test is a half-open span.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncd.rules.facts import Value
from syncd.rules.matching.matchers import Matcher
from syncd.rules.matching.time_window import (
    TICK,
    Duration,
    EvaluationContext,
    Period,
    earliest,
    enters_future,
    future_edge,
    leaves_past,
    local_day,
    local_midnight,
    past_edge,
    period_window,
    shifted_day,
    shifted_instant,
)

Span = tuple[datetime | None, datetime | None]
"""Start, included, and end, not included; None is an open end."""


def _after(now: datetime, *instants: datetime | None) -> datetime | None:
    return earliest(instant for instant in instants if instant is not None and instant > now)


def _inside(value: datetime, span: Span) -> bool:
    start, end = span
    return (start is None or value >= start) and (end is None or value < end)


@dataclass(frozen=True, slots=True)
class InSpan(Matcher):
    """The date lies in a fixed span: a day, a comparison or a range."""

    span: Span

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a date inside."""
        return isinstance(value, datetime) and _inside(value, self.span)


@dataclass(frozen=True, slots=True)
class NotInSpans(Matcher):
    """There is a date and it lies in none of these days."""

    spans: tuple[Span, ...]

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:  # noqa: ARG002
        """True of a date outside all of them."""
        return isinstance(value, datetime) and not any(_inside(value, span) for span in self.spans)


@dataclass(frozen=True, slots=True)
class Last(Matcher):
    """From so long ago to now."""

    duration: Duration

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True of a date between the past edge and now."""
        return isinstance(value, datetime) and past_edge(self.duration, context) <= value <= context.now

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """When the date comes to pass, or when it falls out of the window."""
        if not isinstance(value, datetime):
            return None
        return _after(context.now, value, leaves_past(value, self.duration, context))


@dataclass(frozen=True, slots=True)
class Next(Matcher):
    """From now to so far ahead; a date without a time counts until its day is over."""

    duration: Duration

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True of a date between now and the future edge."""
        if not isinstance(value, datetime) or value >= future_edge(self.duration, context):
            return False
        return value >= context.now or value == local_midnight(local_day(context.now, context.zone), context.zone)

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """When the date comes near enough, or when it is over."""
        if not isinstance(value, datetime):
            return None
        day = local_day(value, context.zone)
        whole_day = value == local_midnight(day, context.zone)
        # A whole day counts in the clock's sense until it begins and in the calendar's until it ends.
        over = local_midnight(shifted_day(day, 1, "d"), context.zone) if whole_day else shifted_instant(value, TICK)
        return _after(context.now, enters_future(value, self.duration, context), over)


@dataclass(frozen=True, slots=True)
class OlderThan(Matcher):
    """Before so long ago."""

    duration: Duration

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True of a date before the past edge."""
        return isinstance(value, datetime) and value < past_edge(self.duration, context)

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """When the date becomes that old."""
        if not isinstance(value, datetime):
            return None
        return _after(context.now, leaves_past(value, self.duration, context))


@dataclass(frozen=True, slots=True)
class NotSince(Matcher):
    """Older, or missing: "no activity in 90 days"."""

    duration: Duration

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True of no date, and of one before the past edge."""
        return value is None or (isinstance(value, datetime) and value < past_edge(self.duration, context))

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """When the date becomes that old."""
        if not isinstance(value, datetime):
            return None
        return _after(context.now, leaves_past(value, self.duration, context))


@dataclass(frozen=True, slots=True)
class InPeriod(Matcher):
    """In this, the last or the next fiscal month, quarter or year."""

    period: Period

    def matches(self, value: Value | None, context: EvaluationContext) -> bool:
        """True of a date in the period that `now` makes it."""
        return isinstance(value, datetime) and _inside(
            value, period_window(context.now, self.period.months, self.period.step, context)
        )

    def next_change(self, value: Value | None, context: EvaluationContext) -> datetime | None:
        """When the period begins, or ceases, to be the one that holds the date."""
        if not isinstance(value, datetime):
            return None
        return _after(context.now, *period_window(value, self.period.months, -self.period.step, context))
