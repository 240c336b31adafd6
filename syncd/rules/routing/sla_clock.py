"""The clock of `routing: sla`: when a span of working time is over, and how much of it lies between two instants.

Hours are the wall clock of their place, so a clock change makes a working day as long or as short as it is there, and
a weekend or a night counts nothing. Knows no lead: instants and hours in, instants out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.rules.matching.time_window import Duration, shifted_day, shifted_instant
from syncd.rules.matching.working_hours import Hours, parse_hours
from syncd.rules.pack import Pack
from syncd.rules.routing_rules import Sla

_CLOCK_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1)}
_MOST_TURNS = 20_000
"""So many beginnings and ends of hours are looked at; a span that takes more is longer than thirty years."""


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """When somebody works: inside any of `hours`, read in `zone` where they name none; always where there are none."""

    hours: tuple[Hours, ...]
    zone: ZoneInfo

    def holds(self, now: datetime) -> bool:
        """Whether an instant is working time."""
        return not self.hours or any(each.holds(now, self.zone) for each in self.hours)

    def next_change(self, now: datetime) -> datetime | None:
        """The first instant after `now` at which the answer changes; None if it never does."""
        before, at = self.holds(now), now
        for _ in range(_MOST_TURNS if self.hours else 0):
            edges = [edge for each in self.hours if (edge := each.next_change(at, self.zone)) is not None]
            if not edges:
                return None
            at = min(edges)
            if self.holds(at) is not before:
                return at
        return None


def working_time_of(pack: Pack, sla: Sla, email: str | None) -> WorkingTime:
    """In whose hours a lead's clock runs: `always`, the hours written, or for `business` the rep's own.

    A rep without hours, and a queue (None), work in the pack's `working_hours`.
    """
    if sla.hours == "always":
        return WorkingTime((), pack.zone)
    if sla.hours != "business":
        return WorkingTime(_parsed((sla.hours,)), pack.zone)
    entry = pack.reps.get(email) if email is not None else None
    own = (entry.hours,) if entry is not None and entry.hours else pack.working_hours
    return WorkingTime(_parsed(own), pack.zone)


def due_at(start: datetime, span: Duration, working: WorkingTime) -> datetime | None:
    """When `span` is over: hours and minutes of working time; days, weeks, months and years by the calendar.

    A calendar span that ends outside the hours ends when they next begin. None where nobody ever works.
    """
    unit = _CLOCK_UNITS.get(span.unit)
    if unit is not None:
        return _after(start, span.count * unit, working)
    local = start.astimezone(working.zone)
    day = shifted_day(local.date(), span.count, span.unit)
    at = datetime.combine(day, local.time(), working.zone).astimezone(UTC)
    return at if working.holds(at) else working.next_change(at)


def worked(start: datetime, end: datetime, working: WorkingTime) -> timedelta:
    """How much working time lies between two instants; nothing where the end is not after the start."""
    total, at = timedelta(0), start
    while at < end:
        change = working.next_change(at)
        until = end if change is None else min(change, end)
        if working.holds(at):
            total += until - at
        at = until
    return total


def _after(start: datetime, left: timedelta, working: WorkingTime) -> datetime | None:
    at = start
    for _ in range(_MOST_TURNS):
        change = working.next_change(at)
        if working.holds(at):
            if change is None or change - at >= left:
                return shifted_instant(at, left)
            left -= change - at
        elif change is None:
            return None
        at = change
    return None


def _parsed(texts: tuple[str, ...]) -> tuple[Hours, ...]:
    return tuple(hours for text in texts if (hours := parse_hours(text)) is not None)
