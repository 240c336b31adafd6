"""Succession: what becomes of each account of somebody who leaves. A member of its territory gets it, the best ranked.

Where the rules say who (an override, a parent's owner, a retrieval) that stands; where they hold the account, it stays
and the plan says so; where the territory has nobody, whoever covers for the leaver has it until it has. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from syncd.model.decisions import Decision, Outcome
from syncd.planning.people.ranking import Ranked, ranked
from syncd.planning.people.table import Table, candidates, given, stays
from syncd.planning.proposing.reasons import INTERIM_COVER, NO_ELIGIBLE_REP, SUCCESSION, has_nobody
from syncd.rules.deciding.frame import owner_of
from syncd.rules.deciding.people import barred, resolve
from syncd.rules.facts import Facts

FOLLOWS = "follow-parent"
NOT_NAMED = "successor-not-named"
_BY_RULE = frozenset({"override", "retrieved"})
_SHOWN = 3
_NOTHING = Facts(key="", accounts=())


@dataclass(frozen=True, slots=True)
class Settled:
    """What a proposal makes of one account: the decision, who minds it meanwhile, and who was ranked."""

    decision: Decision
    cover: str | None = None
    ranking: tuple[Ranked, ...] = ()

    def entry(self, facts: Facts) -> dict[str, Any]:
        """The account as the plan's document shows it."""
        decision, name = self.decision, facts.seen.get("name")
        return {
            "company": decision.company,
            "name": name.raw if name is not None else decision.company,
            "accounts": [str(ref) for ref in facts.refs] or list(decision.accounts),
            "territory": decision.territory,
            "money": f"{pipeline_of(facts):f}",
            "to": decision.owner.email if decision.owner is not None and _moves(decision) else None,
            "outcome": decision.outcome.value,
            "reason": decision.reason,
            "text": decision.text,
            "cover": self.cover,
            "ranking": [each.entry() for each in self.ranking[:_SHOWN]],
        }


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever asks wants: to whom alone the book may go, and who covers before anybody the pack names."""

    to: tuple[str, ...] = ()
    cover: str | None = None


@dataclass(slots=True)
class _Run:
    table: Table
    leaver: str
    wishes: Wishes
    settled: dict[str, Settled] = field(default_factory=dict)


def book_of(leaver: str, facts: Iterable[Facts], ids: Mapping[object, frozenset[str]]) -> frozenset[str]:
    """The companies that a person owns, in whichever system: `ids` are their user ids by system."""
    return frozenset(
        each.key
        for each in facts
        if (each.current_owner is not None and each.current_owner.email == leaver)
        or any(owner in ids.get(system, frozenset()) for system, owner in each.owner_ids.items())
    )


def led_by(leaver: str, facts: Facts) -> bool:
    """Whether a company of the book is the leaver's in the leading system; else another system only follows."""
    return facts.current_owner is None or facts.current_owner.email == leaver


def succeed(table: Table, leaver: str, book: frozenset[str], wishes: Wishes) -> Mapping[str, Settled]:
    """What becomes of each account of the book, the most money first; the table counts every one that is given."""
    run = _Run(table, leaver, wishes)
    ordered = sorted(book, key=lambda key: (-pipeline_of(table.facts[key]), key))
    for company in (key for key in ordered if table.decisions[key].reason != FOLLOWS):
        run.settled[company] = _settle(run, company)
    for company in (key for key in ordered if table.decisions[key].reason == FOLLOWS):
        run.settled[company] = _follow(run, company)
    return run.settled


def _settle(run: _Run, company: str) -> Settled:
    table = run.table
    decision, facts = table.decisions[company], table.facts[company]
    cover = cover_of(table, facts, run.leaver, run.wishes.cover)
    if not led_by(run.leaver, facts) or (decision.outcome is Outcome.CHANGE and decision.reason in _BY_RULE):
        return Settled(_as_ruled(table, company), cover)
    if decision.reason == "override":
        text = f"stays: {decision.text}; the override names whoever leaves: end it or name another"
        return Settled(stays(decision, "override", text), cover)
    if decision.outcome is Outcome.HELD and decision.reason != NO_ELIGIBLE_REP:
        return Settled(stays(decision, decision.reason, decision.text), cover)
    asked = candidates(table, company, {run.leaver: "leaves"})
    if run.wishes.to:
        named = tuple(each for each in asked if each.member.email in run.wishes.to)
        if asked and not named:
            return Settled(_not_named(table, company, run.wishes.to), cover)
        asked = named
    if not asked:
        return Settled(_covered(run, company, run.wishes.to[0] if run.wishes.to else cover), cover)
    ranking = ranked(table, company, asked, run.leaver)
    best = ranking[0]
    path = decision.territory
    text = f"{best.email} takes it over from {run.leaver}: best of {len(ranking)} whom territory {path} lets have it"
    table.give(company, best.email, best.member.bearer)
    return Settled(given(table, company, best.email, SUCCESSION, text), cover, ranking)


def _as_ruled(table: Table, company: str) -> Decision:
    decision = table.decisions[company]
    if decision.owner is not None:
        table.settle(decision.owner.email, company)
    return decision


def _follow(run: _Run, company: str) -> Settled:
    """A company that takes its parent's owner takes the one that the plan gives the parent."""
    table = run.table
    decision, facts = table.decisions[company], table.facts[company]
    above = run.settled.get(facts.head or "")
    cover = cover_of(table, facts, run.leaver, run.wishes.cover)
    if above is None or above.decision.owner is None or not led_by(run.leaver, facts):
        return Settled(_as_ruled(table, company), cover)
    owner = above.decision.owner.email
    if not _moves(above.decision):
        return Settled(stays(decision, above.decision.reason, f"follows its parent: {above.decision.text}"), cover)
    table.give(company, owner)
    text = f"follows its ultimate parent {facts.head}: {owner} ({above.decision.reason})"
    moved = replace(decision, owner=owner_of(table.frame, owner), outcome=Outcome.CHANGE, text=text, turn=None)
    return Settled(moved, cover)


def _not_named(table: Table, company: str, wanted: tuple[str, ...]) -> Decision:
    decision = table.decisions[company]
    path = table.path_of(company)
    where = f" ({path[-1].place.path}:{path[-1].place.line})" if path else ""
    text = (
        f"stays: territory {decision.territory}{where} lets none of {', '.join(wanted)} have it now, so the next plan"
        " would take it away again; name them there, or leave --to out"
    )
    return stays(decision, NOT_NAMED, text)


def _covered(run: _Run, company: str, cover: str | None) -> Decision:
    """The account with its cover, because its territory has nobody; without one it stays, and the plan says so."""
    table = run.table
    decision, facts = table.decisions[company], table.facts[company]
    if cover is not None and barred(table.frame, cover, facts) is None:
        table.give(company, cover, cover)
        text = f"{cover} covers for {run.leaver}: territory {decision.territory} has nobody for it now"
        return given(table, company, cover, INTERIM_COVER, text)
    if not has_nobody(decision) and decision.outcome is Outcome.CHANGE:
        return _as_ruled(table, company)
    text = f"stays: territory {decision.territory} has nobody for it now, and nobody covers for {run.leaver}"
    unable = [f"{name} cannot: {why}" for name, why in _unable(table, facts, run)]
    said = f" ({'; '.join(unable)})" if unable else ""
    return stays(decision, NO_ELIGIBLE_REP, f"{text}{said}; name one with --cover EMAIL")


def _unable(table: Table, facts: Facts, run: _Run) -> Iterator[tuple[str, str]]:
    """Who is written as a cover of the leaver and may not have the account, each with the reason."""
    for name in _written_covers(table, run.leaver, run.wishes.cover):
        email = resolve(table.frame, name, facts)
        why = barred(table.frame, email, facts) if email is not None else "nobody holds that seat"
        if why is not None:
            yield email or name, why


def cover_of(table: Table, facts: Facts, leaver: str, wished: str | None) -> str | None:
    """Who minds an account of the leaver for now: the first of those who are written that is able to."""
    for name in _written_covers(table, leaver, wished):
        email = resolve(table.frame, name, facts)
        if email is not None and email != leaver and barred(table.frame, email, facts) is None:
            return email
    return None


def covers_of(table: Table, leaver: str, wishes: Wishes) -> tuple[str, ...]:
    """Who minds what of the leaver's nobody else gets: those asked for, else the covers who can receive today."""
    named = [resolve(table.frame, name, _NOTHING) for name in _written_covers(table, leaver, wishes.cover)]
    able = [each for each in named if each is not None and each != leaver]
    return tuple(dict.fromkeys((*wishes.to, *(each for each in able if barred(table.frame, each, _NOTHING) is None))))


def _written_covers(table: Table, leaver: str, wished: str | None) -> tuple[str, ...]:
    """The one asked for, a seat's cover, a cover of an absence, the manager: each once, in that order."""
    entry = table.entry(leaver)
    seats = sorted(table.pack.seats.values(), key=lambda seat: seat.name)
    absences = sorted(entry.out_of_office, key=lambda off: off.until, reverse=True) if entry is not None else []
    names = [
        wished,
        *(seat.cover for seat in seats if seat.holder == leaver),
        *(off.cover for off in absences),
        entry.manager if entry is not None else None,
    ]
    return tuple(dict.fromkeys(each for each in names if each))


def pipeline_of(facts: Facts) -> Decimal:
    """The open pipeline of a company, 0 where there is none."""
    value = facts.values.get("open_pipeline")
    return value if isinstance(value, Decimal) else Decimal(0)


def _moves(decision: Decision) -> bool:
    return decision.outcome is Outcome.CHANGE
