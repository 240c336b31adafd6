"""What would send an account elsewhere: the smallest change of its fields that ends in a territory, or with a rep.

A territory asks that every condition on its line holds and that no earlier sibling's does. The search takes the first
of these that is not met and tries, for each field that it reads, one value of every class that answers it otherwise;
so no smaller change is missed. Derived fields stand for themselves. Deals, ids and people are not changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.rules.conditions import AllOf, AnyOf, Condition, FieldTest, InSegment, NoneOf, Not, holds
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.people import barred, members_of, resolve
from syncd.rules.deciding.precedence import Subject, claims_on
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.engine import SETTLED_BY_TERRITORY
from syncd.rules.explaining.clauses import shown_value, where
from syncd.rules.explaining.partitions import Choice, Partition, tests_by_field
from syncd.rules.facts import Facts, Value
from syncd.rules.matching.matchers import InList
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import OwnersByLookup, Territory

UNCHANGEABLE = frozenset({"salesforce_id", "hubspot_id", "parent", "ultimate_parent", "systems", "created_at"})
"""Fields that nobody edits to move an account."""
NAMING = frozenset({"name", "domain", "website", "phone"})
"""Fields that say which company it is: with another value it is another company, so such a way is told last."""
MOST_CHANGES = 4
_MOST_ASKED = 150_000
"""Conditions asked before the search ends without an answer: about half a second."""
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that would have another value, None for a missing one; `clauses` are those that it comes to meet."""

    field: str
    before: Value | None
    after: Value | None
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One smallest change: where the account would end, who may get it there, and what would hold it all the same."""

    territory: str
    place: Place
    changes: tuple[FieldChange, ...]
    candidates: tuple[str, ...]
    holds: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What was found: ways of one size, the likeliest first. Without any, `complete` says that there are none.

    `targets` are the territories that were aimed at, `asleep` those of them that are not in effect.
    """

    ways: tuple[Way, ...]
    complete: bool
    targets: tuple[str, ...]
    asleep: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What was found as JSON values."""
        return {
            "targets": list(self.targets),
            "not_in_effect": list(self.asleep),
            "complete": self.complete,
            "ways": [
                {
                    **where(way.place),
                    "territory": way.territory,
                    "changes": [
                        {
                            "field": change.field,
                            "from": None if change.before is None else shown_value(change.before),
                            "to": None if change.after is None else shown_value(change.after),
                            "clauses": list(change.clauses),
                        }
                        for change in way.changes
                    ],
                    "candidates": list(way.candidates),
                    "held_by": [{"reason": reason, "text": text} for reason, text in way.holds],
                    "notes": list(way.notes),
                }
                for way in self.ways
            ],
        }


@dataclass(frozen=True, slots=True)
class _Demand:
    """One condition that must hold, or must not."""

    condition: Condition
    wanted: bool


@dataclass(frozen=True, slots=True)
class _Target:
    """One territory and all that it takes to end there, what must hold first."""

    territory: Territory
    demands: tuple[_Demand, ...]


class _TooManyError(Exception):
    """The search asked more than it may."""


def toward_territory(subject: Subject, path: str) -> Search:
    """The smallest changes after which the account ends in a territory of this path, or below it."""
    return _search(subject, [line for line in _lines(subject) if line[-1].path == path], None)


def toward_owner(subject: Subject, email: str) -> Search:
    """The smallest changes after which the account ends in a territory that names a rep."""
    found = [line for line in _lines(subject) if _names(subject, line[-1], email) is not None]
    return _search(subject, found, email)


def _lines(subject: Subject) -> Iterator[tuple[Territory, ...]]:
    def below(level: tuple[Territory, ...], above: tuple[Territory, ...]) -> Iterator[tuple[Territory, ...]]:
        for territory in level:
            yield (*above, territory)
            yield from below(territory.children, (*above, territory))

    yield from below(subject.frame.pack.roles[subject.role], ())


def _names(subject: Subject, territory: Territory, email: str) -> Condition | None:
    """What must hold for a territory to name a rep: always for a member, a key for a look-up; None if never."""
    owners, frame = territory.owners, subject.frame
    if isinstance(owners, OwnersByLookup) and owners.key not in UNCHANGEABLE:
        keys = frozenset(key for key, name in owners.table.items() if resolve(frame, name, subject.facts) == email)
        text = f"{owners.key} in {owners.file} with {email}"
        return FieldTest(owners.key, FieldType.TEXT, InList(text, keys), territory.place, text) if keys else None
    named = any(member.email == email for member in members_of(frame, owners, subject.facts))
    return AllOf((), territory.place) if named else None


def _search(subject: Subject, lines: list[tuple[Territory, ...]], email: str | None) -> Search:
    frame = subject.frame
    awake = [line for line in lines if all(in_effect(each, frame.today) for each in line)]
    targets = [_Target(line[-1], tuple(_demands(subject, line, email))) for line in awake]
    names = tuple(dict.fromkeys(line[-1].path for line in lines))
    asleep = tuple(dict.fromkeys(line[-1].path for line in lines if line not in awake))
    counter = _Counter(_MOST_ASKED)
    searches = [(target, _TargetSearch(target, subject.facts, frame, counter)) for target in targets]
    try:
        for size in range(MOST_CHANGES + 1):
            found = [_way(subject, target, way, email) for target, search in searches for way in search.ways(size)]
            if found:
                found.sort(key=_liking)
                return Search(tuple(found[:_MOST_SHOWN]), True, names, asleep)
    except _TooManyError:
        return Search((), False, names, asleep)
    return Search((), not searches or all(search.exhausted for _, search in searches), names, asleep)


def _demands(subject: Subject, line: tuple[Territory, ...], email: str | None) -> Iterator[_Demand]:
    """What it takes to end at the last of a line: positive demands first, for they are the narrow ones."""
    frame = subject.frame
    yield from (_Demand(each.when, True) for each in line)
    if email is not None:
        named = _names(subject, line[-1], email)
        if named is not None:
            yield _Demand(named, True)
    level = frame.pack.roles[subject.role]
    for territory in line:
        for earlier in level:
            if earlier is territory:
                break
            if in_effect(earlier, frame.today):
                yield _Demand(earlier.when, False)
        level = territory.children
    if email is not None:
        yield from (_Demand(child.when, False) for child in level if in_effect(child, frame.today))


@dataclass(slots=True)
class _Counter:
    left: int

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooManyError


class _TargetSearch:
    """The changes that lead to one target, by their number."""

    def __init__(self, target: _Target, facts: Facts, frame: Frame, counter: _Counter) -> None:
        self._demands = target.demands
        self._facts = facts
        self._frame = frame
        self._counter = counter
        tests = [tuple(_tests(demand.condition)) for demand in target.demands]
        self._own = [tests_by_field(each) for each in tests]
        self._all = tests_by_field(test for each in tests for test in each)
        self._partitions: dict[str, Partition] = {}
        self.exhausted = False

    def ways(self, size: int) -> list[dict[str, Choice]]:
        """Every way to change exactly so many fields, each once."""
        self.exhausted = True
        found: dict[tuple[tuple[str, tuple[bool, ...]], ...], dict[str, Choice]] = {}
        for way in self._extend({}, self._facts, size):
            found.setdefault(tuple(sorted((name, choice.answers) for name, choice in way.items())), way)
        return list(found.values())

    def _extend(self, chosen: dict[str, Choice], facts: Facts, left: int) -> Iterator[dict[str, Choice]]:
        unmet = self._unmet(facts)
        if unmet is None:
            if not left:
                yield chosen
            return
        for name, tests in self._own[unmet].items():
            if name in chosen or name in UNCHANGEABLE:
                continue
            if not left:
                self.exhausted = False
                return
            for choice in self._partition(name).choices(tests):
                yield from self._extend({**chosen, name: choice}, changed(facts, name, choice.value), left - 1)

    def _unmet(self, facts: Facts) -> int | None:
        """The first demand that is not met."""
        context = self._frame.context
        for number, demand in enumerate(self._demands):
            self._counter.spend()
            if holds(demand.condition, facts, context) is not demand.wanted:
                return number
        return None

    def _partition(self, name: str) -> Partition:
        if name not in self._partitions:
            self._partitions[name] = Partition(name, self._all[name], self._facts, self._frame.context)
        return self._partitions[name]


def changed(facts: Facts, name: str, value: Value | None) -> Facts:
    """The company with another value of one field, None for a missing one."""
    values: dict[str, Value] = {key: each for key, each in facts.values.items() if key != name}
    return replace(facts, values=values if value is None else {**values, name: value})


def _tests(condition: Condition) -> Iterator[FieldTest]:
    """The tests of a company's own fields, segments expanded; what its deals are asked is not among them."""
    match condition:
        case FieldTest():
            yield condition
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            for each in conditions:
                yield from _tests(each)
        case Not(inner):
            yield from _tests(inner)
        case _:
            return


def _way(subject: Subject, target: _Target, way: Mapping[str, Choice], email: str | None) -> Way:
    frame, before = subject.frame, subject.facts
    after = before
    for name, choice in way.items():
        after = changed(after, name, choice.value)
    tree = choose_territory(frame.pack, subject.role, after, frame.context)
    moved = replace(subject, facts=after, tree=tree, leeway=None)
    territory = tree.path[-1]
    members = tuple(member.email for member in members_of(frame, territory.owners, after))
    held = tuple(
        (claim.reason, claim.text)
        for claim in claims_on(moved)
        if claim.applies and claim.reason not in SETTLED_BY_TERRITORY
    )
    away = barred(frame, email, after) if email is not None else None
    notes = [f"{email} could not receive it now: {away}"] if away else []
    if subject.leeway is not None and subject.leeway.stay is not None and way:
        notes.append(f"the leeway of {subject.leeway.territory.path} may keep it where it is")
    changes = tuple(
        FieldChange(name, before.values.get(name), way[name].value, _met(subject, target, name, after))
        for name in sorted(way)
    )
    return Way(territory.path, territory.place, changes, members, held, tuple(notes))


def _met(subject: Subject, target: _Target, name: str, after: Facts) -> tuple[str, ...]:
    """The clauses on the target's line about one field that hold afterwards and do not now."""
    context = subject.frame.context
    tests = (test for demand in target.demands if demand.wanted for test in _tests(demand.condition))
    met = (test.text for test in tests if test.field == name and _comes_true(test, subject.facts, after, context))
    return tuple(dict.fromkeys(met))[:3]


def _comes_true(test: FieldTest, before: Facts, after: Facts, context: EvaluationContext) -> bool:
    return holds(test, after, context) and not holds(test, before, context)


def _liking(way: Way) -> tuple[object, ...]:
    """What leaves the company the same one, is held less, empties less, and has fewer to choose from comes first."""
    renamed = sum(change.field in NAMING for change in way.changes)
    emptied = sum(change.after is None for change in way.changes)
    return (
        renamed,
        len(way.holds),
        emptied,
        len(way.candidates),
        way.territory,
        tuple(change.field for change in way.changes),
    )
