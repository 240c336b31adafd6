"""Who gets a lead: the steps of `routing: leads`, one after the other, until one of them has somebody.

A matched account's owner, else a member of the territory that the lead's own facts lead to, else of a pool. Members
work in their own hours; caps are on accounts and do not count. A rep's load is the leads that syncd gave them lately,
as the memory has them. Pure: no CRM, clock or store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.errors import Place
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.refs import Ref
from syncd.rules.conditions import Always
from syncd.rules.deciding.assignment import NOBODY, Draw, Pick, draw_from, pick_from
from syncd.rules.deciding.frame import Frame, coming, owner_of
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.people import SEAT, hours_change, may_keep, members_of, overflows
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
    """Routes the leads of one run over one book; each counts what those before it were given.

    `any_hour` deals to members who are off hours, too: for leads that are handed over by a plan, not this minute.
    """

    def __init__(self, pack: Pack, book: Book, now: datetime, *, any_hour: bool = False) -> None:
        self._pack = pack
        frame = Frame.of(pack, book.directory, now, book.memory)
        self._frame = replace(frame, leads=True, any_hour=any_hour)
        self._loads = _loads_of(self._frame)
        self._accounts = {facts.key: facts for facts in book.facts}
        self._index = AccountIndex(book.facts)

    def route(self, lead: Facts, *, linked: Ref | None = None, without: Mapping[str, str] = NOBODY) -> LeadRoute:
        """Where one lead goes. Without `routing` in the pack, or with nobody in any step, it is unassigned.

        `linked` is the account that the lead's own CRM names. `without` are e-mails that do not get it, and why.
        """
        steps = self._pack.routing.leads if self._pack.routing is not None else ()
        match = self._index.match(lead, linked)
        passed: list[_Answer] = []
        for step in steps:
            answer = self._answer(step, lead, match, without)
            if answer.decides:
                return LeadRoute(self._decided(lead, answer, passed), match, answer.queue)
            passed.append(answer)
        said = "no step of `routing: leads` has anybody for it" if steps else "the pack has no `routing`"
        nobody = _Answer(
            f"unrouted: {said}", "unrouted", place=self._pack.routing.place if self._pack.routing else None
        )
        return LeadRoute(self._decided(lead, nobody, passed), match)

    def follow(self, lead: Facts, email: str, text: str) -> LeadRoute | None:
        """The route to somebody who has an earlier lead of the same person; None where they may not have this one."""
        if not may_keep(self._frame, email, lead):
            return None
        place = self._pack.routing.place if self._pack.routing is not None else None
        answer = _Answer(text, "duplicate", owner_of(self._frame, email), None, place)
        return LeadRoute(self._decided(lead, answer, []), self._index.match(lead))

    def _answer(self, step: LeadStep, lead: Facts, match: Match | None, without: Mapping[str, str]) -> _Answer:
        if step.match == "account":
            return self._of_account(step, lead, match, without)
        if step.match == "territory":
            return self._of_territory(lead, without)
        return self._of_pool(step, lead, without)

    def _of_account(self, step: LeadStep, lead: Facts, match: Match | None, without: Mapping[str, str]) -> _Answer:
        """The owner of the account that the lead belongs to, at any hour, as long as they may own it.

        Where its owner may not, the owner of the account at the head of its family.
        """
        if match is None:
            return _Answer("no account matches by domain, nor by name and place")
        facts = self._accounts[match.company]
        refusal = self._refusal(facts, lead, without)
        owner = facts.current_owner
        if refusal is None and owner is not None:
            text = f"{owner.email} owns the account it matches, {match.text}"
            return _Answer(text, "matched-account", owner, None, step.place)
        head = self._accounts.get(facts.head) if facts.head is not None else None
        above = head.current_owner if head is not None and self._refusal(head, lead, without) is None else None
        if above is None or head is None:
            return _Answer(f"the account it matches, {match.text}: {refusal}")
        text = (
            f"{above.email} owns {head.key}, the head of the family of the account it matches, {match.text}: {refusal}"
        )
        return _Answer(text, "matched-account", above, None, step.place)

    def _refusal(self, facts: Facts, lead: Facts, without: Mapping[str, str]) -> str | None:
        """Why an account's owner does not get a lead of it, or None."""
        owner = facts.current_owner
        if owner is None:
            return "it has no owner"
        if not facts.owner_active or not may_keep(self._frame, owner.email, facts):
            return f"{owner.email}, who owns it, is not active"
        if lead.refs and not may_keep(self._frame, owner.email, lead):
            return f"{owner.email}, who owns it, is not active where the lead is"
        return f"{owner.email}, who owns it, {without[owner.email]}" if owner.email in without else None

    def _of_territory(self, lead: Facts, without: Mapping[str, str]) -> _Answer:
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
            and present.email not in without
            and may_keep(self._frame, present.email, lead)
        ):
            text = f"kept by territory {territory.path}: it names {present.email}"
            return _Answer(text, "kept", present, None, territory.place, territory)
        asked = self._draws(tree.path, lead, without)
        return self._picked(asked, tree.path, lead, territory.place)

    def _draws(self, path: tuple[Territory, ...], lead: Facts, without: Mapping[str, str]) -> Iterator[Draw]:
        """The territory's members, then each overflow from the territory upward."""
        groups = [(path[-1], path[-1].owners, path[-1].assign), *((by, owners, None) for by, owners in overflows(path))]
        for number, (lender, owners, assign) in enumerate(groups):
            yield draw_from(
                self._frame,
                path,
                owners,
                lead,
                self._loads,
                assign=assign,
                lender=lender if number else None,
                excluded=without,
            )

    def _of_pool(self, step: LeadStep, lead: Facts, without: Mapping[str, str]) -> _Answer:
        owners = OwnersByPool(step.pool or "")
        group = Territory(step.pool or "", f"pool {step.pool}", Always(), owners, step.place, "")
        draw = draw_from(self._frame, (group,), owners, lead, self._loads, assign=None, excluded=without)
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


def _loads_of(frame: Frame) -> Loads:
    """The loads that leads begin with: what the memory says was given, for the rep and for seats that they hold."""
    loads = Loads.of(frame, LEADS)
    for each in frame.memory.assignments:
        if each.role == LEADS and each.at <= frame.context.now:
            _carry(loads, frame, each.owner)
    return loads


def _carry(loads: Loads, frame: Frame, email: str) -> None:
    """Count one lead for a rep; a seat that they hold carries it, too."""
    seats = sorted(name for name, seat in frame.pack.seats.items() if seat.holder == email)
    for identity in (email, *(f"{SEAT}{name}" for name in seats)):
        loads.add(email, Facts(key="", accounts=()), (), identity)


def route_lead(pack: Pack, lead: Facts, book: Book, now: datetime) -> LeadRoute:
    """Where one lead goes; for several leads make one `LeadRouter`, so that each counts those before it."""
    return LeadRouter(pack, book, now).route(lead)
