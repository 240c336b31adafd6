"""Why a company has the owner it has: every outcome computed from the account by the matcher itself (RULES.md 9).

It shows the decision that it is given, or settles what needs no pick; it never picks. Text is rendered elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.clock import iso
from syncd.errors import Place, UsageError
from syncd.model.decisions import Decision, Owner
from syncd.rules.conditions import holds
from syncd.rules.deciding.covers import candidates_of
from syncd.rules.deciding.exceptions import Exceptions, match_exceptions
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.people import barred, overflows
from syncd.rules.deciding.precedence import Subject
from syncd.rules.deciding.retrieving import recall_of
from syncd.rules.deciding.tree_result import Cause, TreeResult, in_effect
from syncd.rules.engine import Book, examine, following, settle
from syncd.rules.explaining.clauses import Clause, clause_of, where
from syncd.rules.explaining.near_misses import NearMiss, near_misses
from syncd.rules.facts import Facts, Grade
from syncd.rules.pack import Owners, OwnersByPair, OwnersByPool, Pack, Territory
from syncd.rules.scoring import grade_document, graded

_NOBODY = frozenset({"no-eligible-rep", "unassigned"})
_NO_ROOM = "no room when the plan was made: a cap or limit was reached"
"""Why a candidate was none whom nothing else keeps away: loads are the plan's, and are not worked out again here."""


@dataclass(frozen=True, slots=True)
class Step:
    """One territory on the way in; `row` is its table row, `note` and `labels` are for people."""

    territory: str
    place: Place
    row: int | None
    condition: Clause
    note: str | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Loser:
    """One territory that did not take the account, and why; `by` is the ancestor, or the earlier one, that is to blame.

    `condition` is shown where the territory's own condition is false.
    """

    territory: str
    place: Place
    row: int | None
    cause: Cause
    by: str | None
    condition: Clause | None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the order of precedence that speaks about the account; `applies` false says why it does not count."""

    reason: str
    text: str
    place: Place | None
    applies: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One rep who may be picked: the load at the step of the pick where it is known, else why not now, or neither."""

    email: str
    load: str | None
    barred: str | None
    overflow_of: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything `explain` shows of one company and role. `decision` None means not picked yet."""

    company: str
    accounts: tuple[str, ...]
    role: str
    now: datetime
    current_owner: Owner | None
    decision: Decision | None
    path: tuple[Step, ...]
    losers: tuple[Loser, ...]
    precedence: tuple[Rung, ...]
    options: tuple[Option, ...]
    notes: tuple[str, ...]
    findings: tuple[str, ...]
    grade: Grade | None = None
    near_misses: tuple[NearMiss, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON values; equal explanations give equal JSON. Keys may be added, never changed."""
        decision = self.decision
        return {
            "format": 1,
            "company": self.company,
            "accounts": list(self.accounts),
            "role": self.role,
            "now": iso(self.now),
            "current_owner": _owner_json(self.current_owner),
            "territory": "/".join(step.territory for step in self.path[-1:]) or None,
            "picked": decision is not None,
            "decision": None if decision is None else _decision_json(decision),
            "path": [
                {
                    **where(step.place),
                    "territory": step.territory,
                    "row": step.row,
                    "when": step.condition.to_json(),
                    "note": step.note,
                    "labels": dict(step.labels),
                }
                for step in self.path
            ],
            "losers": [
                {
                    **where(loser.place),
                    "territory": loser.territory,
                    "row": loser.row,
                    "cause": loser.cause.value,
                    "by": loser.by,
                    "when": loser.condition.to_json() if loser.condition else None,
                }
                for loser in self.losers
            ],
            "near_misses": [
                {
                    **where(miss.place),
                    "territory": miss.territory,
                    "row": miss.row,
                    "clause": miss.clause.to_json(),
                    "behind": miss.behind,
                }
                for miss in self.near_misses
            ],
            "precedence": [
                {**where(rung.place), "reason": rung.reason, "text": rung.text, "applies": rung.applies}
                for rung in self.precedence
            ],
            "candidates": [
                {
                    "email": option.email,
                    "load": option.load,
                    "not_now": option.barred,
                    "overflow_of": option.overflow_of,
                }
                for option in self.options
            ],
            "notes": list(self.notes),
            "findings": list(self.findings),
            "grade": grade_document(self.grade),
        }


def explain(
    pack: Pack,
    book: Book,
    key: str,
    now: datetime,
    decision: Decision | None = None,
    *,
    role: str = "owner",
    others: Iterable[Decision] = (),
) -> Explanation:
    """Explain one company of the book in one role.

    `decision` is the saved one, whose pick and loads are shown as they were; without it a company that needs a pick is
    shown as not picked yet, with its candidates. `others` are the decisions of the same run, for whom this one follows
    or is paired with: without them it is shown as far as it needs no pick of theirs. Raises UsageError SYN327 for a key
    or role that is not there.
    """
    return explanation_of(subject_of(pack, book, key, now, role=role, others=others), decision)


def explanation_of(subject: Subject, decision: Decision | None = None) -> Explanation:
    """The explanation of a company that was looked at already; `decision` as in `explain`."""
    frame, facts, tree, role = subject.frame, subject.facts, subject.tree, subject.role
    roots = frame.pack.roles[role]
    settled, claims = settle(subject)
    shown = decision or settled
    return Explanation(
        company=facts.key,
        accounts=facts.accounts,
        role=role,
        now=frame.context.now,
        current_owner=subject.present,
        decision=shown,
        path=tuple(_step(frame, facts, territory) for territory in tree.path),
        losers=tuple(_losers(subject, roots)),
        precedence=tuple(Rung(each.reason, each.text, each.place, each.applies) for each in claims),
        options=tuple(_options(subject, decision, picks=settled is None)),
        notes=(*facts.notes, *_stays(subject), *_unpaired(subject), *_moved_on(decision, tree)),
        findings=facts.findings,
        grade=facts.grade,
        near_misses=tuple(near_misses(frame, facts, roots, tree.path)),
    )


def subject_of(
    pack: Pack, book: Book, key: str, now: datetime, *, role: str = "owner", others: Iterable[Decision] = ()
) -> Subject:
    """One company of the book as a role looks at it, with whom it follows and is paired with as far as that is known.

    Raises UsageError SYN327 for a key or role that is not there.
    """
    facts = next((each for each in book.facts if each.key == key), None)
    if facts is None or role not in pack.roles:
        what = f"no company {key}" if facts is None else f"no role {role} in the pack"
        raise UsageError("SYN327", f"there is {what}", hint="Name a company of the book by its key.")
    frame = Frame.of(pack, book.directory, now, book.memory)
    exceptions, _ = match_exceptions(pack, book.facts, now)
    return _subject(frame, exceptions, role, facts, book, {(each.company, each.role): each for each in others})


def _subject(
    frame: Frame,
    exceptions: Exceptions,
    role: str,
    facts: Facts,
    book: Book,
    others: Mapping[tuple[str, str], Decision],
) -> Subject:
    """The company as the engine looks at it, with whom it follows and is paired with as far as that is known."""
    facts = next(graded(frame.pack, (facts,), frame.context.now))
    known = dict(others)
    for earlier in frame.pack.roles_in_order:
        if earlier == role:
            break
        decided, _ = settle(_subject(frame, exceptions, earlier, facts, book, known))
        if decided is not None:
            known[facts.key, earlier] = decided
    subject = examine(frame, exceptions, role, facts, known)
    if subject.parent is None:
        return subject
    above = next((each for each in book.facts if each.key == facts.head), None)
    if above is None:
        return following(subject, None)
    decided = settle(_subject(frame, exceptions, role, above, book, known))[0] or known.get((above.key, role))
    return subject if decided is None else following(subject, decided)


def _step(frame: Frame, facts: Facts, territory: Territory) -> Step:
    condition = clause_of(territory.when, facts, frame.context)
    labels = tuple(sorted(territory.labels.items()))
    return Step(territory.path, territory.place, territory.row, condition, territory.note, labels)


def _losers(subject: Subject, level: tuple[Territory, ...], above: tuple[Territory, ...] = ()) -> Iterator[Loser]:
    for territory in level:
        if not any(territory is entered for entered in subject.tree.path):
            yield _loser(subject, territory, above)
        yield from _losers(subject, territory.children, (*above, territory))


def _loser(subject: Subject, territory: Territory, above: tuple[Territory, ...]) -> Loser:
    frame, facts, tree = subject.frame, subject.facts, subject.tree
    line = (*above, territory)
    asleep = next((each for each in line if not in_effect(each, frame.today)), None)
    if asleep is not None:
        by = asleep.path if asleep is not territory else None
        return Loser(territory.path, territory.place, territory.row, Cause.NOT_IN_EFFECT, by, None)
    if not holds(territory.when, facts, frame.context):
        condition = clause_of(territory.when, facts, frame.context)
        return Loser(territory.path, territory.place, territory.row, Cause.OWN_CONDITION, None, condition)
    failing = next((each for each in above if not holds(each.when, facts, frame.context)), None)
    if failing is not None:
        return Loser(territory.path, territory.place, territory.row, Cause.ANCESTOR, failing.path, None)
    if subject.leeway is not None and subject.leeway.stay is not None:
        stays_in = subject.leeway.territory.path
        return Loser(territory.path, territory.place, territory.row, Cause.LEEWAY, stays_in, None)
    shared = sum(1 for each, entered in zip(line, tree.path, strict=False) if each is entered)
    return Loser(territory.path, territory.place, territory.row, Cause.EARLIER, tree.path[shared].path, None)


def _options(subject: Subject, decision: Decision | None, *, picks: bool) -> Iterator[Option]:
    """Those whom a saved decision chose among; why it found nobody; who there is for one that is not picked yet."""
    if decision is None:
        if picks:
            yield from _open_options(subject)
    elif decision.reason in _NOBODY and not decision.candidates:
        for option in _open_options(subject):
            yield replace(option, barred=option.barred or _NO_ROOM)
    else:
        for email in decision.candidates:
            yield Option(email, decision.loads.get(email), None, None)


def _open_options(subject: Subject) -> Iterator[Option]:
    path, rule = subject.tree.path, subject.frame.pack.retrieve
    recall = recall_of(subject.frame, subject.role, subject.facts)
    if rule is not None and recall is not None and recall.due:
        yield from _members(subject, OwnersByPool(rule.pool), None)
        return
    yield from _members(subject, path[-1].owners, None)
    for lender, owners in overflows(path):
        yield from _members(subject, owners, lender.path)


def _members(subject: Subject, owners: Owners, overflow_of: str | None) -> Iterator[Option]:
    for member in candidates_of(subject.frame, owners, subject.facts):
        yield Option(member.email, None, barred(subject.frame, member.email, subject.facts), overflow_of)


def _stays(subject: Subject) -> tuple[str, ...]:
    text = subject.leeway.text if subject.leeway is not None else None
    return (text,) if text is not None else ()


def _unpaired(subject: Subject) -> tuple[str, ...]:
    """That whoever the territory's rep is paired with is not decided, as far as that matters."""
    territory = subject.tree.territory
    if territory is None or not isinstance(territory.owners, OwnersByPair):
        return ()
    paired = territory.owners.pair_with
    return () if paired in subject.facts.decided else (f"its rep is looked up by the {paired}, who is not picked yet",)


def _moved_on(decision: Decision | None, tree: TreeResult) -> tuple[str, ...]:
    now = tree.territory.path if tree.territory else None
    if decision is None or decision.territory == now:
        return ()
    then = decision.territory or "none"
    return (f"the saved decision was made in territory {then}; the account is now in {now or 'none'}",)


def _owner_json(owner: Owner | None) -> dict[str, str] | None:
    if owner is None:
        return None
    return {"email": owner.email, **{system.value: owner.ids[system] for system in sorted(owner.ids)}}


def _decision_json(decision: Decision) -> dict[str, Any]:
    return {
        **where(decision.place),
        "territory": decision.territory,
        "owner": _owner_json(decision.owner),
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "text": decision.text,
        "outranked": [{"reason": reason, "text": text} for reason, text in decision.outranked],
        "notes": list(decision.notes),
        "next_change_at": iso(decision.next_change_at) if decision.next_change_at else None,
    }
