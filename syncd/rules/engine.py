"""The decision engine: facts, pack, people and an instant in; one decision per company and role out.

Record at a time, by the plain evaluator or by classes that equal it. Pure: no I/O, clock or logger, and the order of
the input never matters. Pass 1 settles what is held, overridden or kept and sums the loads; pass 2 picks the rest, role
by role and territory by territory. Who follows a parent is settled in pass 1 where the parent is, else after its pick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from sys import intern

from syncd.errors import Finding, InputError, Severity
from syncd.model.decisions import Decision, Outcome
from syncd.rules.classes.territories import PackClasses, TerritoryAnswers
from syncd.rules.deciding.assignment import Candidate, Pick, pick, pick_retrieved
from syncd.rules.deciding.exceptions import Exceptions, match_exceptions
from syncd.rules.deciding.frame import Frame, Traits, coming, holder_active, measure, owner_of
from syncd.rules.deciding.kept import Kept
from syncd.rules.deciding.leeway import leeway_of
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.methods import method_of
from syncd.rules.deciding.people import identity_of
from syncd.rules.deciding.precedence import NOT_MANAGED as NOT_MANAGED
from syncd.rules.deciding.precedence import Claim, Parent, Subject, claims_on
from syncd.rules.deciding.retrieving import Reach, within_budget
from syncd.rules.deciding.timing import keep_changes, next_change_at, pick_changes
from syncd.rules.deciding.tree import tree_of
from syncd.rules.facts import Directory, Facts
from syncd.rules.matching.time_window import LATEST
from syncd.rules.memory import NO_MEMORY, Memory
from syncd.rules.pack import OwnersByPair, Pack, Territory
from syncd.rules.scoring import graded

MANY = 100
"""From so many companies on, compiling a pack's conditions into classes costs less than it saves."""
SETTLED_BY_TERRITORY = frozenset({"kept", "remembered", "unassigned", "no-territory", "cleared", "queue"})


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that is decided together: all companies (keys are unique) and everybody who may be an owner.

    `findings` are remarks of whoever read the book; the engine does not look at them. `memory` is what the ledger knows
    of rotations, of what was given lately and of retrievals.
    """

    facts: tuple[Facts, ...]
    directory: Directory
    findings: tuple[Finding, ...] = ()
    memory: Memory = NO_MEMORY


def decide(
    pack: Pack,
    book: Book,
    now: datetime,
    *,
    plain: bool = False,
    traits: Traits | None = None,
    kept: Sequence[Kept] = (),
    classes: TerritoryAnswers | None = None,
) -> tuple[Decision, ...]:
    """Decide every company in every role of the pack; sorted by company, then role.

    Raises InputError SYN321 with all findings where an exception of the pack matches two accounts, or two overrides are
    in force for one account and role. With many companies the pack's conditions are answered by classes; `plain` asks
    each for each company instead: slower, with the same decisions, and the reference that classes are held to. `traits`
    are those of the pack: whoever decides about many small books works them out once. `kept` are companies outside the
    book that a batch has settled: they keep their owners, and count in the loads. `classes` are the pack's at `now`.
    """
    frame = Frame.of(pack, book.directory, now, book.memory, traits)
    if not plain and (classes is not None or len(book.facts) >= MANY):
        frame = replace(frame, classes=classes or PackClasses(pack).at(frame.context))
    exceptions, findings = match_exceptions(pack, book.facts, now)
    errors = [each for each in findings if each.severity is Severity.ERROR]
    if errors:
        raise InputError("SYN321", "the pack cannot be applied to these accounts", findings=errors)
    decisions: dict[tuple[str, str], Decision] = {}
    for role in pack.roles_in_order:
        subjects = [examine(frame, exceptions, role, facts, decisions) for facts in graded(pack, book.facts, now)]
        decided = list(_decide_role(frame, role, subjects, kept))
        decisions.update({(decision.company, role): decision for decision in decided})
    return tuple(decisions[key] for key in sorted(decisions))


def managed(frame: Frame, path: tuple[Territory, ...]) -> bool:
    """Whether decisions of this territory may be written: it or an ancestor is in `manage`, and its day has come."""
    pack = frame.pack
    if pack.manage_from is not None and frame.today < pack.manage_from:
        return False
    return pack.manage is None or any({each.name, each.path} & set(pack.manage) for each in path)


def examine(
    frame: Frame,
    exceptions: Exceptions,
    role: str,
    facts: Facts,
    earlier: Mapping[tuple[str, str], Decision],
) -> Subject:
    """A company as a role looks at it, with its territory; `earlier` are decisions of other roles, by company, role."""
    plain = tree_of(frame, role, facts)
    leeway = leeway_of(frame, role, facts, plain)
    tree = leeway.stay.tree if leeway is not None and leeway.stay is not None else plain
    territory = tree.territory
    follows = territory is not None and territory.follow_parent and facts.head not in (None, facts.key)
    parent = Parent(facts.head) if follows and facts.head is not None else None
    named = (owners for each in tree.path for owners in (each.owners, each.overflow))
    pairs = {owners.pair_with for owners in named if isinstance(owners, OwnersByPair)}
    beside = [earlier[facts.key, name] for name in sorted(pairs) if (facts.key, name) in earlier]
    if beside:
        decided = {each.role: each.owner.email if each.owner is not None else None for each in beside}
        facts = replace(facts, decided=decided)
    until = coming(frame, *(each.next_change_at for each in beside))
    return Subject(frame, exceptions, role, facts, tree, leeway, parent, until)


def following(subject: Subject, parent: Decision | None) -> Subject:
    """The subject when the decision of whom it follows is known; None for a parent that the book does not hold."""
    if subject.parent is None or parent is None:
        return replace(subject, parent=None)
    until = coming(subject.frame, subject.depends_until, parent.next_change_at)
    return replace(subject, parent=Parent(parent.company, parent), depends_until=until)


def settle(subject: Subject) -> tuple[Decision | None, tuple[Claim, ...]]:
    """Pass 1 for one company and role: its decision where no pick is needed, and every claim made on it.

    No decision either where the claim that decides waits for a pick of somebody else: see `waits`.
    """
    claims = claims_on(subject)
    deciding = next((index for index, claim in enumerate(claims) if claim.applies), None)
    if deciding is None or claims[deciding].waits:
        return None, claims
    claim = claims[deciding]
    outranked = [(each.reason, each.text) for each in claims[deciding + 1 :] if each.applies]
    territory = subject.tree.territory
    if territory is not None and not any(each.reason in SETTLED_BY_TERRITORY for each in claims):
        outranked.append(("picked", f"territory {territory.path} would pick"))
    people = keep_changes(subject, claim)
    return _decision(subject, claim, claims[:deciding], people, outranked=tuple(outranked)), claims


def waits(claims: Iterable[Claim]) -> bool:
    """Whether the claim that decides needs a pick of somebody else first."""
    return next((claim.waits for claim in claims if claim.applies), False)


def _decide_role(frame: Frame, role: str, subjects: Sequence[Subject], kept: Sequence[Kept] = ()) -> Iterator[Decision]:
    run = _Run(frame, role, kept)
    keys = {subject.facts.key for subject in subjects if subject.parent is None}
    followers = [subject for subject in subjects if subject.parent is not None]
    for subject in subjects:
        if subject.parent is None:
            yield from run.settle(subject)
    for subject in followers:
        above = subject.parent.key if subject.parent is not None else ""
        known = run.decided.get(above)
        yield from run.settle(subject if known is None and above in keys else following(subject, known))
    yield from run.retrieve()
    yield from run.pick()


class _Run:
    """One role of one book while it is decided: loads, who waits for a pick, and who waits for a parent's."""

    def __init__(self, frame: Frame, role: str, kept: Sequence[Kept]) -> None:
        self.decided: dict[str, Decision] = {}
        self._frame = frame
        self._role = role
        self._loads = Loads.of(frame, role)
        for each in kept:
            self._loads.add_kept(each)
        self._due: list[Subject] = []
        self._pending: dict[str, list[tuple[Subject, tuple[Claim, ...]]]] = {}
        self._waiting: dict[str, list[Subject]] = {}

    def settle(self, subject: Subject) -> Iterator[Decision]:
        """Pass 1 for one company: its decision if there is one already, else it is kept for pass 2."""
        decision, claims = settle(subject)
        if decision is not None:
            yield self._counted(subject, decision)
        elif waits(claims) and subject.reach is None and is_due(claims):
            self._due.append(subject)
        elif waits(claims) and not is_due(claims) and subject.parent is not None:
            self._waiting.setdefault(subject.parent.key, []).append(subject)
        else:
            self._pending.setdefault(subject.tree.path[-1].path, []).append((subject, claims))

    def retrieve(self) -> Iterator[Decision]:
        """The end of pass 1: those due to be retrieved wait for a pick within the budget; the rest is settled."""
        chosen = within_budget(self._frame, (subject.facts for subject in self._due))
        for subject in sorted(self._due, key=lambda each: each.facts.key):
            reach = Reach.WITHIN if subject.facts.key in chosen else Reach.OVER
            for decision in self.settle(replace(subject, reach=reach)):
                yield decision
                yield from self._follow(decision)

    def pick(self) -> Iterator[Decision]:
        """Pass 2: everybody who is left, each pick followed by those who take its owner."""
        for territory in picking_order(self._frame.pack, self._role):
            if not self._pending:
                break
            pending = self._pending.pop(territory.path, [])
            pending.sort(key=lambda each: dealing_order(self._frame, territory, each[0].facts))
            for subject, claims in pending:
                decision = self._counted(subject, self._picked(subject, claims))
                yield decision
                yield from self._follow(decision)

    def _picked(self, subject: Subject, claims: tuple[Claim, ...]) -> Decision:
        """The pick of one company, or of the pool that it is retrieved for; a turn of a rotation is taken."""
        decision = _retrieved(subject, claims, self._loads) if is_due(claims) else None
        if decision is None and is_due(claims):
            settled, claims = settle(subject := replace(subject, reach=Reach.NOBODY))
            decision = settled
        if decision is None:
            decision = _picked(subject, claims, self._loads)
        if decision.turn is not None:
            self._loads.take(decision.turn, self._frame)
        return decision

    def _follow(self, parent: Decision) -> Iterator[Decision]:
        """Those who waited for a pick: with nobody to follow, they are settled or picked by their own territory."""
        for subject in sorted(self._waiting.pop(parent.company, []), key=lambda each: each.facts.key):
            known = following(subject, parent)
            decision, claims = settle(known)
            yield self._counted(known, decision or self._picked(known, claims))

    def _counted(self, subject: Subject, decision: Decision) -> Decision:
        self.decided[subject.facts.key] = decision
        if decision.owner is not None:
            email, path = decision.owner.email, subject.tree.path
            self._loads.add(email, subject.facts, path, identity_of(self._frame, path, email, subject.facts))
            if decision.outcome is Outcome.CHANGE:
                self._loads.give(email, path)
        return decision


def picking_order(pack: Pack, role: str) -> Iterator[Territory]:
    """The territories of a role in the order pass 2 works: as written, children before their parent."""

    def below(territory: Territory) -> Iterator[Territory]:
        for child in territory.children:
            yield from below(child)
        yield territory

    for root in pack.roles.get(role, ()):
        yield from below(root)


def dealing_order(frame: Frame, territory: Territory, facts: Facts) -> tuple[Decimal | datetime, str]:
    """The order in which a territory's accounts are picked for: the weightiest first; where it rotates, the oldest."""
    if method_of(frame.pack, territory.owners, territory.assign, 1) == "rotate":
        created = facts.values.get("created_at")
        return (created if isinstance(created, datetime) else LATEST, facts.key)
    return (measure(facts, territory.balance_by).copy_negate(), facts.key)


def is_due(claims: Iterable[Claim]) -> bool:
    """Whether what decides is that the account is retrieved."""
    return next((claim.reason == "retrieved" for claim in claims if claim.applies), False)


def _retrieved(subject: Subject, claims: tuple[Claim, ...], loads: Loads) -> Decision | None:
    """The member of the rule's pool who gets a retrieved account; None if the pool has nobody for it."""
    found = pick_retrieved(subject.frame, subject.tree.path, subject.facts, loads)
    if found is None:
        return None
    deciding = next(index for index, claim in enumerate(claims) if claim.applies)
    claim = claims[deciding]
    text, owner = f"{claim.text}; {found.text}", owner_of(subject.frame, found.email)
    told = replace(claim, text=text, owner=owner, rule_text=f"{subject.tree.path[-1].text} {claim.rule_text}")
    outranked = tuple((each.reason, each.text) for each in claims[deciding + 1 :] if each.applies)
    people = pick_changes(subject, found)
    return _decision(subject, told, claims[:deciding], people, outranked=outranked, picked=found)


def _picked(subject: Subject, claims: tuple[Claim, ...], loads: Loads) -> Decision:
    """Pass 2 for one company: the rep picked; where nobody can be, its active owner holds it, else it is unassigned."""
    frame, territory, present = subject.frame, subject.tree.path[-1], subject.present
    picked = pick(frame, subject.tree.path, subject.facts, loads)
    people = pick_changes(subject, picked)
    if picked is None:
        if present is not None and holder_active(frame, subject.role, subject.facts):
            text = f"held: territory {territory.path} has no eligible rep, so it stays with {present.email}"
            claim = Claim(Outcome.HELD, "no-eligible-rep", text, present, territory.place, territory.text)
        else:
            text = f"unassigned: territory {territory.path} has no eligible rep"
            claim = Claim(Outcome.UNASSIGNED, "unassigned", text, present, territory.place, territory.text)
        return _decision(subject, claim, claims, people)
    same = present is not None and present.email == picked.email
    outcome = Outcome.KEEP if same else Outcome.CHANGE
    owner = present if same else owner_of(frame, picked.email)
    claim = Claim(outcome, "picked", picked.text, owner, territory.place, territory.text)
    return _decision(subject, claim, claims, people, picked=picked)


def _decision(
    subject: Subject,
    claim: Claim,
    passed_over: tuple[Claim, ...],
    people: datetime | None,
    *,
    outranked: tuple[tuple[str, str], ...] = (),
    picked: Pick | None = None,
) -> Decision:
    facts, territory = subject.facts, subject.tree.territory
    available: tuple[Candidate, ...] = picked.draw.available if picked is not None else ()
    reasons = tuple(each.text for each in passed_over)
    if subject.leeway is not None and subject.leeway.text is not None:
        reasons = (*reasons, subject.leeway.text)
    notes = reasons if managed(subject.frame, subject.tree.path) else (NOT_MANAGED, *reasons)
    return Decision(
        company=facts.key,
        accounts=facts.accounts,
        role=subject.role,
        territory=territory.path if territory else None,
        owner=claim.owner,
        current_owner=subject.present,
        outcome=claim.outcome,
        reason=claim.reason,
        text="; ".join((claim.text, *reasons)),
        place=claim.place,
        rule_text=claim.rule_text,
        outranked=outranked,
        notes=notes,
        candidates=tuple(each.member.email for each in available),
        # of ten thousand picks from one pool nearly all loads are equal
        loads={each.member.email: intern(f"{each.load:f}") for each in available},
        next_change_at=next_change_at(subject, people),
        turn=picked.turn if picked is not None else None,
    )
