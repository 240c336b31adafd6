"""Who gets a lead: the steps of `routing: leads`, one after the other, until one of them has somebody.

A matched account's owner, else a member of the territory that the lead's own facts lead to, else of a pool. Members
work in their own hours; caps are on accounts and do not count. Pure: no CRM, clock or store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.errors import Place
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.rules.conditions import Always
from syncd.rules.deciding.assignment import Draw, Pick, draw_from, draws, pick_from
from syncd.rules.deciding.frame import Frame, coming, owner_of
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.people import hours_change, may_keep, members_of
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.engine import Book
from syncd.rules.facts import Facts
from syncd.rules.memory import LEADS
from syncd.rules.pack import OwnersByPool, OwnersByQueue, Pack, Territory, Unassigned
from syncd.rules.routing.account_match import AccountIndex, Match
from syncd.rules.routing_rules import LeadStep


@dataclass(frozen=True, slots=True)
class LeadRoute:
    """Where a lead goes: its decision (role `lead`), the account it was matched to, and the queue if it goes to one."""

    decision: Decision
    match: Match | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one step says: somebody (or a queue), or why it has nobody; `asked` are those who could not take it now."""

    text: str
    reason: str = ""
    owner: Owner | None = None
    queue: str | None = None
    place: Place | None = None
    territory: Territory | None = None
    picked: Pick | None = None
    asked: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether the lead goes no further."""
        return self.owner is not None or self.queue is not None


class LeadRouter:
    """Routes the leads of one run over one book; each counts what those before it were given."""

    def __init__(self, pack: Pack, book: Book, now: datetime) -> None:
        self._pack = pack
        self._frame = replace(Frame.of(pack, book.directory, now, book.memory), leads=True)
        self._loads = Loads.of(self._frame, LEADS)
        self._accounts = {facts.key: facts for facts in book.facts}
        self._index = AccountIndex(book.facts)

    def route(self, lead: Facts) -> LeadRoute:
        """Where one lead goes. Without `routing` in the pack, or with nobody in any step, it is unassigned."""
        steps = self._pack.routing.leads if self._pack.routing is not None else ()
        match = self._index.match(lead)
        passed: list[_Answer] = []
        for step in steps:
            answer = self._answer(step, lead, match)
            if answer.decides:
                return LeadRoute(self._decided(lead, answer, passed), match, answer.queue)
            passed.append(answer)
        said = "no step of `routing: leads` has anybody for it" if steps else "the pack has no `routing`"
        nobody = _Answer(
            f"unrouted: {said}", "unrouted", place=self._pack.routing.place if self._pack.routing else None
        )
        return LeadRoute(self._decided(lead, nobody, passed), match)

    def _answer(self, step: LeadStep, lead: Facts, match: Match | None) -> _Answer:
        if step.match == "account":
            return self._of_account(step, match)
        if step.match == "territory":
            return self._of_territory(lead)
        return self._of_pool(step, lead)

    def _of_account(self, step: LeadStep, match: Match | None) -> _Answer:
        """The owner of the account that the lead belongs to, at any hour, as long as they may own it."""
        if match is None:
            return _Answer("no account matches by domain, nor by name and place")
        facts = self._accounts[match.company]
        owner = facts.current_owner
        if owner is None:
            return _Answer(f"the account it matches, {match.text}, has no owner")
        if not may_keep(self._frame, owner.email, facts) or not facts.owner_active:
            return _Answer(f"{owner.email}, who owns the account it matches, {match.text}, is not active")
        return _Answer(
            f"{owner.email} owns the account it matches, {match.text}", "matched-account", owner, None, step.place
        )

    def _of_territory(self, lead: Facts) -> _Answer:
        tree = choose_territory(self._pack, "owner", lead, self._frame.context)
        territory = tree.territory
        if territory is None:
            return _Answer("no territory takes it")
        owners = territory.owners
        if isinstance(owners, OwnersByQueue):
            text = f"territory {territory.path} names the queue {owners.queue}"
            return _Answer(text, "queue", None, owners.queue, territory.place, territory)
        if isinstance(owners, Unassigned):
            return _Answer(f"territory {territory.path} assigns nobody", territory=territory)
        present = lead.current_owner
        named = {member.email for member in members_of(self._frame, owners, lead)}
        if (
            present is not None
            and territory.keep
            and present.email in named
            and may_keep(self._frame, present.email, lead)
        ):
            text = f"kept by territory {territory.path}: it names {present.email}"
            return _Answer(text, "kept", present, None, territory.place, territory)
        asked = draws(self._frame, tree.path, lead, self._loads)
        return self._picked(asked, tree.path, lead, territory.place)

    def _of_pool(self, step: LeadStep, lead: Facts) -> _Answer:
        owners = OwnersByPool(step.pool or "")
        group = Territory(step.pool or "", f"pool {step.pool}", Always(), owners, step.place, "")
        draw = draw_from(self._frame, (group,), owners, lead, self._loads, assign=None)
        answer = self._picked(iter((draw,)), (group,), lead, step.place)
        return replace(answer, territory=None)

    def _picked(self, asked: Iterator[Draw], path: tuple[Territory, ...], lead: Facts, place: Place) -> _Answer:
        """Whoever the first group with somebody available has for it; else why nobody of them is."""
        where = path[-1].path
        absent: dict[str, str] = {}
        for draw in asked:
            source = f", from the overflow of {draw.lender.path}" if draw.overflow else ""
            picked = pick_from(self._frame, draw, path, lead, self._loads, f"picked by {where}{source}")
            if picked is not None:
                owner = owner_of(self._frame, picked.email)
                return _Answer(picked.text, "picked", owner, None, place, path[-1], picked)
            absent |= {each.member.email: each.barred or "" for each in draw.candidates}
        said = "; ".join(f"{email} {why}" for email, why in absent.items()) or "it has no members"
        return _Answer(f"{where} has nobody available: {said}", territory=path[-1], asked=tuple(absent))

    def _decided(self, lead: Facts, answer: _Answer, passed: list[_Answer]) -> Decision:
        present, picked = lead.current_owner, answer.picked
        same = answer.owner is not None and present is not None and answer.owner.email == present.email
        outcome = Outcome.KEEP if same else Outcome.CHANGE if answer.decides else Outcome.UNASSIGNED
        available = picked.draw.available if picked is not None else ()
        decision = Decision(
            company=lead.key,
            accounts=lead.accounts,
            role=LEADS,
            territory=answer.territory.path if answer.territory is not None else None,
            owner=answer.owner if answer.decides else present,
            current_owner=present,
            outcome=outcome,
            reason=answer.reason,
            text=answer.text,
            place=answer.place,
            notes=tuple(each.text for each in passed),
            candidates=tuple(each.member.email for each in available),
            loads={each.member.email: f"{each.load:f}" for each in available},
            next_change_at=self._next_change(passed),
            turn=picked.turn if picked is not None else None,
        )
        if picked is not None:
            self._loads.add(picked.email, lead, (), picked.member.bearer)
            if picked.turn is not None:
                self._loads.take(picked.turn, self._frame)
        return decision

    def _next_change(self, passed: list[_Answer]) -> datetime | None:
        """When somebody of the groups that had nobody begins to work, or stops to."""
        asked = sorted({email for answer in passed for email in answer.asked})
        return coming(self._frame, *(hours_change(self._frame, email) for email in asked))


def route_lead(pack: Pack, lead: Facts, book: Book, now: datetime) -> LeadRoute:
    """Where one lead goes; for several leads make one `LeadRouter`, so that each counts those before it."""
    return LeadRouter(pack, book, now).route(lead)
