"""LeadUnrouted: leads that wait for somebody. Every hour makes them worth less.

It is about what syncd itself made of leads, so it is asked at every watch; while leads are not read it says nothing.
"""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.leads import age_in_words, detail_of, in_words
from syncd.alerts.view import Condition, Evaluation, Monitor, MonitorView, Signal

NAME = "LeadUnrouted"
_AFTER = timedelta(minutes=5)


def evaluate(view: MonitorView) -> Evaluation:
    """One signal: fires where `leads` leads or more have waited for somebody for longer than `after`."""
    if not view.leads.read:
        return Evaluation()
    rule = view.rule(NAME)
    after, least = options.span(rule, "after", _AFTER), options.count(rule, "leads", 1)
    found = view.leads.waiting(view.now, after)
    since = (found[0].waiting_since or found[0].created_at) if found else None
    command = f"syncd explain {found[0].ref}" if found else "syncd leads --dry-run"
    if view.leads.offered is not None and found:
        command = f"syncd approve {view.leads.offered} --why …"
    longest = f", the longest for {age_in_words(since, view.now)}" if since is not None else ""
    condition = Condition.FIRING if len(found) >= least else Condition.CLEAR
    signal = Signal(
        subject="leads",
        labels={},
        summary=f"{in_words(len(found))} wait{'s' if len(found) == 1 else ''} for somebody{longest}",
        detail=detail_of(found, since, command),
        condition=condition if view.leads.fresh else Condition.HOLDING,
    )
    return Evaluation((signal,))


MONITOR = Monitor(NAME, evaluate, reads_book=False, options=frozenset({"after", "leads"}))
