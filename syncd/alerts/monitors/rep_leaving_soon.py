"""RepLeavingSoon: a rep's last day, the pack's `end`, is near, and they still own accounts."""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.companies import accounts_in_words, book_detail, books, in_words, total
from syncd.alerts.companies import amount as amount_of
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal
from syncd.rules.matching.time_window import local_day

NAME = "RepLeavingSoon"
_AHEAD = timedelta(days=14)
_PIPELINE = "open_pipeline"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each rep whose `end` is at most `ahead` from now and not over yet."""
    if view.pack is None:
        return Evaluation()
    today = local_day(view.now, view.pack.zone)
    last = today + options.span(view.rule(NAME), "ahead", _AHEAD)
    owned = books(view.accounts(NAME))
    found: list[Signal] = []
    for email, rep in sorted(view.pack.reps.items()):
        book = owned.get(email, [])
        if rep.end is None or not today <= rep.end <= last or not book:
            continue
        pipeline = total(amount_of(facts, _PIPELINE) for facts in book)
        summary = f"{email} leaves on {rep.end}: {accounts_in_words(len(book))} with {in_words(pipeline, view)} open"
        detail = book_detail(book, view, _PIPELINE, "open pipeline of their accounts") | {
            "who": [email],
            "evidence": [f"their last day is {rep.end}, {rep.place.path}:{rep.place.line}"],
            "command": f"syncd leaver {email}",
        }
        found.append(Signal(email, {"rep": email}, f"{summary} pipeline", detail))
    return Evaluation(tuple(found))


MONITOR = Monitor(NAME, evaluate, options=frozenset({"ahead"}))
