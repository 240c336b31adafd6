"""Leads as monitors see them: those that wait and those whose clock ran out, and whether anybody reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import iso
from syncd.store.leads import LeadState, LeadTrack

MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Leads:
    """All of it. `fresh`: leads were read lately. `offered` is the plan of leads that waits for an approval."""

    read: bool = False
    fresh: bool = False
    tracks: tuple[LeadTrack, ...] = ()
    offered: str | None = None

    def waiting(self, now: datetime, after: timedelta) -> tuple[LeadTrack, ...]:
        """Those that have waited for somebody for longer than a span, the longest first."""
        found = [
            track
            for track in self.tracks
            if track.state is LeadState.WAITING and now - (track.waiting_since or track.created_at) > after
        ]
        return tuple(sorted(found, key=lambda each: (each.waiting_since or each.created_at, each.ref)))

    def overdue(self) -> tuple[LeadTrack, ...]:
        """Those whose clock ran out before anybody worked them, the longest first."""
        found = [track for track in self.tracks if track.state is LeadState.ASSIGNED and track.breached_at is not None]
        return tuple(sorted(found, key=lambda each: (each.breached_at or each.created_at, each.ref)))


NO_LEADS = Leads()


def evidence_of(tracks: Sequence[LeadTrack]) -> list[str]:
    """The first of some leads with the reason, and how many more there are."""
    lines = [f"{track.ref}: {track.text}" for track in tracks[:MOST_LISTED]]
    more = len(tracks) - MOST_LISTED
    return lines + ([f"and {more} more"] if more > 0 else [])


def detail_of(tracks: Sequence[LeadTrack], since: datetime | None, command: str) -> dict[str, Any]:
    """The detail of an alert about leads."""
    people = sorted({track.rep for track in tracks if track.rep is not None})
    return {
        "who": people,
        "evidence": evidence_of(tracks),
        "since": iso(since) if since is not None else None,
        "command": command,
    }


def in_words(count: int) -> str:
    """`1 lead`, `3 leads`."""
    return f"{count:,} lead{'s' if count != 1 else ''}"


def age_in_words(since: datetime, now: datetime) -> str:
    """`12 min`, `3 h`, `2 d`: how long ago an instant is, rounded down."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
