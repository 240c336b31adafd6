"""The pick: which rep of a territory receives an account that nobody holds or keeps (RULES.md section 5).

Candidates are members who may receive accounts now and are under every cap; if none is left the `overflow` of the
territory and then of each ancestor is asked. Changes no load itself and knows nothing of holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from syncd.model.rotation import Turn
from syncd.rules.deciding.covers import candidates_of
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.loads import Loads, band_of
from syncd.rules.deciding.member import Member
from syncd.rules.deciding.methods import METHODS as METHODS
from syncd.rules.deciding.methods import Candidate as Candidate
from syncd.rules.deciding.methods import Question, method_of
from syncd.rules.deciding.people import barred, is_only_away, overflows, ramp
from syncd.rules.deciding.retrieving import cooling_off
from syncd.rules.facts import Facts
from syncd.rules.pack import Owners, OwnersByPool, Territory

NOBODY: Mapping[str, str] = MappingProxyType({})
_WEIGHTLESS = "has weight 0"
_BY_WEIGHT = ("rotate", "stable")


@dataclass(frozen=True, slots=True)
class Draw:
    """One group of members that was asked: the territory's own, or the overflow of `lender`, with its method.

    `rotation` names the group where its members are dealt to in turn, `former` what it was called before.
    """

    lender: Territory
    overflow: bool
    method: str
    candidates: tuple[Candidate, ...]
    rotation: str
    former: str | None

    @property
    def available(self) -> tuple[Candidate, ...]:
        """Those who may receive the account."""
        return tuple(candidate for candidate in self.candidates if candidate.barred is None)

    @property
    def away(self) -> Mapping[str, Decimal]:
        """The weights of those who are out of office, for whom nobody stands in, and who earn a share all the same."""
        present = {candidate.member.identity for candidate in self.available}
        members = (candidate.member for candidate in self.candidates if candidate.earns)
        return {member.identity: member.weight for member in members if member.identity not in present}


@dataclass(frozen=True, slots=True)
class Pick:
    """The rep picked, out of which draw, in words. `turn` is the turn of the rotation that it is, if it is one."""

    member: Member
    draw: Draw
    text: str
    turn: Turn | None = None

    @property
    def email(self) -> str:
        """The rep's e-mail."""
        return self.member.email


def draws(frame: Frame, path: tuple[Territory, ...], facts: Facts, loads: Loads) -> Iterator[Draw]:
    """The groups to ask, in order: the territory's members, then each overflow from the territory upward."""
    yield draw_from(frame, path, path[-1].owners, facts, loads, assign=path[-1].assign)
    for lender, owners in overflows(path):
        yield draw_from(frame, path, owners, facts, loads, assign=None, lender=lender)


def pick(frame: Frame, path: tuple[Territory, ...], facts: Facts, loads: Loads) -> Pick | None:
    """The rep who gets the account, or None if no group has a candidate left."""
    for draw in draws(frame, path, facts, loads):
        source = f", from the overflow of {draw.lender.path}" if draw.overflow else ""
        found = pick_from(frame, draw, path, facts, loads, f"picked by territory {path[-1].path}{source}")
        if found is not None:
            return found
    return None


def pick_retrieved(frame: Frame, path: tuple[Territory, ...], facts: Facts, loads: Loads) -> Pick | None:
    """The member of the `retrieve` rule's pool who gets an account, or None if the pool has nobody for it.

    Its present owner is no candidate, and what a territory of the path caps counts here, too.
    """
    rule, present = frame.pack.retrieve, facts.current_owner
    if rule is None:
        return None
    mine = {present.email: "has it, and does not work it"} if present is not None else {}
    draw = draw_from(frame, path, OwnersByPool(rule.pool), facts, loads, excluded=mine, assign=None)
    return pick_from(frame, draw, path, facts, loads, f"from the pool {rule.pool}")


def pick_from(
    frame: Frame, draw: Draw, path: tuple[Territory, ...], facts: Facts, loads: Loads, said: str
) -> Pick | None:
    """The rep of one draw who gets the account, or None if it has no candidate left; `said` begins the text."""
    available = draw.available
    if not available:
        return None
    standings = loads.standings(draw.rotation, draw.former)
    question = Question(frame, available, path[-1], facts, loads, draw.rotation, standings, draw.away)
    chosen, why, turn = METHODS[draw.method](question)
    if chosen.member.covers is not None:
        why = f"{why}, in place of {chosen.member.covers} who is out of office"
    return Pick(chosen.member, draw, f"{said}: {why}", replace(turn, former=draw.former) if turn else None)


def draw_from(
    frame: Frame,
    path: tuple[Territory, ...],
    owners: Owners,
    facts: Facts,
    loads: Loads,
    *,
    assign: str | None,
    lender: Territory | None = None,
    excluded: Mapping[str, str] = NOBODY,
) -> Draw:
    """A group with what each candidate carries and why some may not receive the account.

    `assign` is the word that wins over the pool's own. With `lender` the group is that territory's overflow. `excluded`
    are e-mails that are out for another reason.
    """
    territory = path[-1]
    members = candidates_of(frame, owners, facts)
    method = method_of(frame.pack, owners, assign, sum(member.covers is None for member in members))
    out = {**cooling_off(frame, territory.role, facts), **excluded}
    capped = tuple(each for each in path if each.cap is not None)
    catch_up = isinstance(owners, OwnersByPool) and frame.pack.pools[owners.pool].catch_up

    def candidate(member: Member) -> Candidate:
        excluding = out.get(member.email)
        reason = (
            excluding
            or barred(frame, member.email, facts)
            or over_cap(frame, capped, member, facts, loads)
            or (_WEIGHTLESS if method in _BY_WEIGHT and not member.weight else None)
        )
        earns = (
            catch_up
            and excluding is None
            and is_only_away(frame, member.email, facts)
            and over_cap(frame, capped, member, facts, loads) is None
        )
        return Candidate(member, loads.load(member.bearer, territory.balance_by), reason, earns)

    candidates = tuple(map(candidate, members))
    rotation, former = rotation_of(owners, lender or territory)
    return Draw(lender or territory, lender is not None, method, candidates, rotation, former)


def rotation_of(owners: Owners, territory: Territory) -> tuple[str, str | None]:
    """The name of a group's rotation, and its former one: a pool has one wherever it is named."""
    if isinstance(owners, OwnersByPool):
        return f"pool:{owners.pool}", None
    return f"territory:{territory.name}", f"territory:{territory.was}" if territory.was else None


def over_cap(frame: Frame, path: tuple[Territory, ...], member: Member, facts: Facts, loads: Loads) -> str | None:
    """Why one more account would be over a rep's `max_accounts` or over the cap of a territory of the path, or None.

    Leads are no accounts: no cap counts for them.
    """
    if frame.leads:
        return None
    entry = frame.pack.reps.get(member.email)
    if entry is not None and entry.max_accounts is not None:
        limit: Decimal = entry.max_accounts * ramp(frame, entry)
        if loads.held(member.email) + 1 > limit:
            return f"at the limit of {limit.normalize():f} accounts"
    return next((full for territory in path if (full := _full(territory, member, facts, loads)) is not None), None)


def _full(territory: Territory, member: Member, facts: Facts, loads: Loads) -> str | None:
    """Why one more account would be over the cap of one territory, or None."""
    cap, who = territory.cap, member.bearer
    if cap is None:
        return None
    if cap.total is not None and loads.in_territory(territory.path, who) + 1 > cap.total:
        return f"at the cap of {cap.total} accounts in {territory.path}"
    if cap.day is not None and loads.given_today(territory, member.email) + 1 > cap.day:
        return f"at the cap of {cap.day} accounts a day in {territory.path}"
    if cap.week is not None and loads.given_this_week(territory, member.email) + 1 > cap.week:
        return f"at the cap of {cap.week} accounts a week in {territory.path}"
    band = band_of(facts)
    limits = {name.casefold(): limit for name, limit in cap.band.items()}
    if band in limits and loads.in_band(territory.path, who, band) + 1 > limits[band]:
        return f"at the cap of {limits[band]} accounts of this band in {territory.path}"
    return None
