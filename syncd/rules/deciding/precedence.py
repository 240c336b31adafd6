"""Who gets the account, as far as no pick is needed: the order of precedence of RULES.md section 5.

Each step looks at one company and role and returns the claims it makes; the first claim of the first step decides and
the rest are outranked. Knows no loads and picks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncd.errors import Place
from syncd.model.decisions import Outcome, Owner
from syncd.rules.conditions import holds
from syncd.rules.deciding.exceptions import Exceptions, dispute_of, in_force, override_of
from syncd.rules.deciding.frame import Frame, holder, holder_active, owner_of, respect_ends
from syncd.rules.deciding.people import inactive_in, may_keep, members_of, overflows
from syncd.rules.deciding.tree import TreeResult
from syncd.rules.facts import Facts
from syncd.rules.pack import Owners, Territory, Unassigned


@dataclass(frozen=True, slots=True)
class Subject:
    """One company in one role, with its territory: what every step looks at."""

    frame: Frame
    exceptions: Exceptions
    role: str
    facts: Facts
    tree: TreeResult

    @property
    def present(self) -> Owner | None:
        """Who has the role now."""
        return holder(self.frame, self.role, self.facts)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one step says: the outcome, the owner it asks for, why, and where that is written.

    A claim with `applies` false decides nothing: it says why its step does not hold this account.
    """

    outcome: Outcome
    reason: str
    text: str
    owner: Owner | None
    place: Place | None = None
    rule_text: str = ""
    applies: bool = True


def claims_on(subject: Subject) -> tuple[Claim, ...]:
    """Every claim on a company and role, in order of precedence; the first that applies decides.

    None that applies means that the territory has to pick.
    """
    return tuple(claim for step in STEPS for claim in step(subject))


def open_dispute(subject: Subject) -> Iterator[Claim]:
    """An open dispute holds the account, also with an inactive owner."""
    dispute = dispute_of(subject.exceptions, subject.facts.key, subject.frame.today)
    if dispute is not None:
        why = f" ({dispute.why})" if dispute.why else ""
        yield _hold(subject, "dispute", f"held: a dispute is open{why}", dispute.place)


def override(subject: Subject) -> Iterator[Claim]:
    """A person's word on this account: its owner while in force and active, else a hold."""
    frame = subject.frame
    entry = override_of(subject.exceptions, subject.facts.key, subject.role)
    if entry is None:
        return
    if not in_force(entry, frame.today):
        text = f"held: the override to {entry.owner} expired on {entry.expires}; renew or remove it"
        yield _hold(subject, "override-expired", text, entry.place)
        return
    inactive = inactive_in(frame, entry.owner, subject.facts)
    if inactive is not None:
        text = f"held: the override's owner {entry.owner} is {inactive}"
        yield _hold(subject, "override-owner-inactive", text, entry.place)
        return
    outcome = Outcome.KEEP if _is_present(subject, entry.owner) else Outcome.CHANGE
    until = f", until {entry.expires}" if entry.expires else ""
    text = f"override to {entry.owner} by {entry.by}: {entry.why}{until}"
    if outcome is Outcome.CHANGE and subject.role == "owner" and subject.facts.team_holds:
        # Teams cannot be restored yet: not even a person's word may drop one in silence.
        yield _hold(subject, "has-team", f"held in spite of the {text}: {_team_text(subject)}", entry.place)
    yield Claim(outcome, "override", text, owner_of(frame, entry.owner), entry.place, entry.account)


def locked(subject: Subject) -> Iterator[Claim]:
    """The CRM's lock field holds an account whose owner is active."""
    if subject.facts.values.get("locked") is True:
        yield _for_active_owner(subject, _hold(subject, "locked", "held: the account is locked in the CRM"))


def changed_by_person(subject: Subject) -> Iterator[Claim]:
    """A person's change of owner holds until it is adopted or reverted, or `respect_people_for` has passed."""
    facts, frame = subject.facts, subject.frame
    if subject.role != "owner" or facts.changed_by_person_at is None:
        return
    ends = respect_ends(frame, facts)
    if ends is not None and ends <= frame.context.now:
        return
    said = facts.changed_by_person_text or "the owner was changed by a person"
    yield _for_active_owner(subject, _hold(subject, "changed-by-person", f"held: {said}"))


def protect(subject: Subject) -> Iterator[Claim]:
    """Every protect rule that matches, by name."""
    frame, facts = subject.frame, subject.facts
    for rule in sorted(frame.pack.protect, key=lambda rule: rule.name):
        in_time = rule.until is None or frame.today <= rule.until
        if subject.role in rule.roles and in_time and holds(rule.when, facts, frame.context):
            yield _for_active_owner(subject, _hold(subject, rule.name, f"held: {rule.reason}", rule.place))


def account_team(subject: Subject) -> Iterator[Claim]:
    """An account whose team an owner write would lose is held unless the territory leaves it where it is.

    A territory that names nobody but the present owner leaves it there, also with `keep: false`.
    """
    team, territory, present = subject.facts.team_holds, subject.tree.territory, subject.present
    if subject.role != "owner" or not team or territory is None or any(territory_claim(subject)):
        return
    named = {member.email for member in members_of(subject.frame, territory.owners, subject.facts)}
    if present is not None and named == {present.email} and may_keep(subject.frame, present.email, subject.facts):
        text = f"kept by territory {territory.path}: it names only {present.email}"
        yield Claim(Outcome.KEEP, "kept", text, present, territory.place, territory.text)
    else:
        yield _hold(subject, "has-team", f"held: {_team_text(subject)}")


def territory_claim(subject: Subject) -> Iterator[Claim]:
    """What the territory says without a pick: it names the present owner, or it assigns nobody."""
    territory = subject.tree.territory
    present = subject.present
    if territory is None:
        text = f"kept: no territory of role {subject.role} matches"
        yield Claim(Outcome.KEEP, "no-territory", text, present)
    elif isinstance(territory.owners, Unassigned):
        text = f"unassigned: territory {territory.path} assigns nobody, so the owner stays"
        yield Claim(Outcome.UNASSIGNED, "unassigned", text, present, territory.place, territory.text)
    elif present is not None and may_keep(subject.frame, present.email, subject.facts):
        yield from _kept(subject, territory, present)


STEPS: tuple[Callable[[Subject], Iterator[Claim]], ...] = (
    open_dispute,
    override,
    locked,
    changed_by_person,
    protect,
    account_team,
    territory_claim,
)


def _kept(subject: Subject, territory: Territory, present: Owner) -> Iterator[Claim]:
    """Keep a member; with `keep: false` only the one last picked. An overflow's rep keeps what they were picked for."""
    named = _names(subject, territory.owners, present)
    if named and territory.keep:
        text = f"kept by territory {territory.path}: it names {present.email}"
        yield Claim(Outcome.KEEP, "kept", text, present, territory.place, territory.text)
    elif _remembered(subject, territory, present) and (named or _named_by_overflow(subject, present)):
        text = f"kept by territory {territory.path}: {present.email} is its last applied pick"
        yield Claim(Outcome.KEEP, "remembered", text, present, territory.place, territory.text)


def _named_by_overflow(subject: Subject, present: Owner) -> bool:
    return any(_names(subject, owners, present) for _, owners in overflows(subject.tree.path))


def _names(subject: Subject, owners: Owners, present: Owner) -> bool:
    return any(member.email == present.email for member in members_of(subject.frame, owners, subject.facts))


def _remembered(subject: Subject, territory: Territory, present: Owner) -> bool:
    """Whether the last applied decision was this territory, under its present or former name, and this rep."""
    applied = subject.facts.applied.get(subject.role)
    if applied is None or applied.territory is None or applied.owner != present.email:
        return False
    return applied.territory.rpartition("/")[2] in (territory.name, territory.was)


def _team_text(subject: Subject) -> str:
    return f"the account {subject.facts.team_holds}, which a change of owner would lose"


def _is_present(subject: Subject, email: str) -> bool:
    present = subject.present
    return present is not None and present.email == email


def _hold(subject: Subject, reason: str, text: str, place: Place | None = None) -> Claim:
    return Claim(Outcome.HELD, reason, text, subject.present, place)


def _for_active_owner(subject: Subject, claim: Claim) -> Claim:
    """The claim as it is for an account with an active owner; else one that says why it does not apply."""
    if holder_active(subject.frame, subject.role, subject.facts):
        return claim
    present = subject.present
    why = f"its owner {present.email} is not an active user" if present else "it has no owner"
    return Claim(
        claim.outcome, claim.reason, f"{claim.reason} does not hold it: {why}", None, claim.place, applies=False
    )
