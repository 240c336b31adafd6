"""Who gets the account, as far as no pick is needed: the order of precedence of RULES.md section 5.

Each step looks at one company and role and returns the claims it makes; the first claim of the first step decides and
the rest are outranked. Knows no loads and picks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import Place
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.rules.conditions import holds
from syncd.rules.deciding.covers import covered_by
from syncd.rules.deciding.exceptions import Exceptions, dispute_of, in_force, override_of
from syncd.rules.deciding.frame import Frame, holder, holder_active, owner_of, respect_ends
from syncd.rules.deciding.leeway import Leeway
from syncd.rules.deciding.people import SEAT, inactive_in, may_keep, members_of, overflows, resolve
from syncd.rules.deciding.retrieving import Reach, recall_of, was_given
from syncd.rules.deciding.tree_result import TreeResult
from syncd.rules.facts import Facts
from syncd.rules.pack import Override, Owners, OwnersByQueue, Protect, Territory, Unassigned

NOT_MANAGED = "not-managed"
"""The note on a decision outside the pack's managed territories: planned and reported, never written."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The company whose owner this one follows; `decision` None means that it is not picked yet."""

    key: str
    decision: Decision | None = None

    @property
    def owner(self) -> Owner | None:
        """Who has it after the run: outside the managed territories that is who has it now."""
        if self.decision is None:
            return None
        return self.decision.current_owner if NOT_MANAGED in self.decision.notes else self.decision.owner


@dataclass(frozen=True, slots=True)
class Subject:
    """One company in one role, with its territory: what every step looks at.

    `leeway` is what could keep it where it was last applied. `parent` is whom it follows, where its territory says so.
    `depends_until` is when time alone would next change a decision that this one takes its owner from. `reach` says
    whether `retrieve` reaches it, None while that is not known.
    """

    frame: Frame
    exceptions: Exceptions
    role: str
    facts: Facts
    tree: TreeResult
    leeway: Leeway | None = None
    parent: Parent | None = None
    depends_until: datetime | None = None
    reach: Reach | None = None

    @property
    def present(self) -> Owner | None:
        """Who has the role now."""
        return holder(self.frame, self.role, self.facts)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one step says: the outcome, the owner it asks for, why, and where that is written.

    A claim with `applies` false decides nothing: it says why its step does not hold this account. One that `waits`
    applies, but its owner is known only when somebody else is picked.
    """

    outcome: Outcome
    reason: str
    text: str
    owner: Owner | None
    place: Place | None = None
    rule_text: str = ""
    applies: bool = True
    waits: bool = False


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
    owner = resolve(frame, entry.owner, subject.facts)
    if owner is None:
        text = f"held: nobody has {entry.owner}, the override's owner"
        yield _hold(subject, "override-owner-inactive", text, entry.place)
        return
    inactive = inactive_in(frame, owner, subject.facts)
    named = _named(entry, owner)
    if inactive is not None:
        text = f"held: the override's owner {named} is {inactive}"
        yield _hold(subject, "override-owner-inactive", text, entry.place)
        return
    outcome = Outcome.KEEP if _is_present(subject, owner) else Outcome.CHANGE
    until = f", until {entry.expires}" if entry.expires else ""
    text = f"override to {named} by {entry.by}: {entry.why}{until}"
    if outcome is Outcome.CHANGE and subject.role == "owner" and subject.facts.team_holds:
        # Teams cannot be restored yet: not even a person's word may drop one in silence.
        yield _hold(subject, "has-team", f"held in spite of the {text}: {_team_text(subject)}", entry.place)
    yield Claim(outcome, "override", text, owner_of(frame, owner), entry.place, entry.account)


def _named(entry: Override, owner: str) -> str:
    return f"{entry.owner} ({owner})" if entry.owner.startswith(SEAT) else owner


def locked(subject: Subject) -> Iterator[Claim]:
    """The CRM's lock field holds an account whose owner is active."""
    if subject.facts.values.get("locked") is True:
        yield _for_active_owner(subject, _hold(subject, "locked", "held: the account is locked in the CRM"))


def changed_by_person(subject: Subject) -> Iterator[Claim]:
    """A person's change of who has it holds until it is adopted or reverted, or `respect_people_for` has passed."""
    frame, changed = subject.frame, subject.facts.changed_by_person(subject.role)
    if changed is None:
        return
    ends = respect_ends(frame, subject.facts, subject.role)
    if ends is not None and ends <= frame.context.now:
        return
    yield _for_active_owner(subject, _hold(subject, "changed-by-person", f"held: {changed[1]}"))


def protect(subject: Subject) -> Iterator[Claim]:
    """Every protect rule that matches, by name."""
    frame, facts = subject.frame, subject.facts
    if frame.classes is not None:
        matching: Iterable[Protect] = frame.classes.protecting(facts)
    else:
        rules = sorted(frame.pack.protect, key=lambda rule: rule.name)
        matching = (rule for rule in rules if holds(rule.when, facts, frame.context))
    for rule in matching:
        in_time = rule.until is None or frame.today <= rule.until
        if subject.role in rule.roles and in_time:
            yield _for_active_owner(subject, _hold(subject, rule.name, f"held: {rule.reason}", rule.place))


def account_team(subject: Subject) -> Iterator[Claim]:
    """An account whose team an owner write would lose is held unless what follows leaves it where it is.

    A territory that names nobody but the present owner leaves it there, also with `keep: false`.
    """
    team, territory, present = subject.facts.team_holds, subject.tree.territory, subject.present
    if subject.role != "owner" or not team or territory is None:
        return
    followed = next((claim for claim in follow_parent(subject) if claim.applies), None)
    if followed is not None:
        if followed.outcome is Outcome.CHANGE:
            yield _hold(subject, "has-team", f"held: {_team_text(subject)}")
        return
    if any(territory_claim(subject)):
        return
    named = {member.email for member in members_of(subject.frame, territory.owners, subject.facts)}
    if present is not None and named == {present.email} and may_keep(subject.frame, present.email, subject.facts):
        text = f"kept by territory {territory.path}: it names only {present.email}"
        yield Claim(Outcome.KEEP, "kept", text, present, territory.place, territory.text)
    else:
        yield _hold(subject, "has-team", f"held: {_team_text(subject)}")


def follow_parent(subject: Subject) -> Iterator[Claim]:
    """With `follow_parent` a company takes the owner of its ultimate parent, if that one has one who may have it."""
    territory, parent = subject.tree.territory, subject.parent
    if territory is None or not territory.follow_parent:
        return
    place = territory.place
    lacking = _not_followed(subject)
    if lacking is not None:
        text = f"follow-parent does not apply: {lacking}"
        yield Claim(Outcome.KEEP, "follow-parent", text, None, place, applies=False)
    elif parent is not None and parent.owner is not None:
        outcome = Outcome.KEEP if _is_present(subject, parent.owner.email) else Outcome.CHANGE
        owner = subject.present if outcome is Outcome.KEEP else owner_of(subject.frame, parent.owner.email)
        how = parent.decision.reason if parent.decision is not None else ""
        text = f"follows its ultimate parent {parent.key}: {parent.owner.email} ({how})"
        yield Claim(outcome, "follow-parent", text, owner, place, territory.text)
    elif parent is not None:
        text = f"follows its ultimate parent {parent.key}, whose owner is picked"
        yield Claim(Outcome.KEEP, "follow-parent", text, None, place, territory.text, waits=True)


def _not_followed(subject: Subject) -> str | None:
    """Why there is no parent's owner to take; None if there is one, or will be, or the company has no parent at all."""
    facts, parent = subject.facts, subject.parent
    if parent is None:
        above = facts.values.get("parent")
        if facts.head == facts.key:
            return "its parents form a ring, of which it counts as the top"
        shown = ", ".join(sorted(above)) if isinstance(above, frozenset) else above
        return f"its parent {shown} is not among the accounts" if shown else None
    if parent.decision is None:
        return None
    if parent.owner is None:
        return f"its ultimate parent {parent.key} has no owner ({parent.decision.reason})"
    inactive = inactive_in(subject.frame, parent.owner.email, facts)
    return f"{parent.owner.email}, the owner of its ultimate parent {parent.key}, is {inactive}" if inactive else None


def retrieve(subject: Subject) -> Iterator[Claim]:
    """An account that nobody works goes to a member of the rule's pool, who is picked after all are settled."""
    recall = recall_of(subject.frame, subject.role, subject.facts)
    if recall is None or subject.tree.territory is None:
        return
    text, applies = recall.text, recall.due and subject.reach in (None, Reach.WITHIN)
    if recall.due and not applies:
        text = f"not retrieved: {subject.reach}"
    yield Claim(Outcome.CHANGE, "retrieved", text, None, recall.place, recall.rule_text, applies=applies, waits=applies)


def territory_claim(subject: Subject) -> Iterator[Claim]:
    """What the territory says without a pick: it names the present owner, or it assigns nobody."""
    territory = subject.tree.territory
    present = subject.present
    if present is not None and _is_cleared(subject):
        where = f"territory {territory.path} assigns nobody" if territory else "no territory of the role matches"
        text = f"emptied: {where}, and role {subject.role} says `otherwise: clear`"
        place, rule = (territory.place, territory.text) if territory else (None, "")
        yield Claim(Outcome.CHANGE, "cleared", text, None, place, rule)
    elif territory is None:
        text = f"kept: no territory of role {subject.role} matches"
        yield Claim(Outcome.KEEP, "no-territory", text, present)
    elif isinstance(territory.owners, OwnersByQueue):
        yield _queued(subject, territory, territory.owners.queue)
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
    follow_parent,
    retrieve,
    territory_claim,
)


def _is_cleared(subject: Subject) -> bool:
    """Whether the role empties what no territory of it gives to anybody."""
    territory = subject.tree.territory
    nobody = territory is None or isinstance(territory.owners, Unassigned)
    return nobody and subject.role in subject.frame.pack.cleared_roles


def _queued(subject: Subject, territory: Territory, queue: str) -> Claim:
    """A queue is for leads: an account of such a territory stays with its active owner, else nobody has it."""
    text = f"territory {territory.path} names the queue {queue}, which can own leads but no account"
    if holder_active(subject.frame, subject.role, subject.facts):
        return Claim(Outcome.HELD, "queue", f"held: {text}", subject.present, territory.place, territory.text)
    return Claim(Outcome.UNASSIGNED, "queue", f"unassigned: {text}", subject.present, territory.place, territory.text)


def _kept(subject: Subject, territory: Territory, present: Owner) -> Iterator[Claim]:
    """Keep a member; with `keep: false` only the one last picked. An overflow's rep and a cover keep their picks."""
    named = _names(subject, territory.owners, present)
    if named and territory.keep:
        text = f"kept by territory {territory.path}: it names {present.email}"
        yield Claim(Outcome.KEEP, "kept", text, present, territory.place, territory.text)
    elif _remembered(subject, territory, present) and (
        named
        or _named_beside(subject, present)
        or was_given(subject.frame, subject.role, subject.facts, territory, present.email)
    ):
        text = f"kept by territory {territory.path}: {present.email} is its last applied pick"
        yield Claim(Outcome.KEEP, "remembered", text, present, territory.place, territory.text)


def _named_beside(subject: Subject, present: Owner) -> bool:
    """Whether a rep is no member but was a candidate: by an overflow, or as the cover of somebody named."""
    frame, facts = subject.frame, subject.facts
    lent = [owners for _, owners in overflows(subject.tree.path)]
    if any(_names(subject, owners, present) for owners in lent):
        return True
    own = subject.tree.path[-1].owners
    return any(covered_by(frame, owners, present.email, facts) for owners in (own, *lent))


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
