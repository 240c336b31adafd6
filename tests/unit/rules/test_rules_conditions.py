"""How conditions combine, what explanations show, and when time alone changes an answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from condition_reading import BERLIN, CATALOGUE, NOW, condition_of, facts_of, node_of, says, scope_of
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model.fields import FieldType
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    EvaluationContext,
    FieldTest,
    InSegment,
    NoneOf,
    Not,
    fields_read,
    holds,
    next_change,
    trace,
    walk,
)
from syncd.rules.derivation import Derivation, facts_from_raw
from syncd.rules.facts import Facts
from syncd.rules.findings import Findings
from syncd.rules.matching.date_matchers import InPeriod, Last, Next, NotSince, OlderThan
from syncd.rules.matching.matchers import EqualTo, Matcher, Missing
from syncd.rules.matching.matchers import NoneOf as NoneOfValues
from syncd.rules.matching.time_window import Duration, Period
from syncd.rules.parsing.condition_parser import parse_condition

DEAL = {"stage": "Negotiation", "amount": "1000", "is_closed": "false"}
WON = {"stage": "Negotiation", "is_closed": "true", "is_won": "true", "close_date": "2026-11-01"}
LOST = {"stage": "Negotiation", "is_closed": "true", "is_won": "false"}
GERMAN_BANK = {"country": "DE", "industry": "Banking", "employees": "2000"}

COMBINED = [
    ("always", {}, (), True),
    ("{country: DE, industry: Banking}", GERMAN_BANK, (), True),
    ("{country: DE, industry: Retail}", GERMAN_BANK, (), False),
    ("all: [{country: DE}, {industry: Retail}]", GERMAN_BANK, (), False),
    ("any: [{country: AT}, {industry: Banking}]", GERMAN_BANK, (), True),
    ("any: [{country: AT}, {industry: Retail}]", GERMAN_BANK, (), False),
    ("none: [{country: AT}, {industry: Retail}]", GERMAN_BANK, (), True),
    ("none: [{country: AT}, {industry: Banking}]", GERMAN_BANK, (), False),
    ("not: {country: AT}", GERMAN_BANK, (), True),
    ("not: {country: DE, industry: Retail}", GERMAN_BANK, (), True),
    ("not: {country: DE, industry: Banking}", GERMAN_BANK, (), False),
    ("{country: DE, any: [{industry: Retail}, all: [{employees: '> 1'}, always]]}", GERMAN_BANK, (), True),
    # two-valued: `!=` wants a value, `not` turns false into true
    ('industry: "!= Banking"', {}, (), False),
    ("not: {industry: Banking}", {}, (), True),
    ('not: {industry: "!= Banking"}', {}, (), True),
    ("not: {not: {industry: Banking}}", {}, (), False),
    # segments
    ("in_segment: enterprise", GERMAN_BANK, (), True),
    ("in_segment: [americas, dach]", GERMAN_BANK, (), True),
    ("in_segment: americas", GERMAN_BANK, (), False),
    ("{in_segment: dach, employees: '< 10'}", GERMAN_BANK, (), False),
    # some, or no, open opportunity matches
    ("opportunities: {any: {stage: negotiation}}", {}, (DEAL,), True),
    ("opportunities: {any: {stage: negotiation}}", {}, (LOST,), False),
    ("opportunities: {any: {stage: negotiation}}", {}, (WON,), False),
    ("opportunities: {any: {stage: negotiation}}", {}, (), False),
    ("opportunities: {none: {stage: negotiation}}", {}, (DEAL,), False),
    ("opportunities: {none: {stage: negotiation}}", {}, (LOST,), True),
    ("opportunities: {none: always}", {}, (), True),
    ("opportunities: {any: {amount: '>= 1k'}, none: {stage: Closing}}", {}, (DEAL,), True),
    ("not: {opportunities: {any: {stage: negotiation}}}", {}, (DEAL,), False),
]


@pytest.mark.parametrize(("condition", "account", "opportunities", "outcome"), COMBINED)
def test_conditions_combine_as_written(
    condition: str, account: dict[str, str], opportunities: tuple[dict[str, str], ...], outcome: bool
) -> None:
    assert says(condition, account, opportunities) is outcome


TEXTS = st.sampled_from(["a", "b", "c"])
FIELDS = st.sampled_from(["industry", "city", "tier"])
MATCHERS = (
    st.builds(EqualTo, st.just("x"), TEXTS)
    | st.builds(NoneOfValues, st.just("x"), st.frozensets(TEXTS, min_size=1))
    | st.just(Missing("missing"))
)
TESTS = st.builds(FieldTest, FIELDS, st.just(FieldType.PICKLIST), MATCHERS)


def _lists(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[tuple[Condition, ...]]:
    return st.lists(inner, min_size=1, max_size=3).map(tuple)


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    TESTS | st.just(Always()),
    lambda inner: (
        st.builds(AllOf, _lists(inner))
        | st.builds(AnyOf, _lists(inner))
        | st.builds(NoneOf, _lists(inner))
        | st.builds(Not, inner)
    ),
    max_leaves=12,
)
ACCOUNTS = st.dictionaries(FIELDS, TEXTS).map(lambda values: Facts("a", ("a",), values=values))
CONTEXT = EvaluationContext(NOW)


@settings(max_examples=200)
@given(CONDITIONS, ACCOUNTS)
def test_not_is_the_plain_complement(condition: Condition, facts: Facts) -> None:
    assert holds(Not(condition), facts, CONTEXT) is not holds(condition, facts, CONTEXT)
    assert holds(NoneOf((condition,)), facts, CONTEXT) is not holds(AnyOf((condition,)), facts, CONTEXT)


@settings(max_examples=200)
@given(CONDITIONS, ACCOUNTS)
def test_the_trace_says_what_holds_says_at_every_clause(condition: Condition, facts: Facts) -> None:
    def check(part: Condition, shown: object) -> None:
        found = trace(part, facts, CONTEXT)
        assert found == shown
        assert found.outcome is holds(part, facts, CONTEXT)
        below = part.conditions if isinstance(part, AllOf | AnyOf | NoneOf) else ()
        for each, child in zip(below, found.children, strict=False):
            check(each, child)

    check(condition, trace(condition, facts, CONTEXT))


def test_trace_shows_clauses_as_written_with_places_values_and_outcomes() -> None:
    text = "country: [DE, AT]\nemployees: '>= 1000'\nany:\n  - industry: Retail\n  - in_segment: [dach]\n"
    shown = trace(condition_of(text), facts_of({"country": "Germany", "industry": "Banking"}), CONTEXT)
    country, employees, any_of = shown.children
    assert (country.text, country.outcome, country.field, country.value) == ("country: [DE, AT]", True, "country", "DE")
    assert (employees.text, employees.outcome, employees.value) == ('employees: ">= 1000"', False, None)
    assert employees.place is not None
    assert (employees.place.line, employees.place.column) == (2, 1)
    assert any_of.text == "any: [{industry: Retail}, {in_segment: [dach]}]"
    retail, segment = any_of.children
    assert not retail.outcome
    assert segment.outcome
    assert segment.children[0].text == "dach"
    assert segment.children[0].children[0].field == "country"


def test_trace_lists_the_open_opportunities() -> None:
    condition = condition_of("opportunities: {any: {stage: Negotiation}}")
    facts = facts_of({}, [{**DEAL, "id": "d1"}, {**LOST, "id": "d2"}, {**DEAL, "stage": "New", "id": "d3"}])
    shown = trace(condition, facts, CONTEXT)
    assert [(child.text, child.outcome) for child in shown.children] == [("d1", True), ("d3", False)]
    assert shown.children[1].children[0].value == "new"


def test_fields_read_expands_segments() -> None:
    condition = condition_of("{in_segment: enterprise, not: {industry: x}, opportunities: {any: {stage: y}}}")
    assert fields_read(condition) == {"employees", "industry"}
    assert sum(isinstance(each, FieldTest) for each in walk(condition)) == 3


# When time alone changes an answer

ZONES = st.sampled_from([ZoneInfo("UTC"), BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Apia")])
INSTANTS = st.timedeltas(timedelta(days=-1400), timedelta(days=1400)).map(lambda away: NOW + away)
DURATIONS = st.builds(Duration, st.integers(0, 40), st.sampled_from(["h", "min", "d", "w", "mo", "y"]))
MOVING: st.SearchStrategy[Matcher] = (
    st.builds(Last, st.just("m"), DURATIONS)
    | st.builds(Next, st.just("m"), DURATIONS)
    | st.builds(OlderThan, st.just("m"), DURATIONS)
    | st.builds(NotSince, st.just("m"), DURATIONS)
    | st.builds(InPeriod, st.just("m"), st.builds(Period, st.sampled_from([1, 3, 12]), st.integers(-1, 1)))
)


@settings(max_examples=400)
@given(MOVING, INSTANTS, INSTANTS, ZONES, st.integers(1, 12), st.floats(0, 1), st.booleans())
def test_an_answer_never_changes_before_next_change_says(
    matcher: Matcher, value: datetime, now: datetime, zone: ZoneInfo, start: int, share: float, midnight: bool
) -> None:
    if midnight:
        value = value.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(NOW.tzinfo)
    context = EvaluationContext(now, zone, start)
    change = matcher.next_change(value, context)
    horizon = change or now + timedelta(days=4000)
    assert horizon > now
    between = now + (horizon - now) * share
    if between < horizon:
        later = EvaluationContext(between, zone, start)
        assert matcher.matches(value, later) is matcher.matches(value, context)


@settings(max_examples=300)
@given(MOVING, INSTANTS, INSTANTS, ZONES)
def test_next_change_is_exact_for_one_matcher(matcher: Matcher, value: datetime, now: datetime, zone: ZoneInfo) -> None:
    context = EvaluationContext(now, zone)
    change = matcher.next_change(value, context)
    if change is not None and not (isinstance(matcher, Last | Next) and matcher.duration.count == 0):
        after = EvaluationContext(change, zone)
        assert matcher.matches(value, after) is not matcher.matches(value, context)


CHANGES = [
    ("renewal_date: {last: 30d}", "2026-11-20", "2026-12-20T23:00:00Z"),
    ("renewal_date: {not_since: 90d}", "2026-11-30", "2027-02-28T23:00:00Z"),
    ("renewal_date: {older_than: 1mo}", "2026-11-30", "2026-12-31T23:00:00Z"),
    ("renewal_date: {last: 1h}", "2026-12-01T09:30:00Z", "2026-12-01T10:30:00.000001Z"),
    ("renewal_date: {next: 7d}", "2026-12-20", "2026-12-12T23:00:00Z"),
    ("renewal_date: {in: this_quarter}", "2026-11-01", "2026-12-31T23:00:00Z"),
    ("renewal_date: {in: last_month}", "2026-12-05", "2026-12-31T23:00:00Z"),
    ("renewal_date: {older_than: 30d}", "2026-01-01", None),
    ("renewal_date: '<= 2026-12-31'", "2026-12-31", None),
    ("renewal_date: {not_since: 90d}", None, None),
    ("country: DE", None, None),
    ("{country: DE, not: {renewal_date: {last: 30d}}}", "2026-11-20", "2026-12-20T23:00:00Z"),
    ("any: [{renewal_date: {last: 40d}}, {renewal_date: {last: 30d}}]", "2026-11-20", "2026-12-20T23:00:00Z"),
    ("renewal_date: [{last: 40d}, {last: 30d}]", "2026-11-20", "2026-12-20T23:00:00Z"),
]


@pytest.mark.parametrize(("condition", "date", "change"), CHANGES)
def test_next_change_names_the_instant(condition: str, date: str | None, change: str | None) -> None:
    facts = facts_of({"renewal_date": date} if date else {}, zone=BERLIN)
    found = next_change(condition_of(condition, zone=BERLIN), facts, EvaluationContext(NOW, BERLIN))
    assert found == (datetime.fromisoformat(change) if change else None)


def test_a_sum_that_looks_back_changes_when_a_deal_leaves_its_window() -> None:
    won = {"is_won": "true", "is_closed": "true", "amount": "100", "close_date": "2025-12-10"}
    facts = facts_of({}, [won])
    condition = condition_of("won_amount_12m: '>= 100'")
    assert holds(condition, facts, CONTEXT)
    change = next_change(condition, facts, CONTEXT)
    assert change == datetime.fromisoformat("2026-12-11T00:00:00Z")
    derivation = Derivation(catalogue=CATALOGUE)
    later = facts_from_raw("a", {}, opportunities=[won], derivation=derivation, now=change)
    assert not holds(condition, later, EvaluationContext(change))
    assert later.values["won_amount_12m"] == Decimal(0)


def test_segments_are_shared_not_copied() -> None:
    scope = scope_of()
    condition = parse_condition(node_of("in_segment: [dach, americas]"), scope, Findings())
    assert isinstance(condition, InSegment)
    assert condition.conditions[0] is scope.segments["dach"]
