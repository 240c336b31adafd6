"""The decision engine: facts, pack, people and an instant in; one decision per company and role out.

Plain and record at a time: the reference for every faster engine. Pure: no I/O, clock or logger, and the order of the
input never matters. Pass 1 settles what is held, overridden or kept and sums the loads; pass 2 picks the rest, role by
role and territory by territory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import Finding, InputError, Severity
from syncd.model.decisions import Decision, Outcome
from syncd.rules.deciding.assignment import Candidate, pick, unsupported
from syncd.rules.deciding.exceptions import Exceptions, match_exceptions
from syncd.rules.deciding.frame import Frame, holder_active, measure, owner_of
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.precedence import Claim, Subject, claims_on
from syncd.rules.deciding.timing import keep_changes, next_change_at, pick_changes
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.facts import Directory, Facts
from syncd.rules.pack import Pack, Territory

NOT_MANAGED = "not-managed"
"""The note on a decision outside the pack's managed territories: planned and reported, never written."""
SETTLED_BY_TERRITORY = frozenset({"kept", "remembered", "unassigned", "no-territory"})


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that is decided together: all companies (keys are unique) and everybody who may be an owner.

    `findings` are remarks of whoever read the book; the engine does not look at them.
    """

    facts: tuple[Facts, ...]
    directory: Directory
    findings: tuple[Finding, ...] = ()


def decide(pack: Pack, book: Book, now: datetime) -> tuple[Decision, ...]:
    """Decide every company in every role of the pack; sorted by company, then role.

    Raises InputError SYN321 with all findings where an exception of the pack matches two accounts, two overrides are in
    force for one account and role, or a territory asks for a method that does not exist yet.
    """
    frame = Frame.of(pack, book.directory, now)
    exceptions, findings = match_exceptions(pack, book.facts, now)
    errors = [each for each in (*unsupported(pack), *findings) if each.severity is Severity.ERROR]
    if errors:
        raise InputError("SYN321", "the pack cannot be applied to these accounts", findings=errors)
    decisions = [
        decision for role in roles_in_order(pack) for decision in _decide_role(frame, exceptions, role, book.facts)
    ]
    return tuple(sorted(decisions, key=lambda decision: (decision.company, decision.role)))


def roles_in_order(pack: Pack) -> tuple[str, ...]:
    """The roles of a pack in the order they are decided: owner first, the others as written."""
    return tuple(sorted(pack.roles, key=lambda role: role != "owner"))


def managed(frame: Frame, path: tuple[Territory, ...]) -> bool:
    """Whether decisions of this territory may be written: it or an ancestor is in `manage`, and its day has come."""
    pack = frame.pack
    if pack.manage_from is not None and frame.today < pack.manage_from:
        return False
    return pack.manage is None or any({each.name, each.path} & set(pack.manage) for each in path)


def settle(subject: Subject) -> tuple[Decision | None, tuple[Claim, ...]]:
    """Pass 1 for one company and role: its decision where no pick is needed, and every claim made on it."""
    claims = claims_on(subject)
    deciding = next((index for index, claim in enumerate(claims) if claim.applies), None)
    if deciding is None:
        return None, claims
    claim = claims[deciding]
    outranked = [(each.reason, each.text) for each in claims[deciding + 1 :] if each.applies]
    territory = subject.tree.territory
    if territory is not None and not any(each.reason in SETTLED_BY_TERRITORY for each in claims):
        outranked.append(("picked", f"territory {territory.path} would pick"))
    people = keep_changes(subject, claim)
    return _decision(subject, claim, claims[:deciding], people, outranked=tuple(outranked)), claims


def _decide_role(frame: Frame, exceptions: Exceptions, role: str, companies: Iterable[Facts]) -> Iterator[Decision]:
    loads = Loads(territory.balance_by for territory in frame.pack.territories(role))
    pending: dict[str, list[tuple[Subject, tuple[Claim, ...]]]] = {}
    for facts in companies:
        tree = choose_territory(frame.pack, role, facts, frame.context)
        subject = Subject(frame, exceptions, role, facts, tree)
        decision, claims = settle(subject)
        if decision is None:
            pending.setdefault(tree.path[-1].path, []).append((subject, claims))
            continue
        _count(loads, subject, decision)
        yield decision
    for territory in picking_order(frame.pack, role):
        waiting = pending.pop(territory.path, [])
        waiting.sort(key=lambda each: (measure(each[0].facts, territory.balance_by).copy_negate(), each[0].facts.key))
        for subject, claims in waiting:
            decision = _picked(subject, claims, loads)
            _count(loads, subject, decision)
            yield decision


def picking_order(pack: Pack, role: str) -> Iterator[Territory]:
    """The territories of a role in the order pass 2 works: as written, children before their parent."""

    def below(territory: Territory) -> Iterator[Territory]:
        for child in territory.children:
            yield from below(child)
        yield territory

    for root in pack.roles.get(role, ()):
        yield from below(root)


def _count(loads: Loads, subject: Subject, decision: Decision) -> None:
    if decision.owner is not None:
        loads.add(decision.owner.email, subject.facts, subject.tree.path)


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
    return _decision(subject, claim, claims, people, available=picked.draw.available)


def _decision(
    subject: Subject,
    claim: Claim,
    passed_over: tuple[Claim, ...],
    people: datetime | None,
    *,
    outranked: tuple[tuple[str, str], ...] = (),
    available: tuple[Candidate, ...] = (),
) -> Decision:
    facts, territory = subject.facts, subject.tree.territory
    reasons = tuple(each.text for each in passed_over)
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
        loads={each.member.email: f"{each.load:f}" for each in available},
        next_change_at=next_change_at(subject, people),
    )
