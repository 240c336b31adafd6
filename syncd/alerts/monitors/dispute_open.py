"""DisputeOpen: a dispute is open for more than 48 hours. Its account is held until somebody settles it."""

from __future__ import annotations

from datetime import timedelta

from syncd.alerts import options
from syncd.alerts.companies import book_detail, name_of
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal
from syncd.clock import iso, parse_instant
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.matching.time_window import local_midnight

NAME = "DisputeOpen"
_AFTER = timedelta(hours=48)


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each dispute that is older than `after`; one without a date counts from when it was first seen."""
    if view.pack is None:
        return Evaluation()
    after = options.span(view.rule(NAME), "after", _AFTER)
    seen = view.seen_by(NAME)
    known, _ = match_exceptions(view.pack, view.facts, view.now)
    companies = {entry.place: key for key, entries in known.disputes.items() for entry in entries}
    facts = {each.key: each for each in view.facts}
    states: dict[str, str] = {}
    found: list[Signal] = []
    for entry in view.pack.disputes:
        if entry.opened is not None:
            opened = local_midnight(entry.opened, view.pack.zone)
        else:
            states[entry.account] = seen.get(entry.account, iso(view.now))
            opened = parse_instant(states[entry.account])
        if view.now - opened <= after:
            continue
        company = facts.get(companies.get(entry.place, ""))
        subject = name_of(company) if company else entry.account
        days = (view.now - opened).days
        detail = book_detail([company] if company else [], view, "open_pipeline", "open pipeline of the account")
        evidence = [
            f"{entry.place.path}:{entry.place.line}: {entry.why or 'no reason is given'}",
            f"opened by {entry.by or 'nobody who is named'}; the account is held while it is open",
        ]
        command = f"syncd explain {company.accounts[0]}" if company else "syncd check"
        found.append(
            Signal(
                subject=subject,
                labels={"account": entry.account},
                summary=f"the dispute about {subject} has been open for {days} days",
                detail=detail | {"evidence": evidence, "command": command, "since": iso(opened)},
            )
        )
    return Evaluation(tuple(found), states)


MONITOR = Monitor(NAME, evaluate, whole=False, options=frozenset({"after"}))
