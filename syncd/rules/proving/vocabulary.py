"""Words of rules against what the CRMs offer, and how many accounts have the fields that rules read.

Takes offers and companies as values; knows no schema, mirror or file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from syncd.errors import Finding, Place, Severity
from syncd.model.fields import FieldType
from syncd.model.normalisation import text
from syncd.model.refs import Kind
from syncd.rules.conditions import Condition, FieldTest, fields_read, placed_tests
from syncd.rules.facts import Facts
from syncd.rules.matching.matchers import AllElements, AnyElement, EqualTo, InList, Matcher, NoElement
from syncd.rules.matching.matchers import NoneOf as NoneOfValues
from syncd.rules.pack import Pack
from syncd.rules.proving.claims import named
from syncd.rules.proving.domains import atoms

Offers = Mapping[Kind, Mapping[str, frozenset[str]]]
"""The values that the CRMs offer, as they spell them, by kind and field; a field without all of them is not there."""
_OFFERED = frozenset({FieldType.PICKLIST, FieldType.SEVERAL})
_SMALL_SHARE = 50
"""Percent of accounts: a field that fewer have is told of."""
_CLOSE = 0.6
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """A field that the conditions of accounts read: how many accounts have a value, of how many, and how many rules
    read it; `place` is where it is read first."""

    field: str
    accounts: int
    of: int
    rules: int
    place: Place

    @property
    def percent(self) -> int:
        """The share of accounts with a value, rounded down."""
        return self.accounts * 100 // self.of if self.of else 0


def not_offered(pack: Pack, offers: Offers, held: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    """A finding (SYN366) for each place of the pack that lists values no CRM offers for a picklist, the first each.

    A warning; a note where accounts still have the value: `held` counts them by field and normalised value.
    """
    spelled = {
        (kind, name): {text(value): value for value in sorted(values)}
        for kind, fields in offers.items()
        for name, values in fields.items()
    }
    computed = frozenset({"lifecycle"} if pack.lifecycle else ()) | ({"score", "band"} if pack.scoring else frozenset())
    told: set[tuple[Kind, str, str]] = set()
    for condition, kind, place in _conditions(pack):
        for test, here, of in placed_tests(condition, place, kind):
            known = spelled.get((of, test.field.removeprefix("crm_") if of is Kind.ACCOUNT else test.field))
            if known is None or test.type not in _OFFERED or (of is Kind.ACCOUNT and test.field in computed):
                continue
            unknown = [value for value in _values(test.matcher) if value not in known]
            fresh = [value for value in unknown if (of, test.field, value) not in told]
            told.update((of, test.field, value) for value in fresh)
            if fresh:
                yield _finding(test, fresh, known, held if of is Kind.ACCOUNT else {}, here or place)


def _finding(
    test: FieldTest,
    values: list[str],
    known: Mapping[str, str],
    held: Mapping[str, Mapping[str, int]],
    place: Place,
) -> Finding:
    counts = held.get(test.field, {})
    accounts = sum(counts.get(value, 0) for value in values)
    shown = named([repr(value) for value in values], _MOST_NAMED)
    is_ = "is no value" if len(values) == 1 else "are no values"
    message = f"{shown} {is_} that the CRM offers for {test.field}"
    if accounts:
        have = f"{accounts} account{'s' if accounts != 1 else ''} still ha{'ve' if accounts != 1 else 's'} "
        message += f"; {have}{'it' if len(values) == 1 else 'one of them'}"
    close = [near for value in values if (near := get_close_matches(value[:80], known, n=1, cutoff=_CLOSE))]
    if close:
        hint = f"did you mean {named([repr(known[near[0]]) for near in close], _MOST_NAMED)}?"
    else:
        hint = f"it offers {named([repr(value) for value in sorted(known.values())], _MOST_NAMED)}"
    return Finding("SYN366", Severity.NOTE if accounts else Severity.WARNING, message, place, hint)


def field_coverage(pack: Pack, book: Iterable[Facts]) -> tuple[FieldCoverage, ...]:
    """For each field that conditions of accounts read how many of the book have a value, by name."""
    rules: dict[str, int] = {}
    places: dict[str, Place] = {}
    for condition, kind, place in _conditions(pack):
        for name in fields_read(condition) if kind is Kind.ACCOUNT else ():
            rules[name] = rules.get(name, 0) + 1
            places.setdefault(name, place)
    counts = dict.fromkeys(rules, 0)
    whole = 0
    for facts in book:
        whole += 1
        for name, value in facts.values.items():
            if name in counts and value is not None and value != frozenset():
                counts[name] += 1
    return tuple(FieldCoverage(name, counts[name], whole, rules[name], places[name]) for name in sorted(rules))


def thin_fields(coverage: Iterable[FieldCoverage]) -> Iterator[Finding]:
    """A note (SYN372) for each field that rules read and that fewer than half of the accounts have."""
    for each in coverage:
        if each.of and each.percent < _SMALL_SHARE:
            have = f"{each.accounts} of {each.of} accounts ({each.percent} %) have a value of {each.field}"
            message = f"{have}, which {each.rules} rule{'s read' if each.rules != 1 else ' reads'}"
            hint = "the others are `missing`: fill the field in the CRM, or say in the rules where they go"
            yield Finding("SYN372", Severity.NOTE, message, each.place, hint)


def _conditions(pack: Pack) -> Iterator[tuple[Condition, Kind, Place]]:
    """Every condition of the pack, what it is about, and where its rule stands."""
    for role in pack.roles_in_order:
        yield from ((each.when, Kind.ACCOUNT, each.place) for each in pack.territories(role))
    yield from ((each.when, Kind.ACCOUNT, each.place) for each in pack.protect)
    if pack.retrieve is not None:
        yield pack.retrieve.when, Kind.ACCOUNT, pack.retrieve.place
    yield from ((each.when, Kind.ACCOUNT, each.place) for each in pack.lifecycle)
    if pack.scoring is not None:
        yield from ((each.test, Kind.ACCOUNT, each.place) for each in pack.scoring.components)
    yield from ((each.opportunities, Kind.OPPORTUNITY, each.place) for each in pack.deal_holdouts)
    for monitor in pack.monitors:
        for condition in (monitor.when, monitor.except_):
            if condition is not None and monitor.place is not None:
                yield condition, Kind.ACCOUNT, monitor.place


def _values(matcher: Matcher) -> Iterator[str]:
    """The values that a matcher lists, those that it excludes too, in order."""
    for each in atoms(matcher):
        match each:
            case EqualTo(_, value):
                yield str(value)
            case InList(values=values) | AnyElement(values=values) | AllElements(values=values):
                yield from sorted(map(str, values))
            case NoElement(values=values) | NoneOfValues(values=values):
                yield from sorted(map(str, values))
