"""OverrideExpiring: an override or a deal holdout ends within two weeks, or has ended and still stands in the pack.

It stays open until the entry is renewed or removed: past its date the account is held, and nobody's rules decide.
"""

from __future__ import annotations

from datetime import date, timedelta

from syncd.alerts import options
from syncd.alerts.companies import book_detail, name_of
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal
from syncd.rules.deciding.exceptions import match_exceptions
from syncd.rules.matching.time_window import local_day
from syncd.rules.pack import DealHoldout, Override

NAME = "OverrideExpiring"
_AHEAD = timedelta(days=14)


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each entry whose last day is at most `ahead` from now."""
    if view.pack is None:
        return Evaluation()
    today = local_day(view.now, view.pack.zone)
    last = today + options.span(view.rule(NAME), "ahead", _AHEAD)
    known, _ = match_exceptions(view.pack, view.facts, view.now)
    companies = {entry.place: key for key, entries in known.overrides.items() for entry in entries}
    facts = {each.key: each for each in view.facts}
    found: list[Signal] = []
    for entry in view.pack.overrides:
        if entry.expires is not None and entry.expires <= last:
            company = facts.get(companies.get(entry.place, ""))
            detail = book_detail([company] if company else [], view, "open_pipeline", "open pipeline of the account")
            subject = name_of(company) if company else entry.account
            command = f"syncd explain {company.accounts[0]}" if company else "syncd check"
            told = f"the override of {subject} to {entry.owner}"
            found.append(_signal(entry, subject, told, today, detail | {"command": command}))
    for holdout in view.pack.deal_holdouts:
        if holdout.expires is not None and holdout.expires <= last:
            subject = f"holdout of {holdout.territory or 'every territory'}"
            found.append(_signal(holdout, subject, f"the deal {subject}", today, {"command": "syncd check"}))
    return Evaluation(tuple(found))


def _signal(entry: Override | DealHoldout, subject: str, told: str, today: date, detail: dict[str, object]) -> Signal:
    expires = entry.expires or today
    how = f"ended on {expires}" if expires < today else f"ends on {expires}"
    left = (expires - today).days
    then = "the account is held until the entry is renewed or removed" if left < 0 else f"{left} days are left"
    kind = "override" if isinstance(entry, Override) else "holdout"
    name = f"{entry.account}/{entry.role}" if isinstance(entry, Override) else (entry.territory or "all")
    return Signal(
        subject=subject,
        labels={kind: name, "expires": f"{expires}"},
        summary=f"{told} {how}",
        detail={"who": [entry.by] if entry.by else []}
        | detail
        | {
            "evidence": [
                f"{entry.place.path}:{entry.place.line}: by {entry.by or 'nobody'}: {entry.why or 'no reason'}",
                then,
            ]
        },
    )


MONITOR = Monitor(NAME, evaluate, whole=False, options=frozenset({"ahead"}))
