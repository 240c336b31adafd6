"""When time alone would next change a decision: clock-reading conditions, windows, and the dates of people.

Early is allowed, late is not: an instant given here only makes a run look again. Decides nothing.
"""

from __future__ import annotations

from datetime import datetime

from syncd.rules.conditions import holds, next_change
from syncd.rules.deciding.assignment import Pick
from syncd.rules.deciding.covers import cover_changes, cover_ends
from syncd.rules.deciding.frame import Frame, coming, respect_ends
from syncd.rules.deciding.people import availability_changes, keeping_ends, overflows
from syncd.rules.deciding.precedence import Claim, Subject
from syncd.rules.deciding.retrieving import recall_changes
from syncd.rules.deciding.tree_result import Cause, TreeResult
from syncd.rules.facts import Facts
from syncd.rules.pack import OwnersByEmail
from syncd.rules.scoring import grade_changes


def next_change_at(subject: Subject, people: datetime | None) -> datetime | None:
    """The earliest of all that time alone could change for a company and role; `people` is the part of its reps."""
    frame = subject.frame
    manage_from = frame.pack.manage_from
    return coming(
        frame,
        people,
        subject.depends_until,
        tree_changes(subject),
        leeway_changes(subject),
        exception_changes(subject),
        recall_changes(frame, subject.role, subject.facts),
        grade_changes(frame.pack, subject.facts, frame.context),
        frame.start_of(manage_from) if manage_from else None,
    )


def tree_changes(subject: Subject) -> datetime | None:
    """When a condition or a window of a territory that was tried would next flip, by the account's own numbers."""
    tree = subject.leeway.plain if subject.leeway is not None else subject.tree
    return _changes_in(subject.frame, subject.facts, tree)


def leeway_changes(subject: Subject) -> datetime | None:
    """When time alone would next change whether a leeway keeps the account, and where it ends with it."""
    leeway, frame = subject.leeway, subject.frame
    if leeway is None:
        return None
    trials = (_changes_in(frame, trial.facts, trial.tree) for trial in leeway.trials)
    return coming(frame, next_change(leeway.territory.when, subject.facts, frame.context), *trials)


def _changes_in(frame: Frame, facts: Facts, tree: TreeResult) -> datetime | None:
    instants: list[datetime | None] = []
    for territory, cause in tree.passed if tree.waiting is None else tree.waiting:
        clocked = territory.path in frame.clocked
        opens = territory.effective.from_ if territory.effective else None
        if cause is Cause.OWN_CONDITION and clocked:
            instants.append(next_change(territory.when, facts, frame.context))
        elif cause is Cause.NOT_IN_EFFECT and opens and (clocked or holds(territory.when, facts, frame.context)):
            instants.append(frame.start_of(opens))
    for territory in tree.path:
        if territory.path in frame.clocked:
            instants.append(next_change(territory.when, facts, frame.context))
        if territory.effective is not None and territory.effective.until is not None:
            instants.append(frame.end_of(territory.effective.until))
    return coming(frame, *instants)


def exception_changes(subject: Subject) -> datetime | None:
    """When an override, dispute, protect rule or a person's change would next begin or stop to count."""
    frame, facts = subject.frame, subject.facts
    instants: list[datetime | None] = []
    for dispute in subject.exceptions.disputes.get(facts.key, ()):
        instants.append(frame.start_of(dispute.opened) if dispute.opened else None)
    for override in subject.exceptions.overrides.get(facts.key, ()):
        instants.append(frame.end_of(override.expires) if override.expires else None)
        instants.append(availability_changes(frame, OwnersByEmail((override.owner,)), facts))
    for rule in frame.pack.protect:
        if subject.role in rule.roles and (rule.until is None or frame.today <= rule.until):
            instants.append(next_change(rule.when, facts, frame.context))
            if rule.until is not None and holds(rule.when, facts, frame.context):
                instants.append(frame.end_of(rule.until))
    instants.append(respect_ends(frame, facts, subject.role))
    return coming(frame, *instants)


def keep_changes(subject: Subject, claim: Claim) -> datetime | None:
    """When the owner whom a settled decision leaves in place would stop to be named or to be in dates."""
    territory = subject.tree.territory
    if territory is None or claim.owner is None or claim.reason not in ("kept", "remembered"):
        return None
    frame, email, facts = subject.frame, claim.owner.email, subject.facts
    groups = [territory.owners, *(owners for _, owners in overflows(subject.tree.path))]
    ends = (keeping_ends(frame, email, group, facts) for group in groups)
    return coming(frame, *ends, *(cover_ends(frame, group, email, facts) for group in groups))


def pick_changes(subject: Subject, picked: Pick | None) -> datetime | None:
    """When the people who may receive the account would next change, or the one picked would have to hand it on."""
    frame, path = subject.frame, subject.tree.path
    groups = [path[-1].owners, *(owners for _, owners in overflows(path))]
    instants = [availability_changes(frame, group, subject.facts) for group in groups]
    instants += [cover_changes(frame, group, subject.facts) for group in groups]
    if picked is not None:
        instants.append(keeping_ends(frame, picked.email, path[-1].owners, subject.facts))
    if any(each.cap is not None and (each.cap.day is not None or each.cap.week is not None) for each in path):
        instants.append(frame.end_of(frame.today))
    return coming(frame, *instants)
