"""What only data can say of a pack: territories that hold nothing, values that no rule knows, owners who are nobody.

Takes the companies and people as values; knows no mirror, CRM or file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from syncd.errors import Finding, Place, Severity
from syncd.model.fields import FieldType
from syncd.rules.classes.near_misses import near_misses
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import FieldTest, placed_tests, walk
from syncd.rules.deciding.tree_result import in_effect
from syncd.rules.facts import Directory, Facts, Value
from syncd.rules.matching.matchers import AnyElement, EqualTo, InList, Matcher, Missing, Present
from syncd.rules.matching.matchers import NoneOf as NoneOfValues
from syncd.rules.matching.time_window import EvaluationContext, local_day
from syncd.rules.pack import (
    Owners,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPair,
    OwnersByPool,
    Pack,
    Territory,
)
from syncd.rules.proving.claims import named
from syncd.rules.proving.domains import atoms

SOON = timedelta(days=14)
"""How long before its end an exception is told of."""
_VALUES_OF = frozenset({FieldType.PICKLIST, FieldType.COUNTRY, FieldType.STATE, FieldType.TEXT, FieldType.SEVERAL})
_GEOGRAPHY = frozenset({"country", "state", "city", "postal_code"})
_CLOSE = 0.82
_MOST_SHOWN = 10
_MOST_COMPARED = 2_000
_SAMPLE = 2_000
"""So many accounts, spread over the book, are asked by how little they miss a territory that nobody reaches."""
_SEAT = "seat:"


def ending_soon(pack: Pack, now: datetime) -> Iterator[Finding]:
    """A note for each exception in force whose last day comes within SOON; what has ended the loader tells."""
    today = local_day(now, pack.zone)
    ends: list[tuple[str, date | None, Place]] = [
        (f"`protect: {each.name}`", each.until, each.place) for each in pack.protect
    ]
    ends += [(f"the override of {each.account}", each.expires, each.place) for each in pack.overrides]
    ends += [("this deal holdout", each.expires, each.place) for each in pack.deal_holdouts]
    for what, last, place in ends:
        if last is not None and today <= last <= today + SOON:
            days = (last - today).days
            when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
            yield Finding("SYN358", Severity.NOTE, f"{what} ends {when}, on {last}", place, "renew it, or let it end")


def geography_only(pack: Pack, held: Mapping[str, int] | None = None) -> Iterator[Finding]:
    """One note for all territories whose whole path tests nothing but places; `held` counts accounts by path."""
    found = [each for each in _leaves(pack) if _is_geographic(pack, each)]
    if not found:
        return
    if held is not None:
        found.sort(key=lambda each: -held.get(each.path, 0))
    shown = [f"`{each.path}`" if held is None else f"`{each.path}` ({held.get(each.path, 0)})" for each in found]
    yield Finding(
        "SYN365",
        Severity.NOTE,
        f"{len(found)} of {sum(1 for _ in _leaves(pack))} territories are drawn by places alone: {named(shown, 5)}",
        found[0].place,
        "places say nothing of size: `syncd plan` shows how accounts and pipeline spread over them",
    )


def _leaves(pack: Pack) -> Iterator[Territory]:
    return (each for each in pack.territories() if not each.children)


def _is_geographic(pack: Pack, leaf: Territory) -> bool:
    names = leaf.path.split("/")
    paths = {"/".join(names[: count + 1]) for count in range(len(names))}
    tests = [
        test.field
        for each in pack.territories()
        if each.path in paths
        for test in walk(each.when)
        if isinstance(test, FieldTest)
    ]
    return bool(tests) and set(tests) <= _GEOGRAPHY


@dataclass(slots=True)
class Surroundings:
    """Everything counted in one walk over the companies of a book."""

    pack: Pack
    context: EvaluationContext
    companies: int = 0
    held: dict[str, Counter[str]] = field(default_factory=dict)
    values: dict[str, Counter[Value]] = field(default_factory=dict)
    spelled: dict[tuple[str, Value], str] = field(default_factory=dict)
    sample: tuple[Facts, ...] = ()

    @classmethod
    def of(cls, pack: Pack, book: Iterable[Facts], context: EvaluationContext) -> Surroundings:
        """Count accounts by territory, those that pass through included, and values by field."""
        book = tuple(book)
        sample = book[:: max(1, len(book) // _SAMPLE)][:_SAMPLE]
        found = cls(pack, context, held={role: Counter() for role in pack.roles}, sample=sample)
        answers = PackClasses(pack).at(context)
        rules = _Known(pack)
        for facts in book:
            found.companies += 1
            for role, counts in found.held.items():
                for territory in answers.choose(role, facts).path:
                    counts[territory.path] += 1
            for name in rules.fields:
                found._count(name, facts)
        return found

    def _count(self, name: str, facts: Facts) -> None:
        value = facts.values.get(name)
        if value is None:
            return
        counts = self.values.setdefault(name, Counter())
        for each in value if isinstance(value, frozenset) else (value,):
            counts[each] += 1
            if (name, each) not in self.spelled:
                seen = facts.seen.get(name)
                self.spelled[name, each] = (
                    seen.raw if seen is not None and not isinstance(value, frozenset) else str(each)
                )

    def findings(self, told: Collection[Place | None] = ()) -> Iterator[Finding]:
        """What the counts say. At the places in `told` a wrong value is known already: it is not said twice."""
        if self.companies:
            yield from self._unreached()
            for each in self._unknown_values():
                if each.severity is not Severity.WARNING or each.place not in told:
                    yield each

    def _unreached(self) -> Iterator[Finding]:
        today = local_day(self.context.now, self.context.zone)
        for role, counts in self.held.items():
            empty = [
                each
                for each in self.pack.territories(role)
                if not counts[each.path] and in_effect(each, today) and not self._below_empty(each.path, counts)
            ]
            missed = self._missed(role) if empty else {}
            for each in empty[:_MOST_SHOWN]:
                message = f"none of {self.companies} accounts in the mirror reaches `{each.path}`"
                nearest = missed.get(each.path)
                if nearest is not None:
                    by, count = nearest
                    message += f"; {count} of {len(self.sample)} looked at miss it by {by} alone"
                yield Finding("SYN360", Severity.NOTE, message, each.place, "is its condition what was meant?")
            if len(empty) > _MOST_SHOWN:
                rest = [f"`{each.path}`" for each in empty[_MOST_SHOWN:]]
                message = f"no account in the mirror reaches {len(rest)} more territories: {named(rest, 5)}"
                yield Finding("SYN360", Severity.NOTE, message, empty[_MOST_SHOWN].place)

    def _missed(self, role: str) -> Mapping[str, tuple[str, int]]:
        """By which one field most accounts of the sample miss a territory, and how many, by path."""
        counts: dict[str, Counter[str]] = {}
        answers = PackClasses(self.pack).at(self.context).role(role)
        for facts in self.sample:
            for miss in near_misses(answers, facts):
                counts.setdefault(miss.territory.path, Counter())[miss.field] += 1
        return {
            path: min(fields.items(), key=lambda each: (-each[1], each[0])) for path, fields in sorted(counts.items())
        }

    @staticmethod
    def _below_empty(path: str, counts: Counter[str]) -> bool:
        parent = path.rpartition("/")[0]
        return bool(parent) and not counts[parent]

    def _unknown_values(self) -> Iterator[Finding]:
        rules = _Known(self.pack)
        for name in sorted(rules.fields):
            counts = self.values.get(name, Counter())
            unknown = {value: count for value, count in counts.items() if not rules.knows(name, value, self.context)}
            listed = sorted(str(value) for value in rules.listed[name])
            others: dict[Value, int] = {}
            for number, (value, count) in enumerate(sorted(unknown.items(), key=lambda each: (-each[1], str(each[0])))):
                near = _near(str(value), listed) if number < _MOST_COMPARED else None
                if near is None:
                    others[value] = count
                else:
                    yield self._near_miss(name, value, count, near, counts[near], rules.places[name, near])
            if others:
                yield self._others(name, others, rules.first[name])

    def _near_miss(self, name: str, value: Value, count: int, near: str, held: int, place: Place | None) -> Finding:
        spelled = self.spelled[name, value]
        has = f"{count} account{'s have' if count != 1 else ' has'} {name} {spelled!r}"
        if held:
            message = f"{has}, which no rule knows; {held} have {near!r}, which rules do know"
            return Finding("SYN361", Severity.NOTE, message, place, f"did you mean {near!r}? Correct the accounts")
        message = f"{has}, which no rule knows, and none has {near!r}, which this rule asks for"
        return Finding("SYN361", Severity.WARNING, message, place, f"did you mean {spelled!r}?")

    def _others(self, name: str, others: Mapping[Value, int], place: Place | None) -> Finding:
        most = [f"{self.spelled[name, value]} ({count})" for value, count in others.items()]
        accounts = sum(others.values())
        message = (
            f"rules name values of {name}, and {len(others)} that {accounts} account"
            f"{'s have' if accounts != 1 else ' has'} are not among them: {', '.join(most[:5])}"
            + (f" and {len(most) - 5} more" if len(most) > 5 else "")
        )
        return Finding("SYN362", Severity.NOTE, message, place, "they go where no value of this field is asked for")


class _Known:
    """The values that rules list, by field, and where."""

    def __init__(self, pack: Pack) -> None:
        self.listed: dict[str, set[Value]] = {}
        self.places: dict[tuple[str, str], Place | None] = {}
        self.first: dict[str, Place | None] = {}
        self._matchers: dict[str, dict[int, Matcher]] = {}
        for role in pack.roles:
            for territory in pack.territories(role):
                for test, place, _ in placed_tests(territory.when, territory.place):
                    if test.type in _VALUES_OF:
                        self._add(test, place)
        self.fields = frozenset(self.listed)

    def _add(self, test: FieldTest, place: Place | None) -> None:
        for each in atoms(test.matcher):
            if isinstance(each, Missing | Present | NoneOfValues):
                continue
            self._matchers.setdefault(test.field, {})[id(each)] = each
            values = _listed(each)
            if values is not None:
                self.first.setdefault(test.field, place)
                self.listed.setdefault(test.field, set()).update(values)
                for value in values:
                    self.places.setdefault((test.field, str(value)), place)

    def knows(self, name: str, value: Value, context: EvaluationContext) -> bool:
        """Whether any rule on the field asks for the value."""
        if value in self.listed[name]:
            return True
        return any(each.matches(value, context) for each in self._matchers[name].values() if _listed(each) is None)


def _listed(matcher: Matcher) -> frozenset[Value] | None:
    match matcher:
        case EqualTo(_, value):
            return frozenset((value,))
        case InList(_, values) | AnyElement(_, values):
            return values
        case _:
            return None


def _near(word: str, known: list[str]) -> str | None:
    if len(word) < 4:
        return None
    return next(iter(get_close_matches(word[:80], known, n=1, cutoff=_CLOSE)), None)


# Owners


def owner_findings(pack: Pack, directory: Directory) -> Iterator[Finding]:
    """What is found about every person that the pack gives accounts to.

    A warning where no CRM knows them, or can give them any: inactive, not eligible, or one address of several users; a
    note where one that is written does not know them.
    """
    if directory.assume_active:
        return
    for person, place in _people(pack).items():
        rep = directory.reps.get(person)
        if rep is None:
            message = f"{person} may be given accounts and is no user of the CRMs in the mirror"
            hint = "correct the address, or name the user with `salesforce:` or `hubspot:` under `reps`"
            yield Finding("SYN363", Severity.WARNING, message, place, hint)
            continue
        inactive = sorted(system.value for system in rep.ids if system not in rep.active_in)
        if inactive:
            message = f"{person} may be given accounts and is no active user of {' and '.join(inactive)}"
            yield Finding("SYN364", Severity.WARNING, message, place, "take them out, or name who follows them")
        barred = sorted(system.value for system in rep.active_in - rep.eligible_in)
        if barred:
            message = f"{person} may be given accounts and may own none in {' and '.join(barred)}"
            yield Finding("SYN364", Severity.WARNING, message, place, "take them out, or name somebody else")
        if person in directory.ambiguous:
            message = f"{person} is the address of several users of one CRM, so that nobody knows which is meant"
            hint = "name the user with `salesforce:` or `hubspot:` under `reps`"
            yield Finding("SYN364", Severity.WARNING, message, place, hint)
        unknown = sorted(system.value for system in directory.written - rep.ids.keys())
        if unknown:
            message = f"{person} is no user of {' and '.join(unknown)}, which is written, too"
            hint = "they get no account that is also there; name the user under `reps` if the address differs there"
            yield Finding("SYN373", Severity.NOTE, message, place, hint)


def _people(pack: Pack) -> dict[str, Place]:
    """Everybody whom territories, pools and overrides may give accounts to, with where that stands first."""
    found: dict[str, Place] = {}

    def add(member: str, place: Place) -> None:
        if not member.startswith(_SEAT):
            found.setdefault(member, place)
            return
        seat = pack.seats.get(member.removeprefix(_SEAT))
        for person in (seat.holder, seat.cover) if seat is not None else ():
            if person is not None and seat is not None:
                found.setdefault(person, seat.place)

    for role in pack.roles:
        for territory in pack.territories(role):
            for owners in (territory.owners, territory.overflow):
                for member, place in _members(pack, owners, territory.place):
                    add(member, place)
    for override in pack.overrides:
        add(override.owner, override.place)
    return found


def _members(pack: Pack, owners: Owners | None, place: Place) -> Iterator[tuple[str, Place]]:
    match owners:
        case OwnersByEmail(members):
            yield from ((member, place) for member in members)
        case OwnersByLookup(table=table) | OwnersByPair(table=table):
            yield from ((member, place) for member in dict.fromkeys(table.values()))
        case OwnersByPool(name) if name in pack.pools:
            pool = pack.pools[name]
            yield from ((member, pool.place) for member, _ in pool.members)
        case _:
            return
