"""SlaBreached: leads that nobody worked in the time that `routing: sla` gives, one alert a rep.

A lead that syncd takes away by itself (`then: reassign`) is told of only where that did not happen: it was taken once
already, a person gave it, or its plan waits for an approval.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.leads import age_in_words, detail_of, in_words
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal
from syncd.store.leads import SYNCD, LeadTrack

NAME = "SlaBreached"
_AFTER = timedelta(minutes=5)
_NOBODY = "nobody"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each rep who has overdue leads; one that syncd may still reassign counts after `after`."""
    if not view.leads.read:
        return Evaluation()
    after = options.span(view.rule(NAME), "after", _AFTER)
    found: dict[str, list[LeadTrack]] = defaultdict(list)
    for track in view.leads.overdue():
        if track.breached_at is not None and (not _may_move(track, view) or view.now - track.breached_at > after):
            found[track.rep or _NOBODY].append(track)
    return Evaluation(tuple(_signal(rep, tuple(found[rep]), view) for rep in sorted(found)))


def _may_move(track: LeadTrack, view: MonitorView) -> bool:
    """Whether syncd takes the lead from who has it by itself."""
    routing = view.pack.routing if view.pack is not None else None
    moves = routing is not None and routing.sla is not None and routing.sla.then == "reassign"
    return moves and track.assigned_by == SYNCD and track.reassigned_at is None


def _signal(rep: str, tracks: tuple[LeadTrack, ...], view: MonitorView) -> Signal:
    since = tracks[0].breached_at
    longest = f", the longest for {age_in_words(since, view.now)}" if since is not None else ""
    return Signal(
        subject=rep,
        labels={"rep": rep},
        summary=f"{rep} has not worked {in_words(len(tracks))} in time{longest}",
        detail=detail_of(tracks, since, f"syncd explain {tracks[0].ref}"),
        condition=Condition.FIRING if view.leads.fresh else Condition.HOLDING,
    )


MONITOR = Monitor(NAME, evaluate, reads_book=False, options=frozenset({"after"}))
