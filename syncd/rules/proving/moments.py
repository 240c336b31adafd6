"""Dates that move with `now`: what one such test says of another at every instant, and instants beside their edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from syncd.rules.matching.date_matchers import InPeriod, Last, Next, NotSince, OlderThan
from syncd.rules.matching.matchers import Matcher
from syncd.rules.matching.time_window import (
    Duration,
    EvaluationContext,
    future_edge,
    local_day,
    local_midnight,
    past_edge,
    period_window,
    shifted_day,
)

_LEAST_DAYS = {"d": 1, "w": 7, "mo": 28, "y": 365}
_MOST_DAYS = {"d": 1, "w": 7, "mo": 31, "y": 366}


def date_relations(matchers: Mapping[int, Matcher]) -> Iterator[tuple[int, int, bool]]:
    """Pairs of which the first implies the second (True) or rules it out (False), whatever `now` is."""
    for first, one in matchers.items():
        for second, other in matchers.items():
            if first != second:
                implied = _implied(one, other)
                if implied is not None:
                    yield first, second, implied


def _implied(one: Matcher, other: Matcher) -> bool | None:
    match one, other:
        case (Last(_, near), Last(_, far)) | (Next(_, near), Next(_, far)):
            return True if _never_longer(near, far) else None
        case OlderThan(_, far), OlderThan(_, near):
            return True if _never_longer(near, far) else None
        case Last(_, near), OlderThan(_, far):
            return False if _never_longer(near, far) else None
        case InPeriod(_, first), InPeriod(_, second):
            if first.months == second.months:
                return False
            return True if first.step == second.step == 0 and second.months % first.months == 0 else None
        case _:
            return None


def _never_longer(near: Duration, far: Duration) -> bool:
    """Whether `near` reaches back no further than `far`, whatever the calendar."""
    if near.unit == far.unit:
        return near.count <= far.count
    if near.unit not in _MOST_DAYS or far.unit not in _LEAST_DAYS:
        return False
    return near.count * _MOST_DAYS[near.unit] <= far.count * _LEAST_DAYS[far.unit]


def moments_of(matchers: Iterable[Matcher], context: EvaluationContext) -> Iterator[datetime]:
    """Instants on both sides of every edge that these matchers have at `now`, and `now` itself."""
    edges = [context.now]
    for matcher in matchers:
        match matcher:
            case Last(_, duration) | OlderThan(_, duration) | NotSince(_, duration):
                edges.append(past_edge(duration, context))
            case Next(_, duration):
                edges.append(future_edge(duration, context))
            case InPeriod(_, period):
                edges.extend(period_window(context.now, period.months, period.step, context))
            case _:
                pass
    for edge in edges:
        today = local_day(edge, context.zone)
        for days in (0, -1, 1, 2):
            yield local_midnight(shifted_day(today, days, "d"), context.zone)
    yield context.now
    yield context.now - timedelta(minutes=1)
