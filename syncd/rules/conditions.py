"""Conditions: mappings of fields and matchers, and how they combine, in two-valued logic.

A condition is a frozen value with its text and place; what it holds of is Facts or OpportunityFacts. `not` turns false
into true: a missing value makes a matcher false, never unknown. Nothing here reads files or decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import Place
from syncd.model.fields import FieldType
from syncd.model.refs import Kind
from syncd.rules.facts import Facts, OpportunityFacts, Value
from syncd.rules.matching.date_matchers import Last
from syncd.rules.matching.matchers import Matcher
from syncd.rules.matching.repricing import repriced
from syncd.rules.matching.time_window import WON_WINDOW, earliest
from syncd.rules.matching.time_window import EvaluationContext as EvaluationContext

Subject = Facts | OpportunityFacts
_WON_IN_WINDOW = Last("last 12 months", WON_WINDOW)
_ROLLING_FIELDS = frozenset({"won_amount_12m", "won_count_12m"})


@dataclass(frozen=True, slots=True)
class Trace:
    """One clause as evaluated: its text as written, its place, the outcome, and for a field its normalised value."""

    text: str
    place: Place | None
    outcome: bool
    field: str | None = None
    value: Value | None = None
    children: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Always:
    """`always`: matches everything."""

    place: Place | None = None
    text: str = "always"


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these hold: the entries of a mapping, or `all:`."""

    conditions: tuple[Condition, ...]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of these holds."""

    conditions: tuple[Condition, ...]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of these holds."""

    conditions: tuple[Condition, ...]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """The whole of this does not hold."""

    condition: Condition
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class InSegment:
    """The company is in one of these segments; `conditions` are theirs, in the order of the names."""

    names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One field against one matcher.

    Rows of a table share the test of a cell that they all have; it has no place then, and stands where its row does.
    """

    field: str
    type: FieldType
    matcher: Matcher
    place: Place | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpportunityTest:
    """Some (`any`) or no (`none`) open opportunity matches."""

    mode: str
    condition: Condition
    place: Place | None = None
    text: str = ""


Condition = Always | AllOf | AnyOf | NoneOf | Not | InSegment | FieldTest | OpportunityTest


def holds(condition: Condition, facts: Subject, context: EvaluationContext) -> bool:
    """Whether the condition holds of a company or an opportunity."""
    # The hottest lines of the record-at-a-time engine: tests of type are twice as fast here as patterns.
    if isinstance(condition, FieldTest):
        matcher = condition.matcher
        if facts.rates is not None and condition.type is FieldType.MONEY:
            matcher = repriced(matcher, facts.rates)
        return matcher.matches(facts.values.get(condition.field), context)
    if isinstance(condition, AllOf):
        for each in condition.conditions:  # noqa: SIM110 - see above
            if not holds(each, facts, context):
                return False
        return True
    if isinstance(condition, AnyOf | InSegment):
        return _any_holds(condition.conditions, facts, context)
    if isinstance(condition, NoneOf):
        return not _any_holds(condition.conditions, facts, context)
    if isinstance(condition, Not):
        return not holds(condition.condition, facts, context)
    if isinstance(condition, OpportunityTest):
        found = any(holds(condition.condition, each, context) for each in _open(facts))
        return found is (condition.mode == "any")
    return True


def _any_holds(conditions: tuple[Condition, ...], facts: Subject, context: EvaluationContext) -> bool:
    for each in conditions:  # noqa: SIM110 - a loop costs half of a generator here
        if holds(each, facts, context):
            return True
    return False


def trace(condition: Condition, facts: Subject, context: EvaluationContext, place: Place | None = None) -> Trace:
    """The condition clause by clause, every clause evaluated; the root's outcome is what `holds` says.

    A clause without a place of its own has that of the condition around it, the root's is `place`.
    """
    outcome = holds(condition, facts, context)
    place = condition.place or place
    match condition:
        case FieldTest(field):
            return Trace(condition.text, place, outcome, field, facts.values.get(field))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions):
            children = tuple(trace(each, facts, context, place) for each in conditions)
        case InSegment(names, conditions):
            children = tuple(
                Trace(name, each.place, holds(each, facts, context), children=(trace(each, facts, context),))
                for name, each in zip(names, conditions, strict=True)
            )
        case Not(inner):
            children = (trace(inner, facts, context),)
        case OpportunityTest(_, inner):
            children = tuple(
                Trace(each.key, None, holds(inner, each, context), children=(trace(inner, each, context),))
                for each in _open(facts)
            )
        case Always():
            children = ()
    return Trace(condition.text, place, outcome, children=children)


def next_change(condition: Condition, facts: Subject, context: EvaluationContext) -> datetime | None:
    """The first instant after `now` at which time alone could change the answer; None if it never does.

    It may be early (another clause may outvote the one that changes), never late.
    """
    match condition:
        case FieldTest(field, _, matcher):
            rolling = _rolling_change(facts, context) if field in _ROLLING_FIELDS else None
            return earliest((matcher.next_change(facts.values.get(field), context), rolling))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            return earliest(next_change(each, facts, context) for each in conditions)
        case Not(inner):
            return next_change(inner, facts, context)
        case OpportunityTest(_, inner):
            return earliest(next_change(inner, each, context) for each in _open(facts))
        case Always():
            return None


def walk(condition: Condition) -> Iterator[Condition]:
    """The condition and all below it, segments expanded, parents first."""
    yield condition
    match condition:
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            for each in conditions:
                yield from walk(each)
        case Not(inner) | OpportunityTest(_, inner):
            yield from walk(inner)


def placed_tests(
    condition: Condition, place: Place | None, kind: Kind = Kind.ACCOUNT
) -> Iterator[tuple[FieldTest, Place | None, Kind]]:
    """Every test of a field with its place and what it is about; what rows of a table share comes once, at the first.

    `place` is that of the condition around it, `kind` what that is about.
    """
    told: set[int] = set()
    waiting = [(condition, place, kind)]
    while waiting:
        each, around, about = waiting.pop()
        here = each.place or around
        match each:
            case FieldTest():
                if id(each) not in told:
                    told.add(id(each))
                    yield each, here, about
            case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
                waiting.extend([(inner, here, about) for inner in reversed(conditions)])
            case Not(inner):
                waiting.append((inner, here, about))
            case OpportunityTest(_, inner):
                waiting.append((inner, here, Kind.OPPORTUNITY))
            case Always():
                pass


def fields_read(condition: Condition) -> frozenset[str]:
    """The account fields that the condition reads, segments expanded; an opportunity's own are not among them."""
    match condition:
        case FieldTest(field):
            return frozenset((field,))
        case AllOf(conditions) | AnyOf(conditions) | NoneOf(conditions) | InSegment(_, conditions):
            return frozenset().union(*(fields_read(each) for each in conditions))
        case Not(inner):
            return fields_read(inner)
        case OpportunityTest() | Always():
            return frozenset()


def _open(facts: Subject) -> Iterator[OpportunityFacts]:
    if isinstance(facts, Facts):
        yield from (each for each in facts.opportunities if each.is_open)


def _rolling_change(facts: Subject, context: EvaluationContext) -> datetime | None:
    """When the next won opportunity enters or leaves the twelve months that the derived sums look back on."""
    if not isinstance(facts, Facts):
        return None
    return earliest(
        _WON_IN_WINDOW.next_change(each.values.get("close_date"), context)
        for each in facts.opportunities
        if each.values.get("is_won") is True
    )
